"""What the WebSocket takes from others than our own client, and what docs/protocol.md says of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from client_support.daemon_thread import DaemonThread, running_daemon
from client_support.indexed_db_peer import Peer, peer_of

from tfjsd.daemon.indexed_db import served_connection, served_transaction, session
from tfjsd.daemon.routes import indexed_db as indexed_db_routes
from tfjsd.storage_backends.indexed_db.key_coding import encode_key
from tfjsd.storage_backends.values import cannot_stage, encode
from tfjsd.wire import indexed_db as protocol
from tfjsd.wire.indexed_db import PATH, SUBPROTOCOL, Message

pytest.importorskip("plyvel")
DOCS = Path(__file__).parents[2] / "docs" / "protocol.md"


@pytest.fixture
def daemon() -> Iterator[DaemonThread]:
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture
async def peer(daemon: DaemonThread) -> AsyncIterator[Peer]:
    async with peer_of(daemon) as peer:
        yield peer


async def test_a_program_of_its_own_can_speak_it(peer):
    await peer.connect()
    heard = await peer.open()
    assert heard.fields["schema"]["version"] == 1
    await peer.say("begin", connection=1, transaction=2, stores=["s"], mode="readonly", durability="strict")
    await peer.say("count", b"", b"\xff", transaction=2, request=3, store=1, index=0)
    assert (await peer.hear()).fields == {"request": 3, "result": 0}


KEY, VALUE = encode_key(1), encode("x", cannot_stage).data
ASKED = {"transaction": 2, "request": 9}
IN_STORE = {**ASKED, "store": 1}
READ = {**IN_STORE, "index": 0, "direction": "next", "skip": 0}
BEGIN = {"connection": 1, "transaction": 5, "stores": ["s"], "mode": "readonly", "durability": "strict"}
OPEN = {"connection": 5, "transaction": 7, "name": "x"}
STORE = {"id": 5, "name": "n", "keyPath": None, "autoIncrement": False, "indexes": []}
INDEX = {"id": 5, "name": "n", "keyPath": "a", "unique": False, "multiEntry": False}
BROKEN = [
    b"",
    b"\x00\x00\x00\x00",
    Message("nonsense", {"transaction": 2}).encode(),
    Message("nonsense", {}).encode(),
    Message("open", {**OPEN, "connection": "1"}).encode(),
    Message("open", {**OPEN, "connection": 1}).encode(),
    *(Message("open", {**OPEN, "version": version}).encode() for version in (0, -1, 1 << 53, 1 << 70, 1.5)),
    Message("begin", {"connection": 9}).encode(),
    Message("begin", {**BEGIN, "stores": "s"}).encode(),
    Message("begin", {**BEGIN, "stores": ["none"]}).encode(),
    Message("begin", {**BEGIN, "transaction": 2}).encode(),
    Message("count", {"transaction": 99, "request": 1}).encode(),
    Message("count", {**IN_STORE, "index": 7}, [b"", b"\xff"]).encode(),
    Message("count", {"transaction": 2, "store": 1, "index": 0}, [b"", b"\xff"]).encode(),
    Message("put", {**IN_STORE, "store": 7}, [VALUE, KEY, KEY]).encode(),
    Message("put", IN_STORE, [VALUE, b"no key"]).encode(),
    Message("put", IN_STORE, [VALUE, None, None]).encode(),
    *(Message("put", IN_STORE, [value, KEY, KEY]).encode() for value in (b"", b"junk", VALUE[:1], b"\x01\x01\xff")),
    *(Message("put", {**IN_STORE, "room": room}, [VALUE, KEY, KEY]).encode() for room in (-1, 1, 1 << 60)),
    Message("put", {**IN_STORE, "value": "none"}, [None]).encode(),
    *(
        Message("put", {**IN_STORE, "entries": entries}, [VALUE, KEY, KEY, KEY]).encode()
        for entries in (3, {"a": 1}, [3], [[1, -1]], [["1", 1]], [[7, 1]])
    ),
    Message("read", {**READ, "direction": "up"}, [b"", b"\xff"]).encode(),
    Message("read", {**READ, "index": 7}, [b"", b"\xff"]).encode(),
    *(Message("read", {**READ, "skip": skip}, [b"", b"\xff"]).encode() for skip in (-1, 1 << 63)),
    *(Message("read", {**READ, "limit": limit}, [b"", b"\xff"]).encode() for limit in (-1, 1 << 63)),
    Message("delete", IN_STORE).encode(),
    Message("createStore", {**ASKED, "schema": STORE}).encode(),
    Message("deleteStore", IN_STORE).encode(),
    Message("renameStore", {**IN_STORE, "name": "n"}).encode(),
    Message("createIndex", {**IN_STORE, "schema": INDEX}).encode(),
    Message("deleteIndex", {**IN_STORE, "index": 5}).encode(),
]
"""What our own client never says in a transaction of the mode readwrite."""


@pytest.mark.parametrize("message", BROKEN)
async def test_who_breaks_the_protocol_is_shut_out_and_holds_nothing(peer, message, caplog):
    await peer.connect()
    await peer.open()
    await peer.begin(2)
    await peer.socket.send_bytes(message)
    assert await peer.closed_with() == 1008
    await peer.connect()
    await peer.say("deleteDatabase", connection=1, name="d")
    assert (await peer.hear()).type == "deleted"
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "it is the client's mistake"


@pytest.mark.parametrize("kind", ["put", "delete", "clear"])
async def test_a_reader_changes_nothing(peer, kind):
    await peer.connect()
    await peer.open()
    await peer.begin(2, "readonly")
    await peer.say(kind, VALUE, KEY, KEY, transaction=2, request=3, store=1)
    assert await peer.closed_with() == 1008


async def test_a_store_that_was_not_asked_for_is_out_of_reach(peer):
    await peer.connect()
    await peer.open()
    await peer.begin(2, stores=())
    await peer.say("count", b"", b"\xff", transaction=2, request=3, store=1, index=0)
    assert await peer.closed_with() == 1008


async def test_the_highest_version_is_that_of_javascript(peer):
    await peer.connect()
    await peer.say("open", **{**OPEN, "version": (1 << 53) - 1})
    assert (await peer.hear()).fields["new"] == (1 << 53) - 1


async def test_a_client_of_which_nothing_is_heard_loses_all_its_transactions_at_once(daemon, peer):
    await peer.connect()
    await peer.open()
    (session,) = daemon._server._service.indexed_db._live.values()
    for transaction in (2, 3, 4):
        await peer.begin(transaction)
    async with peer_of(daemon) as other:
        await other.connect()
        await other.say("open", connection=1, transaction=1, name="d", version=None)
        assert (await other.hear()).type == "opened"
        await other.begin(2)
        await other.say("clear", transaction=2, request=3, store=1)
        session.heard_at -= 31  # it does not read, and so answers no ping
        assert (await other.hear()).fields["request"] == 3
    lost = [await peer.hear() for _ in range(3)]
    assert [(said.type, said.fields["transaction"]) for said in lost] == [("aborted", n) for n in (2, 3, 4)]
    assert "silent" in lost[0].fields["error"]["message"]


async def test_a_pong_is_a_sign_of_life(daemon, peer, monkeypatch):
    monkeypatch.setattr(indexed_db_routes, "PING_SECONDS", 0.01)
    await peer.connect()
    await peer.open()
    (session,) = daemon._server._service.indexed_db._live.values()
    session.heard_at = 0.0
    listening = asyncio.ensure_future(peer.hear())  # answers pings
    while not session.heard_at:
        await asyncio.sleep(0.005)
    listening.cancel()


async def test_who_does_not_say_upgraded_keeps_others_waiting_for_a_limit_only(peer, monkeypatch):
    monkeypatch.setattr(served_connection, "IDLE_SECONDS", 0.1)
    await peer.connect()
    await peer.say("open", connection=1, transaction=1, name="d", version=1)
    assert (await peer.hear()).type == "upgradeneeded"
    await peer.say("commit", transaction=1, request=2)
    assert (await peer.hear()).type == "done"
    await peer.say("open", connection=2, transaction=3, name="d", version=None)
    assert (await peer.hear()).type == "opened"
    await peer.say("upgraded", connection=1)  # late, and of no effect
    await peer.say("deleteDatabase", connection=3, name="d")
    assert sorted([(await peer.hear()).fields["connection"] for _ in range(2)]) == [1, 2]


async def test_a_binary_is_what_its_name_says(peer):
    await peer.connect()
    place = f"http://tfjsd{PATH}/{peer.token}/binaries"
    for digest, status in (("0" * 64, 400), ("x", 400)):
        assert await peer.stage_binary(1, digest, b"bytes") == status
    async with peer.http.put(f"{place}/{'0' * 64}", data=b"bytes") as answer:
        assert answer.status == 400, "for no transaction"
    async with peer.http.put(f"http://tfjsd{PATH}/other/values/1?transaction=1", data=b"bytes") as answer:
        assert answer.status == 404
    async with peer.http.get(f"{place}/{'0' * 64}", params={"size": "5"}) as answer:
        assert answer.status >= 400
    for no_number in ("", "-1", "1.0", "9007199254740992", "9" * 5000):
        async with peer.http.get(f"{place}/{'0' * 64}", params={"size": no_number}) as answer:
            assert answer.status == 400, no_number
        async with peer.http.put(f"{place}/{'0' * 64}", params={"transaction": no_number}, data=b"bytes") as answer:
            assert answer.status == 400, no_number


def test_the_document_has_exactly_the_messages():
    text = DOCS.read_text()
    client, daemon = text.split("### From the daemon")
    named = set(re.findall(r"^\| `(\w+)` \|", client, re.MULTILINE))
    assert named == session._MESSAGES.keys() | served_transaction._REQUESTS.keys()
    told = set(re.findall(r"^\| `(\w+)` \|", daemon, re.MULTILINE))
    sources = Path(session.__file__).parent.glob("*.py")
    code = "".join(source.read_text() for source in sources)
    assert all(f'"{kind}"' in code for kind in told)


def test_the_document_has_the_numbers():
    text = DOCS.read_text()
    for said, holds in (
        (SUBPROTOCOL, True),
        ("from the client has at most 4 MiB", protocol.MAX_REQUEST == 4 << 20),
        ("to the client at most 16 MiB", protocol.MAX_EVENT == 16 << 20),
        ("A value of more than 64 KiB never", protocol.INLINE_VALUE == 64 << 10),
        ("aborted after 30 seconds", protocol.IDLE_SECONDS == 30),
        ("the daemon does every 5 seconds", protocol.PING_SECONDS == 5),
        ("At most 256 MiB of values wait", protocol.MAX_WAITING == 256 << 20),
    ):
        assert said in text, said
        assert holds, said
