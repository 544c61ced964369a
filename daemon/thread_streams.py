"""Files for threads whose other end is a request or an answer on the event loop; never more than a piece in memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from aiohttp import web

from .body_reader import PIECE

T = TypeVar("T")


class AnswerFile(io.RawIOBase):
    """What a thread writes goes to the client, no faster than the client takes it.

    Raises ConnectionResetError (an OSError) in the thread once the client has gone or was silent for ``pause`` seconds.
    """

    def __init__(self, response: web.StreamResponse, pause: float) -> None:
        self._response = response
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._pending = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pending += data
        if len(self._pending) >= PIECE:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if self._pending:
            piece, self._pending = bytes(self._pending), bytearray()
            _on_loop(self._loop, self._send(piece))

    def discard(self) -> None:
        """Forgets what was not sent yet; otherwise the end of the object would send it, on whatever thread that is."""
        self._pending.clear()

    async def _send(self, piece: bytes) -> None:
        try:
            async with asyncio.timeout(self._pause):
                await self._response.write(piece)
        except TimeoutError:
            raise ConnectionResetError("the client stopped reading") from None


class BodyFile(io.RawIOBase):
    """A request's body, for a thread to read."""

    def __init__(self, pieces: AsyncIterator[list[bytes]]) -> None:
        self._pieces = pieces
        self._loop = asyncio.get_running_loop()
        self._current = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        if not self._current:
            self._current = memoryview(_on_loop(self._loop, self._next()))
        taken = self._current[:size] if size >= 0 else self._current
        self._current = self._current[len(taken) :]
        return bytes(taken)

    async def _next(self) -> bytes:
        return b"".join(await anext(self._pieces, []))


def _on_loop(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
