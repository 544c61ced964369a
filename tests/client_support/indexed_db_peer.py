"""A client of the IndexedDB WebSocket that knows no more than docs/protocol.md."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tfjsd.wire.indexed_db import PATH, SESSION_HEADER, SUBPROTOCOL, Message, binary_path, value_path

from .daemon_thread import DaemonThread


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

    async def begin(self, transaction: int, mode: str = "readwrite", stores: tuple[str, ...] = ("s",)) -> None:
        fields = {"transaction": transaction, "stores": stores, "mode": mode, "durability": "relaxed"}
        await self.say("begin", connection=1, **fields)

    async def stage_binary(self, transaction: int, digest: str, data: bytes) -> int:
        return await self._put(binary_path(self.token, digest), transaction, data)

    async def stage_value(self, transaction: int, token: str, data: bytes) -> int:
        return await self._put(value_path(self.token, token), transaction, data)

    async def _put(self, path: str, transaction: int, data: bytes) -> int:
        parameters = {"transaction": str(transaction)}
        async with self.http.put(f"http://tfjsd{path}", data=data, params=parameters) as answer:
            return answer.status


@asynccontextmanager
async def peer_of(daemon: DaemonThread) -> AsyncIterator[Peer]:
    """Not connected yet."""
    connector = aiohttp.UnixConnector(str(daemon.socket))
    async with aiohttp.ClientSession(connector=connector) as http:
        yield Peer(http)
