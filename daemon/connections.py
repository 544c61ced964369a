"""Connections: who is at the other end, how many there may be, and what becomes of those that go silent."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from ..errors import BadRequestError, TfjsdError, TooLargeError
from ..wire.error_body import error_body
from ..wire.limits import Limits
from ..wire.protocol import HOME_HEADER, JSON_TYPE
from .eager_loop import Arrival, EagerLoop
from .lean_reads import LONGEST_REQUEST, LeanReads
from .logs import LOGGER
from .peer import Peer, peer_of


class Connection(web.RequestHandler):
    """aiohttp's protocol, which itself waits for ever for the rest of a header or for a client that does not read."""

    __slots__ = (
        "_descriptor",
        "_hung_up",
        "_stalled",
        "answered_at",
        "answering",
        "gone",
        "heard",
        "opened",
        "origin",
        "over_tcp",
        "peer",
        "pool",
        "rotation",
    )

    def __init__(self, pool: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pool = pool
        self.peer: Peer | None = None
        self.over_tcp = False
        self.origin: str | None = None
        self.rotation: int | None = None
        self.gone = asyncio.Event()
        self.answering = 0
        self.heard = 0.0
        self.answered_at = -math.inf
        self.opened = pool.now()
        self._stalled: tuple[float, int] | None = None
        self._hung_up = False
        self._descriptor: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer, self.over_tcp = _peer(transport), _over_tcp(transport)
        self.pool.add(self)
        loop = asyncio.get_running_loop()
        if isinstance(loop, EagerLoop) and not self.over_tcp:
            self._descriptor = transport.get_extra_info("socket").fileno()
            loop.ask_first(self._descriptor, self.answer_first)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.pool.discard(self)
        loop = asyncio.get_running_loop()
        if isinstance(loop, EagerLoop) and self._descriptor is not None:
            loop.ask_no_more(self._descriptor)
        self.gone.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.heard:
            if self._answered_leanly(data):
                return
            self.heard = self.pool.now()
        super().data_received(data)

    def _answered_leanly(self, data: bytes) -> bool:
        """What came too early to be answered first: before aiohttp was done with the request before it."""
        transport = self._transport_between_requests()
        answer = None if transport is None or self.pool.lean is None else self.pool.lean.answer(data, self.peer)
        if transport is not None and answer is not None:
            transport.write(answer)
        return answer is not None

    def answer_first(self) -> Arrival:
        """Reads and answers what has arrived, in the transport's place, if it is the plainest request there is."""
        transport = self._transport_between_requests()
        if transport is None or self._descriptor is None or self.pool.lean is None:
            return Arrival.UNTOUCHED
        try:
            data = os.read(self._descriptor, LONGEST_REQUEST)
        except OSError:  # the transport comes to the same
            return Arrival.UNTOUCHED
        if not data:
            return Arrival.UNTOUCHED
        answer = self.pool.lean.answer(data, self.peer)
        if answer is None:
            self.heard = self.pool.now()
            asyncio.get_running_loop().call_soon(self.data_received, data)
            return Arrival.SCHEDULED
        return self._write(transport, answer)

    def _write(self, transport: asyncio.Transport, answer: bytes) -> Arrival:
        assert self._descriptor is not None
        try:
            count = os.write(self._descriptor, answer)
        except OSError:  # a full buffer, or nobody there: the transport waits, or closes
            count = 0
        if count == len(answer):
            return Arrival.ANSWERED
        transport.write(answer[count:])
        return Arrival.SCHEDULED

    def _transport_between_requests(self) -> asyncio.Transport | None:
        """What to answer a lean request on: only between two requests, while aiohttp waits for the next one. It closes
        connections that it takes for unused, so that it gets a request now and then."""
        if self.heard or self.over_tcp or self.answering or not self._waiter or self._hung_up:
            return None
        if self.pool.now() - self.answered_at > self.pool.lean_seconds:
            return None
        transport = self.transport
        is_free = isinstance(transport, asyncio.Transport) and not transport.get_write_buffer_size()
        return transport if is_free else None

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Nothing more comes; where that is our own doing, what has come is still answered."""
        super().eof_received()
        return self._hung_up and not self.idle

    @property
    def idle(self) -> bool:
        """Whether no request has begun to arrive and none is being answered."""
        return not self.answering and not self.heard

    def hang_up(self) -> None:
        """Takes no more requests. On a unix socket a client whose request comes too late cannot send a byte of it, and
        so knows that it was not carried out; what has arrived unseen is answered."""
        listening = None if self.transport is None else self.transport.get_extra_info("socket")
        if listening is None or listening.family != socket.AF_UNIX:
            self.close()
            if self.transport is not None:
                self.transport.close()
        elif not self._hung_up:
            self._hung_up = True
            with contextlib.suppress(OSError):  # the client has gone
                listening.shutdown(socket.SHUT_RD)

    def begin(self) -> None:
        """A request has arrived whole up to its body."""
        self.answering += 1

    def admitted(self, origin: str | None, rotation: int) -> None:
        """Over TCP: for which page, and after how many rotations of the token."""
        self.origin, self.rotation = origin, rotation

    def end(self) -> None:
        """It was answered; the next one has its own time."""
        self.answering -= 1
        self.heard = 0.0
        self.answered_at = self.pool.now()

    def overdue(self, now: float, pause: float) -> bool:
        """Whether the peer has been sending one header, not reading an answer, or not said anything since it came, for
        longer than ``pause``. (One that has been answered has aiohttp's keep-alive time.)"""
        if self._stalls(now, pause):
            return True
        since = self.heard or (self.opened if self.answered_at == -math.inf else now)
        return not self.answering and now - since > pause

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is answered where no route was reached: the request is not HTTP, or too long."""
        LOGGER.info("a request was not understood", extra={"why": str(message or exc)[:200]})
        error: TfjsdError = BadRequestError(
            f"The request is not valid HTTP: {str(message or exc).splitlines()[0][:200]}"
        )
        if isinstance(exc, LineTooLong) and exc.args[1] == self.pool.longest_line:
            error, status = TooLargeError(f"The request line passes the limit of {exc.args[1]} bytes."), 414
        response = web.Response(body=error_body(error), status=status, content_type=JSON_TYPE)
        response.headers.update(self.pool.headers)
        if self.over_tcp:
            del response.headers[HOME_HEADER]
        response.force_close()
        return response

    def abort(self) -> None:
        """Cuts the connection without a word."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _stalls(self, now: float, pause: float) -> bool:
        waiting = self.transport.get_write_buffer_size() if isinstance(self.transport, asyncio.Transport) else 0
        if not waiting or self._stalled is None or self._stalled[1] != waiting:
            self._stalled = (now, waiting) if waiting else None
            return False
        return now - self._stalled[0] > pause


class Connections:
    """All open connections, oldest first; makes the protocol of each new one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[Connection, None] = {}
        self._server: web.Server | None = None
        self._options: dict[str, Any] = {}
        self.headers: Mapping[str, str] = {}
        """Of every answer; the application sees to them on those to requests that it gets to see."""
        self.longest_line = limits.request_line_bytes
        self.lean: LeanReads | None = None
        self.lean_seconds = limits.keep_alive_seconds / 2

    def __len__(self) -> int:
        return len(self._open)

    def serve(self, server: web.Server, **options: Any) -> None:
        """Requests of new connections go to ``server``."""
        self._server = server
        self._options = options

    def __call__(self) -> Connection:
        assert self._server is not None
        loop = asyncio.get_running_loop()
        return Connection(self, self._server, loop=loop, **self._options)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def add(self, connection: Connection) -> None:
        """Takes a new connection in; at the limit, the oldest one that waits for no answer makes room. Those over TCP,
        which anybody on the machine can open, have a limit of their own, and leave those of the socket alone."""
        alike = [other for other in self._open if other.over_tcp == connection.over_tcp]
        if len(alike) >= self._limits.connections:
            victim = next((other for other in alike if not other.answering), connection)
            LOGGER.warning("too many connections", extra={"limit": self._limits.connections})
            self.discard(victim)
            victim.abort()
            if victim is connection:
                return
        self._open[connection] = None

    def discard(self, connection: Connection) -> None:
        self._open.pop(connection, None)

    def close_idle(self) -> None:
        """Closes those that wait for no answer."""
        for connection in [other for other in self._open if other.idle]:
            connection.hang_up()

    def cut_admitted(self, *, origins: frozenset[str] = frozenset(), before_rotation: int = 0) -> None:
        """Cuts what pages of these origins still read, and what was let in with a token that is worth nothing now."""
        for connection in [other for other in self._open if other.over_tcp]:
            was_let_in_before = connection.rotation is not None and connection.rotation < before_rotation
            if connection.origin in origins or was_let_in_before:
                connection.abort()

    async def sweep(self) -> None:
        """Cuts overdue connections, until cancelled."""
        pause = self._limits.pause_seconds
        while True:
            await asyncio.sleep(pause / 4)
            now = self.now()
            for connection in [other for other in self._open if other.overdue(now, pause)]:
                LOGGER.info("cut a connection that had gone silent")
                connection.abort()


def _over_tcp(transport: asyncio.BaseTransport) -> bool:
    connection = transport.get_extra_info("socket")
    return connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6)


def _peer(transport: asyncio.BaseTransport) -> Peer | None:
    connection = transport.get_extra_info("socket")
    try:
        # asyncio hands out a wrapper that has getsockopt and family, which is all that is asked of it.
        return None if connection is None else peer_of(connection)
    except OSError:  # it is gone already
        return None
