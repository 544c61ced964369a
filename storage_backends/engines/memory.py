"""An ordered engine in memory: what tests and stores without a home use. Needs no LevelDB."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from sortedcontainers import SortedDict

from ...errors import StoreClosedError
from ..abc import OrderedEngine, Snapshot, WriteBatch

_FIRST_CHUNK = 4  # a cursor's step takes one
_CHUNK = 256

_Version = tuple[int, bytes | None]  # (sequence number of the batch, value or None for a deletion)


class MemoryEngine(OrderedEngine):
    """Keeps for each key the versions that a live snapshot can still see; nothing is durable."""

    may_be_late = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: SortedDict[bytes, tuple[_Version, ...]] = SortedDict()
        self._sequence = 0
        self._views: weakref.WeakSet[_MemorySnapshot] = weakref.WeakSet()
        self._superseded: set[bytes] = set()  # keys with more than one version, or only a deletion
        self._closed = False

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            if self._closed:
                self._check_open()
            versions = self._versions.get(key)
            return None if versions is None else versions[-1][1]

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self._snapshot().scan(start, stop, reverse=reverse)

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None:
        with self._lock:
            self._check_open()
            if stop is None or start < stop:
                for key in self._versions.irange(start, stop, (True, False)):
                    value = self._versions[key][-1][1]
                    if value is not None:
                        return key, value
        return None

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        with self._lock:
            self._check_open()
            self._sequence += 1
            if len(self._views):
                for key, value in batch.operations:
                    self._supersede(key, value)
                return
            written = dict(batch.operations)
            for key in [key for key, value in written.items() if value is None]:
                del written[key]
                self._versions.pop(key, None)
            self._versions.update({key: ((self._sequence, value),) for key, value in written.items()})
            if self._superseded:
                self._forget_superseded()

    def sync(self) -> None:
        with self._lock:
            self._check_open()

    def snapshot(self) -> Snapshot:
        return self._snapshot()

    def compact(self, start: bytes, stop: bytes) -> None:
        with self._lock:
            self._check_open()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._versions.clear()
            self._superseded.clear()

    def _snapshot(self) -> _MemorySnapshot:
        with self._lock:
            self._check_open()
            view = _MemorySnapshot(self, self._sequence)
            self._views.add(view)
            return view

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError("The engine is closed")

    def _supersede(self, key: bytes, value: bytes | None) -> None:
        older = tuple(version for version in self._versions.get(key, ()) if version[0] < self._sequence)
        self._versions[key] = (*older, (self._sequence, value))
        self._superseded.add(key)

    def _forget_superseded(self) -> None:
        for key in self._superseded:
            versions = self._versions.get(key, ())
            if versions and versions[-1][1] is None:
                del self._versions[key]
            elif versions:
                self._versions[key] = versions[-1:]
        self._superseded.clear()

    def _forget(self, view: _MemorySnapshot) -> None:
        with self._lock:
            self._views.discard(view)

    def _chunk(
        self,
        start: bytes,
        stop: bytes | None,
        reverse: bool,
        inclusive: tuple[bool, bool],
        sequence: int,
        size: int,
    ) -> list[tuple[bytes, bytes | None]]:
        with self._lock:
            self._check_open()
            keys = self._versions.irange(start, stop, inclusive, reverse=reverse)
            return [(key, _visible(self._versions[key], sequence)) for key in islice(keys, size)]


class _MemorySnapshot(Snapshot):
    def __init__(self, engine: MemoryEngine, sequence: int) -> None:
        self._engine: MemoryEngine | None = engine
        self._sequence = sequence

    def get(self, key: bytes) -> bytes | None:
        engine = self._open()
        with engine._lock:
            engine._check_open()
            return _visible(engine._versions.get(key, ()), self._sequence)

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        self._open()
        return self._records(start, stop, reverse)

    def _records(self, start: bytes, stop: bytes | None, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        inclusive = (True, False)
        size = _FIRST_CHUNK
        while stop is None or start < stop:
            chunk = self._open()._chunk(start, stop, reverse, inclusive, self._sequence, size)
            for key, value in chunk:
                if value is not None:
                    yield key, value
            if len(chunk) < size:
                return
            size = _CHUNK
            if reverse:
                stop = chunk[-1][0]
            else:
                start, inclusive = chunk[-1][0], (False, False)

    def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine._forget(self)

    def _open(self) -> MemoryEngine:
        if self._engine is None:
            raise StoreClosedError("The snapshot is closed")
        return self._engine


def _visible(versions: tuple[_Version, ...], sequence: int) -> bytes | None:
    for number, value in reversed(versions):
        if number <= sequence:
            return value
    return None


def memory_engine(directory: Path | None, *, create: bool) -> OrderedEngine:
    """An engine factory for homes without a directory: each call gives an empty engine."""
    return MemoryEngine()
