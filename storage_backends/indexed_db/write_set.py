"""The changes of one transaction before it commits, and its view of the bucket through them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final, Protocol

from sortedcontainers import SortedList

from ...errors import UnknownError
from ..abc import Blob
from .held_blobs import held_blobs

MAX_INLINE_BYTES: Final = 256 << 20
"""What one transaction may write in keys and inline values, and what of them it may delete or replace: both are held in
memory until it has ended."""


class Base(Protocol):
    """What lies beneath: a bucket, or a mutation of it."""

    def get(self, key: bytes) -> bytes | None: ...

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None: ...

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]: ...


class WriteSet:
    """Reads see the transaction's own writes. Nothing reaches the base; dropping the set is the rollback.

    ``size`` is what it writes (of what it deletes the keys), ``replaced`` what that takes the place of, both in bytes
    without blobs. ``growth`` is by how many bytes, blobs included, the bucket would grow. ``before`` is what each key
    has in the base, looked up when the transaction first writes it: its locks keep that from changing.

    ``take_back`` undoes what was written since the last ``mark``, exactly: what a request has written that fails.
    """

    __slots__ = (
        "_base",
        "_marked",
        "_order",
        "_replaced",
        "_seen",
        "before",
        "blobs",
        "growth",
        "old_blobs",
        "replaced",
        "size",
        "writes",
    )

    def __init__(self, base: Base) -> None:
        self._base = base
        self._order: SortedList = SortedList()
        self._seen: tuple[bytes, bytes | None] = (b"", None)
        self.writes: dict[bytes, bytes | None] = {}
        self.before: dict[bytes, bytes | None] = {}
        self.blobs: dict[bytes, tuple[Blob, ...]] = {}
        self.old_blobs: dict[bytes, tuple[Blob, ...]] = {}
        self.size = 0
        self.replaced = 0
        self.growth = 0
        self._marked = (0, 0, 0, 0)
        self._replaced: list[tuple[bytes, bytes | None, tuple[Blob, ...]]] = []

    def mark(self) -> None:
        """Until here ``take_back`` goes."""
        self._marked = (len(self.writes), self.size, self.replaced, self.growth)
        if self._replaced:
            self._replaced.clear()

    def take_back(self) -> None:
        """Undoes all since the mark. What was written first since then are the dict's last keys."""
        for key, value, blobs in reversed(self._replaced):
            self.writes[key] = value
            if blobs:
                self.blobs[key] = blobs
            else:
                self.blobs.pop(key, None)
        self._replaced.clear()
        count, self.size, self.replaced, self.growth = self._marked
        while len(self.writes) > count:
            key, _ = self.writes.popitem()
            del self.before[key]
            self.blobs.pop(key, None)
            self.old_blobs.pop(key, None)
            if len(self._order) > len(self.writes):
                self._order.remove(key)

    def get(self, key: bytes) -> bytes | None:
        if key in self.writes:
            return self.writes[key]
        value = self._base.get(key)
        self._seen = (key, value)
        return value

    def peek(self, key: bytes) -> bytes | None:
        """``get`` of what is not about to be written itself, but what was got before: that is not read twice."""
        return self.writes[key] if key in self.writes else self._base.get(key)

    def put(self, key: bytes, value: bytes, blobs: tuple[Blob, ...] = (), *, is_new: bool = False) -> None:
        """Raises UnknownError above MAX_INLINE_BYTES; nothing is changed then. ``is_new``: the base has no such key."""
        if key in self.writes:
            self._replace(key, len(value))
        else:
            self._write_first(key, len(value), is_new)
        self.writes[key] = value
        if blobs:
            self.blobs[key] = tuple(dict.fromkeys(blobs))  # a record refers to a blob once, however often it is in it
            self.growth += sum(blob.size for blob in self.blobs[key])

    def delete(self, key: bytes) -> None:
        if key in self.writes:
            self._replace(key, None)
        else:
            self._write_first(key, None, False)
        self.writes[key] = None

    def _write_first(self, key: bytes, added: int | None, is_new: bool) -> None:
        """Accounts for a value of ``added`` bytes (None: no value) under a key that has not been written yet."""
        size = self.size + len(key) + (added or 0)
        if size > MAX_INLINE_BYTES:
            raise _writes_too_much()
        old = None
        if not is_new:
            old = self._seen[1] if self._seen[0] == key else self._base.get(key)
        if old is not None:
            self._overwrite(key, old)
        self.before[key] = old
        self.size = size
        if added is not None:
            self.growth += len(key) + added

    def may_replace(self, size: int) -> bool:
        """Whether so many bytes more can be deleted or replaced."""
        return self.replaced + size <= MAX_INLINE_BYTES

    def _overwrite(self, key: bytes, old: bytes) -> None:
        """Accounts for what the base has under a key."""
        size = len(key) + len(old)
        if not self.may_replace(size):
            raise _replaces_too_much()
        blobs = tuple(held_blobs(self._base, key, old))
        if blobs:
            self.old_blobs[key] = blobs
        self.replaced += size
        self.growth -= size + sum(blob.size for blob in blobs)

    def _replace(self, key: bytes, added: int | None) -> None:
        """Accounts for a value of ``added`` bytes (None: no value) in place of what was written under the key."""
        old = self.writes[key]
        more = (added or 0) - (0 if old is None else len(old))
        size = self.size + more
        if size > MAX_INLINE_BYTES:
            raise _writes_too_much()
        blobs = self.blobs.pop(key, ())
        self._replaced.append((key, old, blobs))
        self.size = size
        grows_by_key = (added is not None) - (old is not None)
        self.growth += more + grows_by_key * len(key) - sum(blob.size for blob in blobs)

    def forget(self, prefix: bytes, end: bytes) -> None:
        """Drops the set's own writes under a prefix that is dead as a whole, for good: what comes before it cannot be
        taken back any more. It does not fail. What lies beneath stays there: it counts until it is reclaimed.
        """
        for key in list(self._own_keys(prefix, end, reverse=False)):
            self._replace(key, None)
            self._order.remove(key)
            del self.writes[key]
            self.size -= len(key)
            old = self.before.pop(key)
            if old is not None:
                size = len(key) + len(old)
                self.replaced -= size
                self.growth += size + sum(blob.size for blob in self.old_blobs.pop(key, ()))
        self.mark()

    def first(self, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        """The first record of a range, as it is now."""
        if not self.writes:
            return self._base.first(start, stop)
        return next(self._merged(start, stop, reverse=False), None)

    def scan(self, start: bytes, stop: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Records in order, as they are now. While it runs, write beside the range only, and scan nothing else."""
        if not self.writes:
            return self._base.scan(start, stop, reverse=reverse)
        return self._merged(start, stop, reverse)

    def _own_keys(self, start: bytes, stop: bytes, *, reverse: bool) -> Iterator[bytes]:
        fresh = len(self.writes) - len(self._order)
        if fresh:  # they are the dict's last
            self._order.update(islice(reversed(self.writes), fresh))
        keys: Iterator[bytes] = self._order.irange(start, stop, (True, False), reverse=reverse)
        return keys

    def _merged(self, start: bytes, stop: bytes, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        records = self._base.scan(start, stop, reverse=reverse)
        record = next(records, None)
        for key in self._own_keys(start, stop, reverse=reverse):
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


def _writes_too_much() -> UnknownError:
    return UnknownError(
        f"The transaction changes more than {MAX_INLINE_BYTES} bytes.",
        hint="Write many records in several transactions; large binaries and strings do not count.",
    )


def _replaces_too_much() -> UnknownError:
    return UnknownError(
        f"The transaction deletes or replaces more than {MAX_INLINE_BYTES} bytes.",
        hint="Delete in several transactions, or clear the store, which has no such limit.",
    )
