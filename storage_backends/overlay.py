"""Changes that are sequenced but not yet committed, laid over the engine's state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sortedcontainers import SortedDict, SortedList

from .catalogue import Catalogue

Change = tuple[bytes, bytes | None]


class Overlay:
    """The newest ``pending`` value of each key; None: deleted.

    Not thread-safe by itself: the bucket's mutex guards it.
    """

    def __init__(self) -> None:
        self.pending: dict[bytes, bytes | None] = {}
        self._numbers: dict[bytes, int] = {}  # of the mutations that they are from
        self._order: SortedList[bytes] | None = None  # of the keys, once somebody scans
        self._catalogue: Catalogue | None = None  # after the newest pending mutation

    def totals(self, beneath: Catalogue) -> Catalogue:
        """Those after the newest pending mutation, or the engine's."""
        return self._catalogue or beneath

    def add(self, catalogue: Catalogue, changes: Mapping[bytes, bytes | None]) -> None:
        """The newest mutation's changes, and the totals after it."""
        if self._order is not None:
            self._order.update(key for key in changes if key not in self.pending)
        self.pending.update(changes)
        self._numbers.update(dict.fromkeys(changes, catalogue.number))
        self._catalogue = catalogue

    def settle(self, number: int, keys: Iterable[bytes]) -> None:
        """The mutations up to ``number`` are in the engine: their values need no overlay any more."""
        if self._catalogue is not None and self._catalogue.number <= number:
            self.drop()  # no mutation is newer
            return
        for key in keys:
            if self._numbers.get(key, number + 1) <= number:
                del self.pending[key], self._numbers[key]
                if self._order is not None:
                    self._order.remove(key)

    def drop(self) -> None:
        self.pending.clear()
        self._numbers.clear()
        self._order = self._catalogue = None

    def changes(self, start: bytes, stop: bytes | None) -> list[Change]:
        """The pending changes of a range, in key order."""
        if not self.pending or (stop is not None and start >= stop):
            return []
        if self._order is None:
            self._order = SortedList(self.pending)
        keys = self._order.irange(start, stop, inclusive=(True, False))
        return [(key, self.pending[key]) for key in keys]

    def copy(self) -> SortedDict[bytes, bytes | None]:
        return SortedDict(self.pending)


def merged(
    records: Iterator[tuple[bytes, bytes]], changes: list[Change], *, reverse: bool = False
) -> Iterator[tuple[bytes, bytes]]:
    """``records`` with ``changes`` (in key order) applied, in key order or backwards."""
    if not changes:
        return records
    return _merge(records, iter(reversed(changes) if reverse else changes), reverse)


def _merge(
    records: Iterator[tuple[bytes, bytes]], changes: Iterator[Change], reverse: bool
) -> Iterator[tuple[bytes, bytes]]:
    record = next(records, None)
    for key, value in changes:
        while record is not None and (record[0] > key if reverse else record[0] < key):
            yield record
            record = next(records, None)
        if record is not None and record[0] == key:
            record = next(records, None)
        if value is not None:
            yield key, value
    while record is not None:
        yield record
        record = next(records, None)
