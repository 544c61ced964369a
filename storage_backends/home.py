"""A data directory with one owner, or memory: buckets by origin."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from ..errors import BackupError, HomeInUseError, StoreClosedError, UnsupportedFormatError
from . import durable
from .abc import Clock, EngineFactory
from .blobs import FileBlobStore
from .bucket_place import BucketPlace, is_announced, origin_of
from .buckets import Bucket
from .housekeeping import Housekeeping
from .reserve import RESERVE_BYTES, Reserve

HOME_FORMAT = 1
MAX_COMMITTING_THREADS = 8
STAGING = "restoring"
OWN_DIRECTORIES = ("buckets", "ingest", STAGING)


class SystemClock:
    """The time of day."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class Home:
    """Owns ``path`` until closed (``None``: keeps everything in memory); thread-safe.

    Raises HomeInUseError if another process or object owns it, UnsupportedFormatError if a newer version wrote it (it
    is left untouched), StoreFailedError or QuotaExceededError (unit ``disk``) if the directory cannot be used.

    Commits run in ``pool``, which the home shuts down when it closes.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        engines: EngineFactory,
        clock: Clock | None = None,
        reserve_bytes: int = RESERVE_BYTES,
        pool: Executor | None = None,
    ) -> None:
        self.path = None if path is None else Path(path).absolute()
        self.clock: Clock = clock or SystemClock()
        self._engines = engines
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}
        self._closed = False
        self._descriptor = -1
        if self.path is not None:
            with durable.translated(f"Cannot use {self.path}"):
                self._claim(self.path)
        self._reserve = Reserve(None if self.path is None else self.path / "reserve", reserve_bytes)
        self._pool = pool or ThreadPoolExecutor(MAX_COMMITTING_THREADS, thread_name_prefix="tfjsd-commit")
        self._housekeeping = Housekeeping()
        _abandon_in_children(weakref.ref(self))

    def _claim(self, path: Path) -> None:
        durable.make_directory(path)
        self._descriptor = _lock_file(path / "lock")
        try:
            _check_format(path)
            durable.sweep(path)
            durable.remove_tree(path / STAGING)
            durable.sweep(path / "ingest", lambda entry: True)
            if (path / "buckets").is_dir():
                _sweep_buckets(path / "buckets")
        except BaseException:
            os.close(self._descriptor)
            raise

    def bucket(self, origin: str) -> Bucket:
        """The origin's bucket, the same object each time; a bucket comes to exist on disk with its first write."""
        with self._lock:
            if self._closed:
                raise StoreClosedError("The store is closed")
            bucket = self._buckets.get(origin)
            if bucket is None:
                place = BucketPlace(origin, self._buckets_directory(), self._engines)
                bucket = Bucket(place, self._pool, self._reserve, self._housekeeping.watch)
                self._buckets[origin] = bucket
            return bucket

    def _buckets_directory(self) -> Path | None:
        return None if self.path is None else self.path / "buckets"

    def origins(self) -> list[str]:
        """The origins that hold something, sorted."""
        return [origin for origin in self.all_origins() if self.bucket(origin).totals().count]

    def all_origins(self) -> list[str]:
        """The origins that were ever written to or asked for, sorted; those that cannot be opened included."""
        with self._lock:
            known = set(self._buckets)
        return sorted(known | {origin for origin in self._stored().values() if origin is not None})

    def nameless_buckets(self) -> list[str]:
        """Directories whose file ``origin`` is lost or damaged; who asks for that origin still gets, and heals, it."""
        return sorted(name for name, origin in self._stored().items() if origin is None)

    def _stored(self) -> dict[str, str | None]:
        directory = self._buckets_directory()
        if directory is None or not directory.is_dir():
            return {}
        return {path.name: origin_of(path) for path in directory.iterdir() if is_announced(path)}

    @contextlib.contextmanager
    def replacement(self) -> Iterator[Home]:
        """A second, empty home, whose buckets take the place of this home's if the block ends without an exception.

        This home must hold nothing then. The bucket objects that were handed out before are closed.
        """
        staging = None if self.path is None else self.path / STAGING
        fresh = Home(staging, engines=self._engines, clock=self.clock, reserve_bytes=0)
        try:
            yield fresh
            if staging is None:
                self._take_over(fresh)
            else:
                fresh.close()
                with durable.translated("Cannot put the restored data in place"):
                    self._move_in(staging)
        finally:
            fresh.close()
            if staging is not None:
                with durable.translated("Cannot clear up"):
                    durable.remove_tree(staging)

    def _move_in(self, staging: Path) -> None:
        assert self.path is not None
        with self._lock:
            self._close_empty_buckets()
            if (staging / "buckets").is_dir():
                if (self.path / "buckets").exists():  # of origins that hold nothing any more
                    durable.rename(self.path / "buckets", staging / "replaced")
                durable.rename(staging / "buckets", self.path / "buckets")
                durable.fsync_path(self.path)

    def _close_empty_buckets(self) -> None:
        """Whoever holds one asks the home anew. Raises BackupError if something was written meanwhile; it stays."""
        buckets = list(self._buckets.values())
        self._buckets.clear()
        for bucket in buckets:
            bucket.close()
        if any(bucket.committed_count for bucket in buckets):
            raise BackupError("Something was written into the home meanwhile; it was kept, nothing was restored.")

    def _take_over(self, fresh: Home) -> None:
        """In memory the two homes exchange what they are made of."""
        with self._lock:
            if any(bucket.totals().count for bucket in self._buckets.values()):
                raise BackupError("Something was written into the home meanwhile; it was kept, nothing was restored.")
            self._buckets, fresh._buckets = fresh._buckets, self._buckets
            self._pool, fresh._pool = fresh._pool, self._pool
            self._housekeeping, fresh._housekeeping = fresh._housekeeping, self._housekeeping

    def ingest_directory(self) -> Path | None:
        """Where callers of the same user may stage files (mode 0700, swept at start); None in memory."""
        if self.path is None:
            return None
        directory = self.path / "ingest"
        with durable.translated(f"Cannot create {directory}"):
            durable.make_directory(directory)
        return directory

    def close(self) -> None:
        """Commits what is pending, frees everything and gives the directory up; idempotent."""
        with self._lock:
            self._closed = True
            buckets = list(self._buckets.values())
        self._housekeeping.stop()
        with contextlib.ExitStack() as stack:  # one that fails keeps the others from nothing
            stack.callback(self._release)
            stack.callback(self._pool.shutdown, wait=True)
            for bucket in buckets:
                stack.callback(bucket.close)

    def _abandon(self) -> None:
        """In a forked process, which has none of the threads: gives the directory up without a word to the disk."""
        self._closed = True
        for bucket in self._buckets.values():
            bucket.abandon()
        self._forget_lock()

    def _release(self) -> None:
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # for a forked child, too, that has not yet let go
        self._forget_lock()

    def _forget_lock(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _abandon_in_children(reference: weakref.ref[Home]) -> None:
    """A child that lives on would keep the lock from the next owner: it shares the parent's descriptor."""

    def abandon() -> None:
        home = reference()
        if home is not None:
            home._abandon()

    os.register_at_fork(after_in_child=abandon)


def _lock_file(path: Path) -> int:
    """LevelDB's own lock is lost as soon as the process opens and closes that file; this one has a file to itself."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise HomeInUseError(
            f"{path.parent} is in use" + (f" by process {owner}" if owner else ""),
            hint="One home has one owner: stop it, or use another home.",
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _check_format(path: Path) -> None:
    record = path / "format"
    if not record.exists():
        foreign = [name for name in (*OWN_DIRECTORIES, "reserve") if (path / name).exists()]
        if foreign:
            raise UnsupportedFormatError(
                f"{path} has a {foreign[0]}, but no format record: it is not a home of tfjsd, or a damaged one",
                hint="Nothing was touched. Choose another directory.",
            )
        durable.write_file(record, json.dumps({"format": HOME_FORMAT}).encode() + b"\n")
        return
    try:
        version = json.loads(record.read_bytes())["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnsupportedFormatError(f"{record} is not a format record; nothing was touched") from error
    if not isinstance(version, int) or not 1 <= version <= HOME_FORMAT:
        raise UnsupportedFormatError(
            f"{path} has format {version}; this version of tfjsd reads up to {HOME_FORMAT}",
            hint="Update tfjsd.",
        )


def _sweep_buckets(buckets: Path) -> None:
    """Removes buckets whose creation was cut off, and what was being staged."""
    durable.sweep(buckets, lambda entry: not is_announced(buckets / entry.name))
    for bucket in buckets.iterdir():
        FileBlobStore(bucket / "blobs").sweep()
        durable.sweep(bucket)
