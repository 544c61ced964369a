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


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00\x00\x00\x00",
        Message("nonsense", {"transaction": 2}).encode(),
        Message("nonsense", {}).encode(),
        Message("open", {"connection": "1", "transaction": 5, "name": "x"}).encode(),
        Message("open", {"connection": 1, "transaction": 5, "name": "x"}).encode(),
        Message("begin", {"connection": 9}).encode(),
        Message("begin", {"connection": 1, "transaction": 5, "stores": "s"}).encode(),
        Message("count", {"transaction": 99, "request": 1}).encode(),
        Message("put", {"transaction": 2, "request": 9, "store": 7}, [b"\x01\x00"]).encode(),
        Message("put", {"transaction": 2, "request": 9, "store": 1}, [b"\x01\x00", b"no key"]).encode(),
        Message("put", {"transaction": 2, "request": 9, "store": 1, "value": "none"}, [None]).encode(),
        Message("put", {"transaction": 2, "request": 9, "store": 1, "entries": 3}, [b"\x01\x00"]).encode(),
        Message("read", {"transaction": 2, "request": 9, "store": 1, "direction": "up"}, [b"", b"\xff"]).encode(),
    ],
)
async def test_who_breaks_the_protocol_is_shut_out_and_holds_nothing(peer, message):
    await peer.connect()
    await peer.open()
    await peer.say("begin", connection=1, transaction=2, stores=["s"], mode="readwrite", durability="strict")
    await peer.socket.send_bytes(message)
    assert await peer.closed_with() == 1008
    await peer.connect()
    await peer.say("deleteDatabase", connection=1, name="d")
    assert (await peer.hear()).type == "deleted"


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
