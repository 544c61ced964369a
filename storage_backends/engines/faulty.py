"""Engines that fail on purpose: what tests wrap around a real engine, and a disk that loses what was not synced."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...errors import StoreClosedError, StoreFailedError
from ..abc import EngineFactory, OrderedEngine, Snapshot, WriteBatch
from .memory import MemoryEngine

Operation = Literal["write", "sync", "get", "scan", "open"]


@dataclass(slots=True)
class Fault:
    """Makes the ``at``-th call of an operation (from 1) fail, and the ``times - 1`` after it. ``first`` is a ``get``,
    each step of a scan a ``scan``.

    ``applied``: the engine did it all the same, as a failed fsync may. ``disk_full``: the error says so. ``error``:
    what is raised in place of a StoreFailedError.
    """

    operation: Operation
    at: int
    times: int = 1
    applied: bool = False
    disk_full: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class Faults:
    """What fails when, over all engines of a factory, and how often each operation was called."""

    planned: list[Fault] = field(default_factory=list)
    calls: dict[Operation, int] = field(default_factory=dict)
    fired: int = 0

    def next(self, operation: Operation) -> Fault | None:
        """Counts a call; the fault that meets it, if any."""
        number = self.calls[operation] = self.calls.get(operation, 0) + 1
        for fault in self.planned:
            if fault.operation == operation and fault.at <= number < fault.at + fault.times:
                self.fired += 1
                return fault
        return None

    def check(self, operation: Operation) -> None:
        """Raises where a fault meets a call that has no effect to be applied."""
        fault = self.next(operation)
        if fault is not None:
            raise _failure(fault)


def _failure(fault: Fault) -> Exception:
    if fault.error is not None:
        return fault.error
    reason = "No space left on device" if fault.disk_full else "Input/output error"
    return StoreFailedError(f"injected into {fault.operation}: {reason}", disk_full=fault.disk_full)


class FaultyEngine(OrderedEngine):
    """Passes everything on but for what ``faults`` plans; like LevelDB, it goes on after an error."""

    def __init__(self, inner: OrderedEngine, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def get(self, key: bytes) -> bytes | None:
        self._faults.check("get")
        return self._inner.get(key)

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None:
        self._faults.check("get")
        return self._inner.first(start, stop)

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self._checked(self._inner.scan(start, stop, reverse=reverse))

    def _checked(self, records: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        while True:
            self._faults.check("scan")
            record = next(records, None)
            if record is None:
                return
            yield record

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        fault = self._faults.next("write")
        if fault is None or fault.applied:
            self._inner.write(batch, sync=sync)
        if fault is not None:
            raise _failure(fault)

    def sync(self) -> None:
        fault = self._faults.next("sync")
        if fault is None or fault.applied:
            self._inner.sync()
        if fault is not None:
            raise _failure(fault)

    def snapshot(self) -> Snapshot:
        return self._inner.snapshot()

    def compact(self, start: bytes, stop: bytes) -> None:
        self._inner.compact(start, stop)

    def close(self) -> None:
        self._inner.close()


def faulty_factory(engines: EngineFactory, faults: Faults) -> EngineFactory:
    """An engine factory whose engines share one plan, across every reopening."""

    def open_engine(directory: Path | None, *, create: bool) -> OrderedEngine:
        faults.check("open")
        return FaultyEngine(engines(directory, create=create), faults)

    return open_engine


class PowerCutDisk:
    """An engine factory whose engines keep, after ``cut``, only what was synced.

    With ``honest=False`` it does what a disk does that lies about its cache, or an engine that never syncs: a test
    suite that does not notice the difference proves nothing.
    """

    def __init__(self, *, honest: bool = True) -> None:
        self.honest = honest
        self._lock = threading.Lock()
        self._stored: dict[Path, _Stored] = {}

    def __call__(self, directory: Path | None, *, create: bool) -> OrderedEngine:
        if directory is None:
            raise ValueError("a disk keeps its engines by directory")
        with self._lock:
            if create:
                directory.mkdir(exist_ok=True)
                self._stored[directory] = _Stored()
            elif directory not in self._stored:
                raise StoreFailedError(f"{directory}: no such engine")
            stored = self._stored[directory]
            if stored.engine is not None:
                raise StoreFailedError(f"{directory}: the engine is open already")
            stored.engine = _PowerCutEngine(stored, honest=self.honest)
            return stored.engine

    def cut(self) -> None:
        """The power goes: open engines are dead, unsynced batches are gone."""
        with self._lock:
            for stored in self._stored.values():
                if stored.engine is not None:
                    stored.engine.die()
                stored.engine = None
                stored.unsynced.clear()


@dataclass(slots=True)
class _Stored:
    synced: list[WriteBatch] = field(default_factory=list)
    unsynced: list[WriteBatch] = field(default_factory=list)
    engine: _PowerCutEngine | None = None


class _PowerCutEngine(MemoryEngine):
    may_be_late = False

    def __init__(self, stored: _Stored, *, honest: bool) -> None:
        super().__init__()
        self._stored = stored
        self._honest = honest
        self._order = threading.Lock()
        self._dead = False
        for batch in stored.synced + stored.unsynced:
            super().write(batch, sync=True)

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        with self._order:
            self._check_alive()
            super().write(batch, sync=sync)
            self._stored.unsynced.append(WriteBatch(list(batch.operations)))
            if sync:
                self._flush()

    def sync(self) -> None:
        with self._order:
            self._check_alive()
            self._flush()

    def _flush(self) -> None:
        if self._honest:
            self._stored.synced += self._stored.unsynced
            self._stored.unsynced.clear()

    def die(self) -> None:
        """Ends the engine between two operations."""
        with self._order:
            self._dead = True

    def close(self) -> None:
        with self._order:
            super().close()
            if not self._dead:
                self._stored.engine = None

    def _check_alive(self) -> None:
        if self._dead:
            raise StoreClosedError("The power was cut")
