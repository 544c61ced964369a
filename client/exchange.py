"""One request and its answer on a connection, without I/O: what to send next, where to receive next.

Both connections, blocking and asynchronous, move the bytes of an ``Exchange``; neither knows HTTP.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .messages import Request, Response
from .response_parser import ProtocolError, ResponseParser

if TYPE_CHECKING:
    from ..storage_backends.abc import Buffer

GATHER = 64
"""Buffers handed to one ``sendmsg`` (systems allow 1,024; an answer's head comes sooner with fewer)."""


class ConnectionLost(Exception):
    """The connection ended, or stood still too long, before the answer was complete."""

    def __init__(self, reason: str, *, bytes_sent: int, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.bytes_sent = bytes_sent
        self.timed_out = timed_out


class Exchange:
    """The state of one request in flight."""

    def __init__(self, request: Request, host: str, scratch: memoryview, *, streamed: bool = False) -> None:
        self.request = request
        self.bytes_sent = 0
        self.parser = ResponseParser(scratch, method=request.method, streamed=streamed)
        self._source: Iterator[Buffer] | None = None
        self._body_size: int | None = None
        self._head_size = 0
        self._queue: deque[memoryview] = deque()
        self._begin(host)

    # -- sending -----------------------------------------------------------------------------------------------

    def unsent(self) -> list[memoryview]:
        """The buffers to send next, in order; empty when the request has left whole."""
        while not self._queue and self._source is not None:
            self._pull(self._source)
        return [self._queue[i] for i in range(min(GATHER, len(self._queue)))]

    @property
    def reads_on(self) -> bool:
        """Whether ``unsent()`` reads on in the body's source first, which may take long."""
        return not self._queue and self._source is not None

    def sent(self, count: int) -> None:
        """``count`` bytes of ``unsent()`` have left."""
        self.bytes_sent += count
        while count:
            first = self._queue.popleft()
            if len(first) > count:
                self._queue.appendleft(first[count:])
                break
            count -= len(first)
        if self.request.on_progress is not None and self._body_size != 0:
            self.request.on_progress(max(self.bytes_sent - self._head_size, 0), self._body_size)

    # -- receiving ---------------------------------------------------------------------------------------------

    def space(self) -> memoryview:
        """Where the next bytes of the answer belong."""
        return self.parser.space()

    def received(self, count: int) -> None:
        """Raises ConnectionLost where the peer has closed the connection or does not speak HTTP."""
        try:
            self.parser.received(count)
        except ProtocolError as error:
            raise self.lost(error) from error
        if self.request.on_progress is not None and self._body_size == 0 and self.parser.head_complete:
            self.request.on_progress(self.parser.body_received, self.parser.body_size)

    @property
    def complete(self) -> bool:
        return self.parser.complete

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another exchange after this one."""
        return self.parser.complete and self.parser.keep_alive and not self._queue and self._source is None

    def response(self) -> Response:
        return Response(self.parser.status, self.parser.headers, self.parser.body())

    def lost(self, error: Exception, timeout: float | None = None) -> ConnectionLost:
        """What to raise where moving the bytes failed with ``error``."""
        if isinstance(error, TimeoutError):
            reason = f"no progress for {timeout:g} s" if timeout is not None else "timed out"
            return ConnectionLost(reason, bytes_sent=self.bytes_sent, timed_out=True)
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return ConnectionLost(reason, bytes_sent=self.bytes_sent)

    # -- inside ------------------------------------------------------------------------------------------------

    def _begin(self, host: str) -> None:
        body = self.request.body
        lines = [f"{self.request.method} {self.request.target} HTTP/1.1", f"host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.request.headers.items()]
        if isinstance(body, Iterator):
            self._source = body
            lines.append("transfer-encoding: chunked")
            views = []
        else:
            views = [view for piece in body if len(view := memoryview(piece).cast("B"))]
            self._body_size = sum(map(len, views))
            if self._body_size or self.request.method not in ("GET", "HEAD", "DELETE"):
                lines.append(f"content-length: {self._body_size}")
        text = "\r\n".join(lines)
        if text.count("\r") >= len(lines) or text.count("\n") >= len(lines):
            raise ValueError("A header must not hold a line break.")
        head = f"{text}\r\n\r\n".encode("latin-1")
        self._head_size = len(head)
        self._queue.append(memoryview(head))
        self._queue.extend(views)

    def _pull(self, source: Iterator[Buffer]) -> None:
        """Takes one piece of a body of unknown size, as one chunk."""
        piece = next(source, None)
        if piece is None:
            self._source = None
            self._queue.append(memoryview(b"0\r\n\r\n"))
        elif len(view := memoryview(piece).cast("B")):
            self._queue.extend([memoryview(b"%x\r\n" % len(view)), view, memoryview(b"\r\n")])
