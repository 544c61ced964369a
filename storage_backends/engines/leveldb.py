"""The durable engine: LevelDB through plyvel, the only module that imports it.

What plyvel 1.5.1 (LevelDB 1.22) does not do by itself is done here: checksums on every read, a sync of all log files
(at a log switch LevelDB closes the old log unsynced), the sync of a new database's directory, and the removal of a
torn log tail, without which a paranoid open refuses the database.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

from ... import errors
from ...errors import CorruptionError, StoreClosedError, StoreFailedError
from .. import durable
from ..abc import EngineFactory, OrderedEngine, Snapshot, WriteBatch
from .leveldb_log import cut_torn_tail

_P = ParamSpec("_P")
_T = TypeVar("_T")

WRITE_BUFFER_SIZE = 4 << 20
"""LevelDB's own default; the home's reserve is made for twice of it."""

_READ_AHEAD = 256
_READ_AHEAD_BYTES = 1 << 18
_CLOCK_TICK_NS = 20_000_000
_DISK_FULL_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large")

_ENTRY_OVERHEAD = 56
"""A node of LevelDB's skip list (21 bytes on average, aligned to 8), a sequence number (8) and two lengths (10)."""

_SMALL_BATCH = 64 * 1024

INSTALL = "pip install 'tfjsd[leveldb]'"


def _plyvel() -> ModuleType:
    try:
        import plyvel
    except ImportError as error:
        raise errors.EngineMissingError(
            f"LevelDB is not installed for this Python. Install it with: {INSTALL}",
            hint="It builds from source where no wheel exists: first apt-get install libleveldb-dev, or "
            "brew install leveldb.",
        ) from error
    module: ModuleType = plyvel
    return module


