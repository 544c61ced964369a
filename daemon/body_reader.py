"""Request bodies, read within limits of size and of time and never held whole unless they are small."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from ..errors import BadRequestError, TooLargeError
from ..wire.limits import KIB, MIB

_PACE = 64 * KIB
"""So many bytes have to arrive in each pause, or the peer counts as silent."""
PIECE = MIB


class BodyReader:
    """The body of one request."""

    def __init__(self, request: web.BaseRequest, *, pause: float) -> None:
        self._content = request.content
        self.declared_size = request.content_length
        self._pause = pause
        self._pending = b""

    async def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises BadRequestError where the body ends before."""
        chunks, missing = [], size
        async for chunk in self._chunks():
            self._pending = chunk[missing:]
            chunks.append(chunk[:missing])
            missing -= len(chunks[-1])
            if not missing:
                return b"".join(chunks)
        if missing:
            raise BadRequestError(f"The body ends {missing} bytes too early.")
        return b""

    async def whole(self, limit: int) -> bytes:
        """The rest. Raises TooLargeError as soon as it passes ``limit``."""
        if self.declared_size is not None and self.declared_size > limit:
            raise TooLargeError(f"A body of {self.declared_size} bytes passes the limit of {limit}.")
        return b"".join([chunk async for piece in self.pieces(limit) for chunk in piece])

    async def pieces(self, limit: int) -> AsyncIterator[list[bytes]]:
        """The rest in lists of about a mebibyte. Raises TooLargeError as soon as it passes ``limit``."""
        piece: list[bytes] = []
        size = total = 0
        async for chunk in self._chunks():
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

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self._pending:
            pending, self._pending = self._pending, b""
            yield pending
        loop = asyncio.get_running_loop()
        deadline, arrived = loop.time() + self._pause, 0
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await self._content.readany()
            except TimeoutError:
                raise BadRequestError(f"The body stopped coming for {self._pause:g} seconds.") from None
            except web.RequestPayloadError as error:
                raise BadRequestError("The body was cut off.") from error
            if not chunk:
                return
            arrived += len(chunk)
            if arrived >= _PACE:
                deadline, arrived = loop.time() + self._pause, 0
            yield chunk
