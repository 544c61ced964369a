"""The changes of one transaction before it commits, and its view of the bucket through them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from sortedcontainers import SortedList

from ...errors import UnknownError
from ..abc import Blob

MAX_INLINE_BYTES: Final = 256 << 20
"""What one transaction may change in keys and inline values."""


class Base(Protocol):
    """What lies beneath: a bucket, or a mutation of it."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]: ...


class WriteSet:
    """Reads see the transaction's own writes. Nothing reaches the base; dropping the set is the rollback."""

    __slots__ = ("_base", "_fresh", "_order", "blobs", "size", "writes")

    def __init__(self, base: Base) -> None:
        self._base = base
        self._order: SortedList = SortedList()
        self._fresh: list[bytes] = []
        self.writes: dict[bytes, bytes | None] = {}
        self.blobs: dict[bytes, tuple[Blob, ...]] = {}
        self.size = 0

    def get(self, key: bytes) -> bytes | None:
        if key in self.writes:
            return self.writes[key]
        return self._base.get(key)

    def put(self, key: bytes, value: bytes, blobs: tuple[Blob, ...] = ()) -> None:
        """Raises UnknownError above MAX_INLINE_BYTES; nothing is changed then."""
        self._count(key, len(key) + len(value))
        if key not in self.writes:
            self._fresh.append(key)
        self.writes[key] = value
        if blobs:
            self.blobs[key] = blobs
        elif self.blobs:
            self.blobs.pop(key, None)

    def delete(self, key: bytes) -> None:
        self._count(key, len(key))
        if key not in self.writes:
            self._fresh.append(key)
        self.writes[key] = None
        self.blobs.pop(key, None)

    def forget(self, prefix: bytes, end: bytes) -> None:
        """Drops the set's own writes under a prefix that is dead as a whole."""
        for key in self._own_keys(prefix, end):
            self._order.remove(key)
            value = self.writes.pop(key)
            self.size -= len(key) + len(value or b"")
            self.blobs.pop(key, None)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Records in order, as they are now. Don't write while it runs."""
        if not self.writes:
            return self._base.scan(start, stop, reverse=reverse)
        return self._merged(start, stop, reverse)

    def _count(self, key: bytes, added: int) -> None:
        size = self.size + added
        if key in self.writes:
            size -= len(key) + len(self.writes[key] or b"")
        if size > MAX_INLINE_BYTES:
            raise UnknownError(
                f"The transaction changes more than {MAX_INLINE_BYTES} bytes.",
                hint="Write many records in several transactions; large binaries and strings do not count.",
            )
        self.size = size

    def _own_keys(self, start: bytes, stop: bytes) -> list[bytes]:
        if self._fresh:
            self._order.update(self._fresh)
            self._fresh = []
        return list(self._order.irange(start, stop, (True, False)))

    def _own_iterator(self, start: bytes, stop: bytes, reverse: bool) -> Iterator[bytes]:
        if self._fresh:
            self._order.update(self._fresh)
            self._fresh = []
        keys: Iterator[bytes] = self._order.irange(start, stop, (True, False), reverse=reverse)
        return keys

    def _merged(self, start: bytes, stop: bytes, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        records = self._base.scan(start, stop, reverse=reverse)
        record = next(records, None)
        for key in self._own_iterator(start, stop, reverse):
            while record is not None and (record[0] > key if reverse else record[0] < key):
                yield record
                record = next(records, None)
            if record is not None and record[0] == key:
                record = next(records, None)
            value = self.writes[key]
            if value is not None:
                yield key, value
        if record is not None:
            yield record
            yield from records
