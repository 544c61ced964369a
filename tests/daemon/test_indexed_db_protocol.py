"""What the WebSocket takes from others than our own client, and what docs/protocol.md says of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from client_support.daemon_thread import running_daemon

from tfjsd.daemon.indexed_db import served_transaction, session
from tfjsd.wire import indexed_db as protocol
from tfjsd.wire.indexed_db import PATH, SESSION_HEADER, SUBPROTOCOL, Message

pytest.importorskip("plyvel")
DOCS = Path(__file__).parents[2] / "docs" / "protocol.md"


class Peer:
    """A program that speaks the protocol, well or badly."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.socket: aiohttp.ClientWebSocketResponse
        self.token = ""

    async def connect(self) -> None:
        self.socket = await self.http.ws_connect(f"http://tfjsd{PATH}", protocols=(SUBPROTOCOL,), compress=0)
        self.token = self.socket._response.headers[SESSION_HEADER]

    async def say(self, kind: str, *parts: bytes | None, **fields: Any) -> None:
        await self.socket.send_bytes(Message(kind, fields, parts).encode())

    async def hear(self) -> Message:
        return Message.decode(await self.socket.receive_bytes(timeout=20))

    async def open(self, name: str = "d") -> Message:
        """Opens a new database with a store 1."""
        await self.say("open", connection=1, transaction=1, name=name, version=1)
        heard = await self.hear()
        assert heard.type == "upgradeneeded"
        store = {"id": 1, "name": "s", "keyPath": None, "autoIncrement": False, "indexes": []}
        await self.say("createStore", transaction=1, request=1, schema=store)
        await self.say("commit", transaction=1, request=2)
        await self.say("upgraded", connection=1)
        assert [(await self.hear()).type for _ in range(2)] == ["done", "done"]
        return heard

    async def closed_with(self) -> int | None:
        while (await self.socket.receive(timeout=20)).type is aiohttp.WSMsgType.BINARY:
            continue
        return self.socket.close_code


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    with running_daemon() as daemon:
        connector = aiohttp.UnixConnector(str(daemon.socket))
        async with aiohttp.ClientSession(connector=connector) as http:
            yield Peer(http)


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


async def test_a_binary_is_what_its_name_says(peer):
    await peer.connect()
    place = f"http://tfjsd{PATH}/{peer.token}/binaries"
    for digest, status in (("0" * 64, 400), ("x", 400)):
        async with peer.http.put(f"{place}/{digest}", data=b"bytes") as answer:
            assert answer.status == status
    async with peer.http.put(f"http://tfjsd{PATH}/other/values/1", data=b"bytes") as answer:
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
        ("At most 256 MiB of values wait", protocol.MAX_WAITING == 256 << 20),
    ):
        assert said in text, said
        assert holds, said
