"""Contracts of the storage layer, without implementation.

Keys and values are bytes; keys are ordered bytewise. Nothing here knows of asyncio: whatever waits for a disk returns
a ``concurrent.futures.Future``, which synchronous callers wait on and asynchronous ones wrap on their running loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Durability = Literal["strict", "relaxed"]
"""``strict``: there after power loss once acknowledged. ``relaxed``: survives the death of the process; a power loss
may take up to the last second. Never half a batch in either."""

INLINE_LIMIT = 128 * 1024
"""Binaries up to this size travel in the batch; larger ones are blobs (a separate file costs two more syncs)."""

Buffer = bytes | bytearray | memoryview
"""A payload in memory. Who receives one does not change it and does not keep it past the call unless it says so."""


class Clock(Protocol):
    """Milliseconds since the epoch, as ``Date.now()``; tests move it."""

    def now(self) -> int: ...


@dataclass(slots=True)
class WriteBatch:
    """Changes that an engine applies wholly or not at all, in order; ``None`` deletes."""

    operations: list[tuple[bytes, bytes | None]] = field(default_factory=list)

    def put(self, key: bytes, value: bytes) -> None:
        self.operations.append((key, value))

    def delete(self, key: bytes) -> None:
        self.operations.append((key, None))


class Reader(ABC):
    """Ordered reads."""

    @abstractmethod
    def get(self, key: bytes) -> bytes | None:
        """The value, or None. Raises CorruptionError where the stored bytes are damaged."""

    @abstractmethod
    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Records with ``start <= key < stop`` (``None``: to the end) in key order, or backwards.

        The iterator sees one consistent state, the one of the call. Close it (or exhaust it) to free what it pins.
        """

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None:
        """The first record of a range; costs less than a scan."""
        return next(self.scan(start, stop), None)


class Snapshot(Reader):
    """One consistent state, unaffected by later writes, until closed."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class OrderedEngine(Reader):
    """An ordered key-value store with atomic batches; thread-safe."""

    may_be_late = False
    """Whether nobody can tell a write from one that is made when it is first read: it never fails, and dies with the
    process."""

    @abstractmethod
    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        """Applies the batch atomically. With ``sync``, it and everything before it is durable on return.

        Raises StoreFailedError after an I/O error: the batch's outcome is then unknown until the engine was closed
        and opened again (LevelDB goes on acknowledging after ENOSPC and loses what it acknowledged).
        """

    @abstractmethod
    def sync(self) -> None:
        """Makes every earlier write durable."""

    @abstractmethod
    def snapshot(self) -> Snapshot: ...

    @abstractmethod
    def compact(self, start: bytes, stop: bytes) -> None:
        """Gives the space of deleted records in the range back."""

    @abstractmethod
    def close(self) -> None:
        """Frees the engine; idempotent. Later calls raise StoreFailedError."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A large binary value: immutable, named by the BLAKE3 digest (64 hex digits) of its ``size`` bytes.

    ``ticket`` is set on what staging returns: it stands for that staging's own pin, so that a commit releases this pin
    and not the one of another caller who stages the same bytes.
    """

    digest: str
    size: int
    ticket: int = field(default=0, compare=False, repr=False)


class BlobWriter(ABC):
    """A blob that is being staged, piece by piece. Leaving its ``with`` block without ``finish`` discards it."""

    @abstractmethod
    def write(self, data: Buffer) -> None:
        """Appends; takes the bytes before it returns."""

    @abstractmethod
    def finish(self) -> Blob:
        """The bytes are on stable storage under their digest when this returns (the directory entry is made durable by
        the commit that refers to it). The digest stays pinned until ``BlobStore.unpin``."""

    @abstractmethod
    def discard(self) -> None: ...

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()  # does nothing after finish()


class BlobStore(ABC):
    """Content-addressed, immutable binaries; a digest lives while a reference record, a pin or a snapshot needs it."""

    @abstractmethod
    def writer(self, expected_size: int | None = None) -> BlobWriter: ...

    def stage(self, data: Buffer | Iterable[Buffer]) -> Blob:
        """Phase one of a commit: the bytes are durable and pinned, nothing refers to them yet."""
        with self.writer() as writer:
            for piece in [data] if isinstance(data, bytes | bytearray | memoryview) else data:
                writer.write(piece)
            return writer.finish()

    @abstractmethod
    def adopt(self, descriptor: int, size: int) -> Blob:
        """Stages the bytes of an open regular file (by renaming or copying it); pinned as ``stage`` does."""

    @abstractmethod
    def pin(self, digest: str) -> None:
        """Keeps a digest from being reclaimed; counted."""

    @abstractmethod
    def unpin(self, digest: str) -> None: ...

    @abstractmethod
    def is_pinned(self, digest: str) -> bool: ...

    @abstractmethod
    def on_unpinned(self, listener: Callable[[str], None]) -> None:
        """``listener`` is told each digest that lost its last pin (so that an unused one can be reclaimed)."""

    @abstractmethod
    def redeem(self, blob: Blob) -> None:
        """Releases the pin that staging gave ``blob``, once; nothing for a blob without a ticket."""

    @abstractmethod
    def secure(self, digests: Iterable[str]) -> None:
        """Makes the directory entries of staged blobs durable: after this, a batch may refer to them.

        Raises StoreFailedError (outcome ``unchanged``) where that failed now or earlier for one of them: it has to be
        staged anew, because a failed sync is never retried.
        """

    @abstractmethod
    def condemn(self, digest: str) -> bool:
        """Marks a blob that nothing refers to for removal; False if it is pinned. Staging or pinning lifts the mark."""

    @abstractmethod
    def reclaim(self, digest: str) -> bool:
        """Removes a blob if it is still marked; whether it is gone. Removing one that is not there is fine."""

    @abstractmethod
    def map(self, blob: Blob) -> memoryview:
        """A read-only view without a copy; outlives the store and the blob's removal. Checks the size only.

        Raises CorruptionError naming the digest where the file is missing or has another size.
        """

    @abstractmethod
    def path(self, blob: Blob) -> Path | None:
        """Where the bytes lie as a file of mode 0400, or None for a store in memory."""

    @abstractmethod
    def read(self, blob: Blob, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """The bytes in order, checked against the digest: a mismatch raises CorruptionError at the end."""

    @abstractmethod
    def verify(self, blob: Blob) -> None:
        """Reads the whole blob; raises CorruptionError naming it where a bit differs."""

    @abstractmethod
    def digests(self) -> Iterator[tuple[str, int]]:
        """Digest and size of everything stored, referenced or not."""


class EngineFactory(Protocol):
    """Opens (creating, where missing and asked) the engine of a bucket directory; the composition root passes it in."""

    def __call__(self, directory: Path | None, *, create: bool) -> OrderedEngine: ...
