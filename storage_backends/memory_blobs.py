"""Blobs in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from ..errors import CorruptionError
from .abc import Blob, BlobWriter, Buffer
from .blob_pins import PinnedBlobs


class MemoryBlobStore(PinnedBlobs):
    """Keeps each binary once as ``bytes``."""

    def __init__(self) -> None:
        super().__init__()
        self._data: dict[str, bytes] = {}

    def writer(self, expected_size: int | None = None) -> BlobWriter:
        return _MemoryBlobWriter(self)

    def adopt(self, descriptor: int, size: int) -> Blob:
        with self.writer(size) as writer:
            offset = 0
            while piece := os.pread(descriptor, min(1 << 20, size - offset), offset):
                writer.write(piece)
                offset += len(piece)
            return writer.finish()

    def secure(self, digests: Iterable[str]) -> None:
        """Nothing to do: memory has no directory."""

    def _remove(self, digest: str) -> None:
        self._data.pop(digest, None)

    def map(self, blob: Blob) -> memoryview:
        data = self._data.get(blob.digest)
        if data is None:
            raise CorruptionError(f"blob {blob.digest} is missing")
        if len(data) != blob.size:
            raise CorruptionError(f"blob {blob.digest} has {len(data)} bytes in place of {blob.size}")
        return memoryview(data)

    def path(self, blob: Blob) -> Path | None:
        return None

    def read(self, blob: Blob, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        view = self.map(blob)
        for start in range(0, len(view), chunk_size):
            yield bytes(view[start : start + chunk_size])
        self._check(blob, view)

    def verify(self, blob: Blob) -> None:
        self._check(blob, self.map(blob))

    @staticmethod
    def _check(blob: Blob, data: Buffer) -> None:
        if blake3(data).hexdigest() != blob.digest:
            raise CorruptionError(f"blob {blob.digest} is damaged: its bytes have another digest")

    def digests(self) -> Iterator[tuple[str, int]]:
        return iter([(digest, len(data)) for digest, data in sorted(self._data.items())])

    def _keep(self, digest: str, data: bytes) -> Blob:
        with self._lock:
            self._data[digest] = data
            return self._staged(digest, len(data))


class _MemoryBlobWriter(BlobWriter):
    def __init__(self, store: MemoryBlobStore) -> None:
        self._store = store
        self._pieces: list[bytes] | None = []
        self._hash = blake3()

    def write(self, data: Buffer) -> None:
        if self._pieces is None:
            raise ValueError("the blob is finished")
        piece = bytes(data)
        self._hash.update(piece)
        self._pieces.append(piece)

    def finish(self) -> Blob:
        if self._pieces is None:
            raise ValueError("the blob is finished")
        pieces, self._pieces = self._pieces, None
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return self._store._keep(self._hash.hexdigest(), data)

    def discard(self) -> None:
        self._pieces = None
