"""Weights on their way in: small ones in memory, larger ones straight into the origin's blobs."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import INLINE_LIMIT, Blob, BlobStore, BlobWriter, Buffer
from ..storage_backends.ingest import Ingest
from .workers import Workers

_IN_MEMORY = 8 << 20
"""Weights for localStorage: they are stored as base64, so a blob of the raw bytes would be written for nothing. What is
larger fits into no browser's localStorage."""


class WeightsSink:
    """Takes the weights of one save piece by piece; use it with ``async with``.

    What was staged stays pinned until the block ends. A block that ends before ``finish`` leaves nothing behind.
    """

    def __init__(self, blobs: BlobStore, workers: Workers, url: str, *, declared: int | None) -> None:
        self._blobs = blobs
        self._workers = workers
        self._declared = declared
        self._in_memory = _IN_MEMORY if url.startswith("localstorage://") else INLINE_LIMIT
        self._small: list[bytes] = []
        self._writer: BlobWriter | None = None
        self._staged: Blob | None = None
        self.received = 0

    async def take(self, pieces: Sequence[Buffer]) -> None:
        """Appends. Raises InvalidArtifactsError as soon as there are more bytes than were declared,
        QuotaExceededError for a full disk."""
        self.received += sum(map(len, pieces))
        if self._declared is not None and self.received > self._declared:
            raise self._wrong_size("more than")
        if self._writer is None and max(self.received, self._declared or 0) <= self._in_memory:
            self._small += map(bytes, pieces)
            return
        if self._writer is None:
            self._writer = await self._workers.long(self._blobs.writer, self._declared)
            pieces, self._small = [*self._small, *pieces], []
        await self._workers.long(_write, self._writer, pieces)

    async def finish(self) -> memoryview | Blob:
        """The weights, durable if they are a blob. Raises InvalidArtifactsError where there are fewer than declared."""
        if self._declared is not None and self.received != self._declared:
            raise self._wrong_size("only")
        if self._writer is None:
            return memoryview(b"".join(self._small))
        self._staged = await self._workers.long(self._writer.finish)
        return self._staged

    async def adopt(self, files: Ingest, name: str, size: int) -> Blob:
        """Takes over a file of the ingest directory in place of pieces. Raises IngestRefusedError."""
        self._staged = await self._workers.long(files.adopt, name, size, self._blobs)
        return self._staged

    async def __aenter__(self) -> WeightsSink:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            await self._workers.long(self._writer.discard)
        if self._staged is not None:
            await self._workers.short(self._blobs.redeem, self._staged)

    def _wrong_size(self, how: str) -> InvalidArtifactsError:
        return InvalidArtifactsError(f"The weights have {how} {self.received} of the {self._declared} bytes declared.")


def _write(writer: BlobWriter, pieces: Sequence[Buffer]) -> None:
    for piece in pieces:
        writer.write(piece)
