"""One atomic change of a bucket, while it is being put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Protocol

from sortedcontainers import SortedList

from .abc import Blob, Durability
from .catalogue import REFERENCES, reference_key, reference_value
from .overlay import merged


class _Base(Protocol):
    """What a mutation reads beneath its own writes."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]: ...


class Mutation:
    """Writes that are committed together or not at all; for use inside the ``mutate`` block that made it.

    ``future`` resolves with None once the mutation is committed (``strict``: is on stable storage). It fails with
    QuotaExceededError (unit ``disk``) or StoreFailedError. It cannot be cancelled. Don't wait for it inside the block.
    """

    def __init__(self, base: _Base, durability: Durability) -> None:
        self._base = base
        self.durability = durability
        self.future: Future[None] = Future()
        self.future.set_running_or_notify_cancel()
        self.writes: dict[bytes, bytes | None] = {}
        self.before: dict[bytes, bytes | None] = {}
        """What some of the keys have beneath."""
        self._order: SortedList[bytes] | None = None  # their keys, once somebody scans
        self.referred: list[Blob] = []
        self.released: list[str] = []
        self.undo: list[Callable[[], None]] = []
        self.committed: list[Callable[[], None]] = []

    def get(self, key: bytes) -> bytes | None:
        """The value that this mutation would leave behind."""
        if key in self.writes:
            value: bytes | None = self.writes[key]
            return value
        return self._base.get(key)

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Records as this mutation would leave them; unaffected by what it writes after the call."""
        own = []
        if self.writes and (stop is None or start < stop):
            keys = self._ordered().irange(start, stop, inclusive=(True, False))
            own = [(key, self.writes[key]) for key in keys]
        return merged(self._base.scan(start, stop, reverse=reverse), own, reverse=reverse)

    def _ordered(self) -> SortedList[bytes]:
        if self._order is None or len(self._order) != len(self.writes):
            self._order = SortedList(self.writes)
        return self._order

    def _write(self, key: bytes, value: bytes | None) -> None:
        if self._order is not None and key not in self.writes:
            self._order.add(key)
        self.writes[key] = value

    def put(self, key: bytes, value: bytes) -> None:
        _check(key)
        self._write(key, value)

    def put_over(self, before: bytes | None, key: bytes, value: bytes) -> None:
        """``put`` of one who knows what the key has beneath, so that nobody has to read it."""
        if key not in self.writes:
            self.before[key] = before
        self.put(key, value)

    def delete(self, key: bytes) -> None:
        _check(key)
        self._write(key, None)

    def write_all(self, writes: Mapping[bytes, bytes | None], before: Mapping[bytes, bytes | None]) -> None:
        """Many writes (None: a deletion). ``before`` is what the keys have beneath, where the caller knows it."""
        if writes:
            _check(min(writes))
        self.writes.update(writes)
        self.before.update(before)
        self._order = None

    def refer(self, blob: Blob, owner: bytes) -> None:
        """Keeps the blob for as long as this reference stands.

        ``owner`` is any name that is unique in the bucket for what needs the blob. A staged blob's pin is released once
        the mutation is committed or has failed; pass the object that staging returned. A blob that is referred to
        already (a copy) needs no staging.
        """
        self._write(reference_key(blob.digest, owner), reference_value(blob.size))
        self.referred.append(blob)

    def release(self, digest: str, owner: bytes) -> None:
        """Takes the reference back. The file goes when no reference, pin or snapshot needs it any more."""
        self._write(reference_key(digest, owner), None)
        self.released.append(digest)

    def on_undo(self, callback: Callable[[], None]) -> None:
        """Runs under the mutex, newest first, if the block raises or the commit fails."""
        self.undo.append(callback)

    def on_commit(self, callback: Callable[[], None]) -> None:
        """Runs in the committing thread, in order, once the commit is acknowledged and before ``future`` resolves."""
        self.committed.append(callback)


def _check(key: bytes) -> None:
    if key[:1] <= REFERENCES:  # b"" as well
        raise ValueError("keys of the store's own namespaces cannot be written")
