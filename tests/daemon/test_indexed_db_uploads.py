"""What a client sends ahead of its requests belongs to one transaction, and goes with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from blake3 import blake3
from client_support.daemon_thread import DaemonThread, running_daemon
from client_support.indexed_db_peer import Peer, peer_of

from tfjsd.daemon.indexed_db import uploads
from tfjsd.daemon.indexed_db.uploads import Uploads
from tfjsd.errors import BadRequestError, TooLargeError
from tfjsd.storage_backends.blobs import FileBlobStore
from tfjsd.storage_backends.indexed_db.key_coding import encode_key
from tfjsd.storage_backends.values import encode

pytest.importorskip("plyvel")
DATA = bytes(range(256)) * 1024
DIGEST = blake3(DATA).hexdigest()


@pytest.fixture
def daemon() -> Iterator[DaemonThread]:
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture
async def peer(daemon: DaemonThread) -> AsyncIterator[Peer]:
    async with peer_of(daemon) as peer:
        await peer.connect()
        await peer.open()
        yield peer


@pytest.fixture
def blobs(tmp_path) -> FileBlobStore:
    return FileBlobStore(tmp_path / "blobs")


def value_of(blobs: FileBlobStore, value: object) -> bytes:
    def stage(data: Any) -> Any:
        blob = blobs.stage(data)
        blobs.redeem(blob)
        return blob

    return encode(value, stage).data


async def put(peer: Peer, transaction: int, part: bytes | None, **fields: Any) -> None:
    key = encode_key(transaction)
    await peer.say("put", part, key, key, transaction=transaction, request=10 * transaction, store=1, **fields)


async def test_two_transactions_stage_equal_binaries_each_its_own(peer, blobs):
    value = value_of(blobs, DATA)
    for transaction in (2, 3):
        await peer.begin(transaction)
    for transaction in (2, 3):
        assert await peer.stage_binary(transaction, DIGEST, DATA) == 204
    for transaction in (2, 3):
        await put(peer, transaction, value)
        await peer.say("commit", transaction=transaction, request=10 * transaction + 1)
    heard = [await peer.hear() for _ in range(4)]
    assert sorted((said.type, said.fields["request"]) for said in heard) == [("done", n) for n in (20, 21, 30, 31)]


async def test_an_aborted_transaction_leaves_nothing_that_was_staged_for_it(daemon, peer):
    for transaction in (2, 3, 4):
        await peer.begin(transaction)
        await peer.stage_value(transaction, "v", bytes(100_000))
        await peer.stage_binary(transaction, DIGEST, DATA)
        await peer.say("abort", transaction=transaction)
    await peer.say("databases", request=5)
    assert (await peer.hear()).fields["request"] == 5
    service = daemon._server._service
    (session,) = service.indexed_db._live.values()
    assert session.uploads.is_empty
    blobs = service.origins.get("http://localhost").bucket.blobs
    while list(blobs.digests()):  # unlinked beside
        await asyncio.sleep(0.005)


async def test_what_comes_after_an_abort_is_not_kept(daemon, peer):
    await peer.begin(2)
    await peer.say("abort", transaction=2)
    await peer.say("databases", request=5)
    await peer.hear()
    assert await peer.stage_value(2, "v", bytes(100_000)) == 204
    assert await peer.stage_binary(2, DIGEST, DATA) == 204
    (session,) = daemon._server._service.indexed_db._live.values()
    assert session.uploads.is_empty


async def test_a_transaction_cannot_take_what_was_staged_for_another(peer):
    await peer.begin(2)
    await peer.begin(3)
    await peer.stage_value(2, "v", bytes(100_000))
    await put(peer, 3, None, value="v")
    assert await peer.closed_with() == 1008


async def test_aborted_transactions_leave_room_for_the_next(peer, monkeypatch):
    monkeypatch.setattr(uploads, "_LIMIT", 150_000)
    for transaction in (2, 3):
        await peer.begin(transaction)
        assert await peer.stage_value(transaction, "v", bytes(100_000)) == 204
        assert await peer.stage_value(transaction, "w", bytes(100_000)) == 413, "the limit counts"
        await peer.say("abort", transaction=transaction)
        await peer.say("databases", request=transaction)
        await peer.hear()


def test_what_comes_ahead_of_its_transaction_is_kept_for_it(blobs):
    staged = Uploads(blobs)
    staged.stage_value(7, "v", b"value")
    staged.begin(7)
    assert staged.take_value(7, "v") == b"value"
    assert staged.is_empty


def test_a_value_that_is_sent_again_counts_once(blobs, monkeypatch):
    monkeypatch.setattr(uploads, "_LIMIT", 10)
    staged = Uploads(blobs)
    for _ in range(3):
        staged.stage_value(1, "v", b"12345678")
    with pytest.raises(TooLargeError):
        staged.stage_value(1, "w", b"123")
    staged.take_value(1, "v")
    staged.stage_value(1, "w", b"123")


def test_nothing_is_pinned_in_the_end(blobs):
    staged = Uploads(blobs)
    for transaction in (1, 2):
        staged.begin(transaction)
        staged.stage_binary(transaction, blobs.stage(DATA))
        staged.stage_binary(transaction, blobs.stage(DATA))
    assert blobs.is_pinned(DIGEST)
    staged.end(1)
    assert blobs.is_pinned(DIGEST), "the other transaction's"
    blobs.redeem(staged.take_binary(2, DIGEST))
    with pytest.raises(BadRequestError):
        staged.take_binary(2, DIGEST)
    staged.stage_binary(2, blobs.stage(DATA))
    staged.close()
    staged.stage_binary(2, blobs.stage(DATA))
    assert not blobs.is_pinned(DIGEST)
