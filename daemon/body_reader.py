"""Request bodies, read within limits of size and of time and never held whole unless they are small."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from ..errors import BadRequestError, TooLargeError
from ..wire.limits import KIB, MIB

_PACE = 64 * KIB
"""So many bytes have to arrive while a pause is spent waiting for them, or the peer counts as silent."""
PIECE = MIB


class BodyReader:
    """The body of one request. A client that waits to be asked for it is asked by ``invite``, once something of it is
    needed: a request that is refused by its head alone never has to send it."""

    def __init__(
        self, request: web.BaseRequest, *, pause: float, invite: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._content = request.content
        self._invite = invite
        self.declared_size = request.content_length
        self._pause = pause
        self._pending = b""
        self._waited = 0.0
        self._arrived = 0

    async def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises BadRequestError where the body ends before."""
        chunks, missing = list[bytes](), size
        while missing:
            chunk = await self._next()
            if not chunk:
                raise BadRequestError(f"The body ends {missing} bytes too early.")
            self._pending = chunk[missing:]
            chunks.append(chunk[:missing])
            missing -= len(chunks[-1])
        return b"".join(chunks)

    async def whole(self, limit: int) -> bytes:
        """The rest. Raises TooLargeError as soon as it passes ``limit``."""
        self.check_declared(limit)
        return b"".join([chunk async for piece in self.pieces(limit) for chunk in piece])

    def check_declared(self, limit: int) -> None:
        """Raises TooLargeError where the head says that the body passes ``limit``."""
        if self.declared_size is not None and self.declared_size > limit:
            raise TooLargeError(f"A body of {self.declared_size} bytes passes the limit of {limit}.")

    async def pieces(self, limit: int) -> AsyncIterator[list[bytes]]:
        """The rest in lists of about a mebibyte. Raises TooLargeError as soon as it passes ``limit``."""
        piece: list[bytes] = []
        size = total = 0
        while chunk := await self._next():
            piece.append(chunk)
            size += len(chunk)
            total += len(chunk)
            if total > limit:
                raise TooLargeError(f"The body passes the limit of {limit} bytes.")
            if size >= PIECE:
                yield piece
                piece, size = [], 0
        if piece:
            yield piece

    async def _next(self) -> bytes:
        """What has come, nothing at the body's end. Not a generator: one that is left early costs two turns of the
        loop."""
        chunk, self._pending = self._pending, b""
        if chunk:
            return chunk
        try:
            chunk = self._content.read_nowait() or await self._awaited()
        except web.RequestPayloadError as error:
            raise BadRequestError("The body was cut off.") from error
        self._arrived += len(chunk)
        return chunk

    async def _awaited(self) -> bytes:
        """Only the time spent here is the peer's: a daemon that is busy with what has come makes nobody silent."""
        if self._invite is not None:
            invite, self._invite = self._invite, None
            await invite()
        if self._arrived >= _PACE:
            self._waited, self._arrived = 0.0, 0
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._pause - self._waited):
                chunk = await self._content.readany()
        except TimeoutError:
            raise BadRequestError(f"The body stopped coming for {self._pause:g} seconds.") from None
        self._waited += time.monotonic() - began
        return chunk
