"""The durable engine: LevelDB through plyvel, the only module that imports it.

What plyvel 1.5.1 (LevelDB 1.22) does not do by itself is done here: checksums on every read, a sync of all log files
(at a log switch LevelDB closes the old log unsynced), the sync of a new database's directory, and the removal of a
torn log tail, without which a paranoid open refuses the database.
"""

from __future__ import annotations

import contextlib
import os
import threading
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
            "write_buffer_size": write_buffer_size,
        }
        self._db = self._open(options)
        self._targets: dict[bool, Any] = {}  # plyvel's batches, with and without sync

    def _open(self, options: dict[str, Any]) -> Any:
        try:
            return self._call(lambda: self._plyvel.DB(os.fspath(self._directory), **options))
        except CorruptionError as damage:
            if not cut_torn_tail(self._directory):
                raise CorruptionError(f"{damage} (nothing was modified)") from damage
        return self._call(lambda: self._plyvel.DB(os.fspath(self._directory), **options))

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
            while records := self._read(list, islice(iterator, count)):
                for record in records:
                    if record[0] < start:
                        return
                    yield record
                # Twice as many each time: one lock for many records, and little in vain where only the first is wanted.
                count = min(2 * count, _READ_AHEAD_BYTES // (len(record[1]) + 1) + 1, _READ_AHEAD)
        finally:
            self._read(iterator.close)

    def write(self, batch: WriteBatch, *, sync: bool) -> None:
        with self._writing:
            try:
                self._filled += self._write(batch, sync)
            except self._errors as error:
                raise self._translated(error) from error
        if sync:
            self._note_logs()
        elif self._filled >= self._write_buffer_size * 3 // 4:  # an arena may waste a quarter
            self._watch_for_a_switch()

    def _watch_for_a_switch(self) -> None:
        """Syncs the old log as soon as LevelDB has left it: else a power cut could take its end and keep what follows.

        A switch comes when the write buffer is full, and changes the directory.
        """
        changed_at = os.stat(self._directory).st_mtime_ns
        if changed_at != self._changed_at:
            self._changed_at = changed_at
            if self._log_names() != self._logs:
                self.sync()

    def _log_names(self) -> frozenset[str]:
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

    def _note_logs(self) -> None:
        """A log file that a switch created needs its directory entry on stable storage, too."""
        logs = self._log_names()
        if logs != self._logs:
            self._filled = 0
            with self._files_translated():
                durable.fsync_path(self._directory)
            self._logs = logs

    def sync(self) -> None:
        with self._files_translated():
            for name in sorted(os.listdir(self._directory)):
                if name.endswith(".log"):
                    # One that vanishes meanwhile is in a synced table that a synced manifest names.
                    with contextlib.suppress(FileNotFoundError):
                        durable.fsync_path(self._directory / name)
        self._note_logs()

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
