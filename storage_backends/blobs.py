"""Immutable, content-addressed files for large binary values: ``<bucket>/blobs/<digest>``, mode 0400."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from ..errors import CorruptionError, StoreFailedError
from . import durable
from .abc import Blob, BlobWriter, Buffer
from .blob_pins import PinnedBlobs

_CHUNK = 1 << 20
_DIGEST_LENGTH = 64


_HASH_WINDOW = 32 << 20
"""Bytes of a file that are mapped at a time: what was hashed does not stay resident. A multiple of the page size."""


class FileBlobStore(PinnedBlobs):
    """The blobs of one bucket directory, which is created with the first of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        super().__init__()
        self._unsecured: set[str] = set()  # renamed since the last sync of the directory
        self._lost: set[str] = set()  # renamed before a sync that failed: their entries may never reach the disk

    def writer(self, expected_size: int | None = None) -> BlobWriter:
        with durable.translated(f"Cannot stage a blob in {self._directory}"):
            durable.make_directory(self._directory)
            if expected_size is not None and expected_size > durable.free_space(self._directory):
                raise durable.disk_full(self._directory)
            return _FileBlobWriter(self, durable.StagedFile(self._directory))

    def adopt(self, descriptor: int, size: int) -> Blob:
        digest = self._digest_of(descriptor, size)
        durable.make_directory(self._directory)
        with (
            durable.translated(f"Cannot take over a file into {self._directory}"),
            durable.LinkedFile(self._directory, descriptor) as staged,
        ):
            return self._publish(staged.publish, digest, size)

    def _digest_of(self, descriptor: int, size: int) -> str:
        hasher = blake3(max_threads=blake3.AUTO)
        for start in range(0, size, _HASH_WINDOW):
            length = min(_HASH_WINDOW, size - start)
            with mmap.mmap(descriptor, length, access=mmap.ACCESS_READ, offset=start) as window:
                hasher.update(window)
        return hasher.hexdigest()

    def _publish(self, publish: Callable[[Path], None], digest: str, size: int) -> Blob:
        # Under the lock, so that no reclaim unlinks the name between the rename and the pin. The fresh file replaces
        # one of the same digest: this heals damage.
        with self._lock:
            publish(self._path(digest))
            self._unsecured.add(digest)
            self._lost.discard(digest)
            return self._staged(digest, size)

    def secure(self, digests: Iterable[str]) -> None:
        with self._lock:
            wanted = set(digests)
            if not wanted & (self._unsecured | self._lost):
                return
            covered = set(self._unsecured)
        try:
            durable.fsync_path(self._directory)
        except OSError as error:
            with self._lock:
                self._lost |= covered
                self._unsecured -= covered
            raise durable.translate(error, f"Cannot sync {self._directory}") from error
        with self._lock:
            self._unsecured -= covered
            lost = sorted(wanted & self._lost)
        if lost:
            raise StoreFailedError(f"blob {lost[0]} was staged before a failed sync", outcome="unchanged")

    def _remove(self, digest: str) -> None:
        with durable.translated(f"Cannot remove blob {digest}"):
            durable.unlink(self._path(digest))
        self._unsecured.discard(digest)

    def map(self, blob: Blob) -> memoryview:
        descriptor = self._open(blob)
        try:
            if blob.size == 0:
                return memoryview(b"")
            with durable.translated(f"Cannot map blob {blob.digest}"):
                return memoryview(mmap.mmap(descriptor, blob.size, access=mmap.ACCESS_READ))
        finally:
            os.close(descriptor)

    def _open(self, blob: Blob) -> int:
        with durable.translated(f"Cannot open blob {blob.digest}"):
            try:
                descriptor = os.open(self._path(blob.digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError as error:
                raise CorruptionError(f"blob {blob.digest} is missing") from error
        size = os.fstat(descriptor).st_size
        if size != blob.size:
            os.close(descriptor)
            raise CorruptionError(f"blob {blob.digest} has {size} bytes in place of {blob.size}")
        return descriptor

    def path(self, blob: Blob) -> Path | None:
        return self._path(blob.digest)

    def read(self, blob: Blob, chunk_size: int = _CHUNK) -> Iterator[bytes]:
        hasher = blake3()
        descriptor = self._open(blob)
        try:
            with durable.translated(f"Cannot read blob {blob.digest}"):
                while piece := os.read(descriptor, chunk_size):
                    hasher.update(piece)
                    yield piece
        finally:
            os.close(descriptor)
        self._check(blob, hasher.hexdigest())

    def verify(self, blob: Blob) -> None:
        # Into the same memory again and again: fresh pages for each piece take as long as the hash.
        hasher, piece = blake3(), memoryview(bytearray(min(_CHUNK, max(blob.size, 1))))
        with (
            os.fdopen(self._open(blob), "rb", buffering=0) as file,
            durable.translated(f"Cannot read blob {blob.digest}"),
        ):
            while count := file.readinto(piece):
                hasher.update(piece[:count])
        self._check(blob, hasher.hexdigest())

    @staticmethod
    def _check(blob: Blob, digest: str) -> None:
        if digest != blob.digest:
            raise CorruptionError(f"blob {blob.digest} is damaged: its bytes have the digest {digest}")

    def digests(self) -> Iterator[tuple[str, int]]:
        if not self._directory.is_dir():
            return
        for name in sorted(os.listdir(self._directory)):
            if len(name) == _DIGEST_LENGTH:
                try:
                    yield name, (self._directory / name).lstat().st_size
                except FileNotFoundError:
                    continue  # reclaimed meanwhile

    def sweep(self) -> None:
        """Removes what a killed process was staging; only while nothing is being staged here."""
        with durable.translated(f"Cannot sweep {self._directory}"):
            durable.sweep(self._directory)

    def _path(self, digest: str) -> Path:
        return self._directory / digest


class _FileBlobWriter(BlobWriter):
    def __init__(self, store: FileBlobStore, staged: durable.StagedFile) -> None:
        self._store = store
        self._staged: durable.StagedFile | None = staged
        self._hash = blake3()

    def write(self, data: Buffer) -> None:
        staged = self._open()
        with durable.translated("Cannot write a blob"):
            staged.write(data)
        self._hash.update(data)

    def finish(self) -> Blob:
        staged = self._open()
        with durable.translated("Cannot write a blob"):
            try:
                staged.sync()
                return self._store._publish(staged.publish, self._hash.hexdigest(), staged.size)
            finally:
                self.discard()

    def _open(self) -> durable.StagedFile:
        if self._staged is None:
            raise ValueError("the blob is finished")
        return self._staged

    def discard(self) -> None:
        staged, self._staged = self._staged, None
        if staged is not None:
            staged.close()