class LevelDBEngine(OrderedEngine):
    """One LevelDB database directory. Its caller holds an own lock on the home: LevelDB's is easily lost."""

    def __init__(self, directory: Path, *, create: bool, write_buffer_size: int = WRITE_BUFFER_SIZE) -> None:
        self._plyvel = _plyvel()
        self._errors: tuple[type[Exception], ...] = (self._plyvel.Error, RuntimeError)
        self._directory = directory
        self._write_buffer_size = write_buffer_size
        self._least_switch = write_buffer_size // 2  # an arena may waste a third
        self._filled = 0  # of the write buffer, at most, since the last switch of logs
        self._logs: frozenset[str] = frozenset()
        self._changed_at = 0
        # plyvel frees its C++ objects in close(), whatever another thread is doing with them.
        self._reading = threading.Lock()
        self._writing = threading.Lock()
        self._compacting = threading.Lock()
        options: dict[str, Any] = {
            "create_if_missing": create,
            "paranoid_checks": True,
            "bloom_filter_bits": 10,
            "max_open_files": 256,
            "compression": None,  # a look-up at a random place would unpack 4 KiB, which is most of its cost
            "write_buffer_size": write_buffer_size,
        }
        self._db = self._open(options)
        self._targets: dict[bool, Any] = {}  # plyvel's batches, with and without sync

    def _open(self, options: dict[str, Any]) -> Any:
        try:
            return self._call(lambda: self._plyvel.DB(os.fsencode(self._directory), **options))
        except CorruptionError as damage:
            if not cut_torn_tail(self._directory):
                raise CorruptionError(f"{damage} (nothing was modified)") from damage
        return self._call(lambda: self._plyvel.DB(os.fsencode(self._directory), **options))

    def _call(self, function: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """What the function returns, or plyvel's error as one of ours."""
        try:
            return function(*args, **named)
        except self._errors as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> errors.TfjsdError:
        """The one place where plyvel's errors become ours."""
        if isinstance(error, RuntimeError):  # "Database is closed", "Database or iterator is closed"
            return StoreClosedError(f"{self._directory}: {error}")
        text = _text(error)
        if isinstance(error, self._plyvel.CorruptionError):
            return CorruptionError(f"{self._directory}: {text}")
        full = any(reason in text for reason in _DISK_FULL_TEXTS)
        return StoreFailedError(f"{self._directory}: {text}", disk_full=full)

    def _read(self, function: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        with self._reading:
            return self._call(function, *args, **named)

    def get(self, key: bytes) -> bytes | None:
        with self._reading:
            try:
                value: bytes | None = self._db.get(key, verify_checksums=True)
            except self._errors as error:
                raise self._translated(error) from error
        return value

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None:
        with self._reading:
            try:
                iterator = self._db.raw_iterator(verify_checksums=True)
                try:
                    iterator.seek(start)
                    record: tuple[bytes, bytes] | None = iterator.item() if iterator.valid() else None
                finally:
                    iterator.close()
            except self._errors as error:
                raise self._translated(error) from error
        return None if record is None or (stop is not None and record[0] >= stop) else record

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self._records(self._db, start, stop, reverse)

    def _records(self, source: Any, start: bytes, stop: bytes | None, reverse: bool) -> Iterator[tuple[bytes, bytes]]:
        # LevelDB fixes the state when the iterator is created: here, not when the caller takes its first record.
        # plyvel 1.5.1 skips a record at ``start`` if it is the only one of a backward range: that end is ours to find.
        first = None if reverse else start
        iterator = self._read(lambda: source.iterator(start=first, stop=stop, reverse=reverse, verify_checksums=True))
        return self._iterate(iterator, start)

    def _iterate(self, iterator: Any, start: bytes) -> Iterator[tuple[bytes, bytes]]:
        count = 1
        try:
            while True:
                # Twice as many each time: one lock for many records, and little in vain where the first is wanted.
                records, failure = self._take(iterator, count)
                for record in records:
                    if record[0] < start:
                        return
                    yield record
                if failure is not None:
                    raise failure
                if not records:
                    return
                count = min(2 * count, _READ_AHEAD)
        finally:
            self._read(iterator.close)

    def _take(self, iterator: Any, count: int) -> tuple[list[tuple[bytes, bytes]], errors.TfjsdError | None]:
        """The next records, ``count`` or fewer large ones; and the error that was met behind them."""
        records: list[tuple[bytes, bytes]] = []
        room = _READ_AHEAD_BYTES
        with self._reading:
            try:
                for record in islice(iterator, count):
                    records.append(record)
                    room -= len(record[1])
                    if room < 0:
                        break
            except self._errors as error:
                failure = self._translated(error)
                failure.__cause__ = error
                return records, failure
        return records, None

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        with self._writing:
            try:
                size = self._write(batch, sync)
            except self._errors as error:
                raise self._translated(error) from error
        self._filled += size
        if sync:
            self._note_logs(size)
        elif self._filled >= self._least_switch:
            self._watch_for_a_switch(size)

    def _watch_for_a_switch(self, size: int) -> None:
        """Syncs the old log as soon as LevelDB has left it: else a power cut could take its end and keep what follows.

        A switch comes when the write buffer is full, and changes the directory: the time of its change tells, unless
        another change has just had the same tick of the clock. The new log begins with the batch of ``size`` bytes.
        """
        with self._files_translated():
            changed_at = os.stat(self._directory).st_mtime_ns
        if changed_at != self._changed_at or time.time_ns() - changed_at < _CLOCK_TICK_NS:
            self._changed_at = changed_at
            if self._log_names() != self._logs:
                self._sync_logs()
                self._note_logs(size)

    def _log_names(self) -> frozenset[str]:
        with self._files_translated():
            return frozenset(name for name in os.listdir(self._directory) if name.endswith(".log"))

    def _write(self, batch: WriteBatch, sync: bool) -> int:
        """Returns what the entries take in the write buffer, at most.

        A plyvel batch costs as much as a small write: one that went well is used again.
        """
        target = self._targets.pop(sync, None) or self._db.write_batch(sync=sync)
        size = len(batch.operations) * _ENTRY_OVERHEAD
        for key, value in batch.operations:
            size += len(key)
            if value is None:
                target.delete(key)
            else:
                target.put(key, value)
                size += len(value)
        target.write()
        if size <= _SMALL_BATCH:  # it keeps its memory
            target.clear()
            self._targets[sync] = target
        return size

    def _note_logs(self, size: int | None = None) -> None:
        """A log file that a switch created needs its directory entry on stable storage, too. It holds ``size`` bytes;
        None: at most what did not fit into the old one."""
        logs = self._log_names()
        if logs != self._logs:
            if self._logs and logs - self._logs:
                self._filled = max(self._filled - self._least_switch, 0) if size is None else size
            with self._files_translated():
                durable.fsync_path(self._directory)
            self._logs = logs

    def sync(self) -> None:
        self._sync_logs()
        self._note_logs()

    def _sync_logs(self) -> None:
        with self._files_translated():
            for name in sorted(os.listdir(self._directory)):
                if name.endswith(".log"):
                    # One that vanishes meanwhile is in a synced table that a synced manifest names.
                    with contextlib.suppress(FileNotFoundError):
                        durable.fsync_path(self._directory / name)

    @contextlib.contextmanager
    def _files_translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in durable.DISK_FULL
            raise StoreFailedError(f"{self._directory}: {error.strerror}", disk_full=full) from error

    def snapshot(self) -> Snapshot:
        return _LevelDBSnapshot(self)

    def compact(self, start: bytes, stop: bytes) -> None:
        with self._compacting:
            self._call(lambda: self._db.compact_range(start=start, stop=stop))

    def close(self) -> None:
        with self._compacting, self._writing, self._reading:
            self._call(self._db.close)


class _LevelDBSnapshot(Snapshot):
    def __init__(self, engine: LevelDBEngine) -> None:
        self._engine = engine
        self._snapshot = engine._read(engine._db.snapshot)

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._engine._read(lambda: self._snapshot.get(key, verify_checksums=True))
        return value

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        return self._engine._records(self._snapshot, start, stop, reverse)

    def close(self) -> None:
        self._engine._read(self._snapshot.close)


def _text(error: Exception) -> str:
    """plyvel's messages are the ``repr`` of bytes."""
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)


def leveldb_factory(*, write_buffer_size: int = WRITE_BUFFER_SIZE) -> EngineFactory:
    """An engine factory with a chosen size of the write buffer (a small one makes LevelDB switch logs often)."""

    def open_engine(directory: Path | None, *, create: bool) -> OrderedEngine:
        if directory is None:
            raise ValueError("LevelDB needs a directory")
        return LevelDBEngine(directory, create=create, write_buffer_size=write_buffer_size)

    return open_engine


leveldb_engine = leveldb_factory()
