"""A WebSocket on a connection to the daemon, a client's side. https://www.rfc-editor.org/rfc/rfc6455"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from ...errors import DaemonUnavailableError
from ...wire.indexed_db import MAX_EVENT, SUBPROTOCOL
from .. import delivery
from ..connection import Connection
from ..effects import Operation, Pause
from ..messages import Request
from ..response_parser import SWITCHING_PROTOCOLS, ProtocolError
from ..session import Session
from .frames import BINARY, CLOSE, PING, PONG, FrameReader, encode_frame

_GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PAUSES: Final = (0.02, 0.1, 0.5)
_GOING_AWAY: Final = 1001


class Handshake:
    """A connection that has switched protocols: the headers of the answer, and what came after them."""

    def __init__(self, connection: Connection, headers: Mapping[str, str], rest: bytes) -> None:
        self.connection = connection
        self.headers = headers
        self.rest = rest


def shake_hands(session: Session, target: str) -> Operation[Handshake]:
    """https://www.rfc-editor.org/rfc/rfc6455#section-4.1 Raises DaemonUnavailableError, or what was refused with.

    Nothing is changed by it: while a daemon is ending, the next one is asked.
    """
    pauses = iter(_PAUSES)
    while True:
        key = base64.b64encode(os.urandom(16)).decode("ascii")
        request = session.authorized(Request("GET", target, headers=_headers(key)))
        connection = yield from delivery.connected(session.link, session.timeout)  # waits for the next one itself
        try:
            return (yield from _upgraded(connection, session, request, key))
        except DaemonUnavailableError:
            if (pause := next(pauses, None)) is None:
                raise
            yield Pause(pause)


def _headers(key: str) -> dict[str, str]:
    return {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": key,
        "sec-websocket-protocol": SUBPROTOCOL,
    }


def _upgraded(connection: Connection, session: Session, request: Request, key: str) -> Operation[Handshake]:
    exchange = yield from delivery.begin_stream_on(connection, session.link, request, session.timeout)
    parser = exchange.parser
    expected = base64.b64encode(hashlib.sha1((key + _GUID).encode("ascii")).digest()).decode("ascii")  # noqa: S324
    agreed = parser.headers.get("sec-websocket-protocol")
    if (
        parser.status != SWITCHING_PROTOCOLS
        or parser.headers.get("sec-websocket-accept") != expected
        or agreed != SUBPROTOCOL
    ):
        connection.close()
        raise DaemonUnavailableError(f"The daemon at {session.link.target} does not speak {SUBPROTOCOL}.")
    return Handshake(connection, parser.headers, b"".join(parser.pieces))


class WebSocket(asyncio.Protocol):
    """Binary messages both ways. ``received`` gets each message, ``lost`` once why there will be no more."""

    def __init__(self, received: Callable[[bytes], None], lost: Callable[[Exception | None], None]) -> None:
        self._received = received
        self._lost = lost
        self._reader = FrameReader(MAX_EVENT)
        self._transport: asyncio.Transport | None = None
        self._connection: Connection | None = None
        self._is_over = False

    async def attach(self, handshake: Handshake) -> None:
        """Takes the connection over."""
        loop, self._connection = asyncio.get_running_loop(), handshake.connection
        connected = handshake.connection.socket
        connected.setblocking(False)
        make: Any = loop.create_unix_connection if connected.family == socket.AF_UNIX else loop.create_connection
        await make(lambda: self, sock=connected)
        if handshake.rest:
            self.data_received(handshake.rest)

    def send(self, message: bytes) -> None:
        if self._transport is not None:
            self._transport.write(encode_frame(BINARY, message))

    def close(self) -> None:
        """Says goodbye and closes; ``lost`` is not called. Idempotent."""
        if self._is_over:
            return
        self._is_over = True
        if self._transport is not None:
            self._transport.write(encode_frame(CLOSE, struct.pack(">H", _GOING_AWAY)))
            self._transport.close()
        elif self._connection is not None:
            self._connection.close()

    # -- asyncio.Protocol --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            for opcode, payload in self._reader.feed(data):
                if self._is_over:
                    return
                self._take(opcode, payload)
        except ProtocolError as problem:
            self._end(problem)

    def connection_lost(self, problem: Exception | None) -> None:
        self._end(problem)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self._received(payload)
        elif opcode == PING and self._transport is not None:
            self._transport.write(encode_frame(PONG, payload))
        elif opcode == CLOSE:
            self._end(None)

    def _end(self, problem: Exception | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._transport is not None:
            self._transport.close()
        self._lost(problem)
