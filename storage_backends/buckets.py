"""One origin's data: an engine, its blobs, and the order in which they change."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial

from ..errors import QuotaExceededError, StoreClosedError, StoreFailedError, TfjsdError
from .abc import BlobStore, Durability, OrderedEngine, WriteBatch
from .acknowledgement import announce
from .background import Background
from .bucket_place import BucketPlace
from .bucket_snapshot import BucketSnapshot
from .catalogue import Catalogue, Share, journal_key, reference_prefix, share_of
from .changed_keys import ChangedKeys
from .commit_queue import CommitQueue, Group, Sequenced, replaced_by
from .differences import Differences
from .engine_slot import EngineSlot
from .held_mutex import HeldMutex
from .mutation import Mutation
from .overlay import Overlay, merged
from .reclaimer import Reclaimer
from .rehearsal import RehearsalQueue
from .reserve import Reserve

__all__ = ["Bucket", "BucketSnapshot", "Mutation"]

RELAXED_SYNC_SECONDS = 0.8
IDLE_SECONDS = 60.0
SWEEP_SECONDS = 1.0
COMPACTED_BYTES = 8 << 20
"""LevelDB keeps the space of deleted records: so much, and a quarter of what is there, is worth a compaction."""

_SMALL = 4096

_log = logging.getLogger(__name__)


class Bucket:
    """Thread-safe. A mutex guards what is in memory and is never held across a sync.

    Reads see every sequenced mutation, committed or not. Nothing touches the disk before the first write.
    """

    def __init__(self, place: BucketPlace, pool: Executor, reserve: Reserve, wake: Callable[[Bucket], None]) -> None:
        self.origin = place.origin
        self.is_in_memory = place.directory is None
        self.blobs: BlobStore = place.blobs
        self._changed_keys = ChangedKeys()
        self.failures = 0
        """Commits that failed: who has read before and writes after the newest one has to check what it read."""
        self._place = place
        self._in_background = Background(pool, place.origin)
        self._reserve = reserve
        self._wake = wake
        self._mutex = self.mutex = threading.RLock()
        """What ``locked`` takes; by itself a little faster, for a block that calls no ``mutate``."""
        self._hold = HeldMutex(self._mutex)
        self._io = threading.Lock()
        self._slot = EngineSlot(place, self._mutex, reserve)
        self._overlay = Overlay()
        self._queue: CommitQueue = CommitQueue(self._mutex, pool, self._commit_waiting)
        self._last: Catalogue | None = None  # after the newest pending mutation
        self._late: dict[bytes, bytes] = {}  # what is in no engine yet, but in front of one that may be late
        self._reclaimer = Reclaimer(self.blobs, self._overlay, self._mutex)
        self._reclaiming = False
        self._reconciled = False
        self._garbage = 0  # bytes of values overwritten or deleted since the last compaction
        self._views: weakref.WeakSet[Iterator[tuple[bytes, bytes]]] = weakref.WeakSet()
        self._used_at = time.monotonic()
        self._relaxed_since: float | None = None
        self._is_short_of_space = False
        self._swept_at = 0.0
        self._is_watched = False
        self._closed = False
        self.blobs.on_unpinned(self._unpinned)

    # -- Reading -------------------------------------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        """The value that the newest sequenced mutation left, or None.

        Raises CorruptionError where the record is damaged and StoreFailedError where the bucket cannot be opened.
        """
        with self._mutex:
            if self._overlay:
                pending, value = self._overlay.lookup(key)
                if pending:
                    return value
            engine = self._engine()
            return None if engine is None else engine.get(key)

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None:
        """The first of the records that ``scan`` gives; costs less."""
        with self._mutex:
            if self._overlay:
                return next(self.scan(start, stop), None)
            engine = self._engine()
            return None if engine is None else engine.first(start, stop)

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Records with ``start <= key < stop`` in key order, or backwards, as they were at the call."""
        with self._mutex:
            engine = self._engine()
            changes = self._overlay.changes(start, stop)
            records = iter(()) if engine is None else engine.scan(start, stop, reverse=reverse)
            if engine is not None:
                self._views.add(records)
        return merged(records, changes, reverse=reverse)

    def snapshot(self) -> BucketSnapshot:
        """The state of now, until closed; keeps the files of the blobs it refers to."""
        with self._mutex:
            engine = self._engine()
            inner = None if engine is None else engine.snapshot()
            snapshot = BucketSnapshot(inner, self._overlay.copy(), self._newest(), self._snapshot_closed)
            self._reclaimer.snapshots.add(snapshot)
            return snapshot

    def bytes_used(self) -> int:
        """Keys and values, and blobs once for each reference, pending mutations included. Costs no read."""
        return self.totals().used

    def totals(self) -> Catalogue:
        """What the bucket holds, pending mutations included."""
        with self._mutex:
            self._check_open()
            if self._late or not self._slot.is_known:
                self._engine()
            return self._newest()

    @property
    def is_ready(self) -> bool:
        """Whether a small mutation can be sequenced at once: the engine is open, and not too much is pending."""
        return not self._closed and self._slot.is_open and self._queue.has_room()

    def keep_open(self) -> bool:
        """Counts as a use, so that the engine stays open. False, where it would have to be opened for the next read.
        Takes no lock."""
        self._used_at = time.monotonic()
        return not self._closed and (self._slot.is_open or not self._slot.exists)

    def open(self) -> None:
        """Opens the engine of a bucket that exists, unless it is open. Raises as ``get``."""
        with self._mutex:
            self._engine()

    @property
    def generation(self) -> int:
        """Grows with every change, and when changes are taken back."""
        return self._changed_keys.generation

    def changed_since(self, generation: int) -> set[bytes] | None:
        """The keys whose values may have changed since the bucket was at that generation; None: any may have."""
        with self._mutex:
            return self._changed_keys.since(generation)

    @property
    def committed_count(self) -> int:
        """How many records were committed, also after ``close``."""
        return self._slot.catalogue.count

    def _engine(self) -> OrderedEngine | None:
        if self._closed:
            self._check_open()
        self._used_at = time.monotonic()
        engine = self._slot.engine
        if engine is not None and not self._late:
            return engine
        was_open = engine is not None
        engine = self._slot.reader()
        if self._late and engine is not None:
            self._write_late(engine)
        if engine is not None and not was_open:
            self._wake(self)
            if not self._reconciled:
                self._reconciled = True
                self._in_background(self.reconcile)
        return engine

    def _newest(self) -> Catalogue:
        return self._last or self._slot.catalogue

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosedError("The store is closed")

    # -- Changing ------------------------------------------------------------------------------------------------------

    def locked(self) -> HeldMutex:
        """The mutex alone: what is read inside belongs together, and no blob that it names is removed meanwhile."""
        return self._hold

    @contextlib.contextmanager
    def mutate(self, durability: Durability = "strict", *, inline: bool = False) -> Iterator[Mutation]:
        """A change that is sequenced when the block ends, whole, and committed in the background.

        Holds the mutex for the block. If the block raises, nothing happened: undo callbacks run in reverse. The same
        goes for a commit that fails, and for every mutation sequenced after it. Blocks while too much is pending.

        With ``inline`` a mutation that no sync belongs to (relaxed, or in memory) is committed by the calling thread,
        before the ``with`` statement ends, where no other thread is committing: a hop costs more than the write. Its
        callbacks run in this thread then.
        """
        is_outermost = not self._hold.is_mine
        if is_outermost:
            self._queue.wait_for_room()
        needs_sync = durability == "strict" and self._place.directory is not None
        inline = inline and is_outermost and not needs_sync
        with self.locked():
            self._check_open()
            mutation = Mutation(self, durability)
            try:
                yield mutation
                is_mine = self._queue.append(self._sequenced(mutation), inline=inline)
            except BaseException as error:
                for callback in reversed(mutation.undo):
                    callback()
                for blob in mutation.referred:
                    self.blobs.redeem(blob)
                mutation.future.set_exception(error)
                raise
        if is_mine:
            self._queue.commit_here()

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Under the mutex, once nothing is pending: what the block changes is seen in it, and taken back at its end."""
        with self._queue.idle(), self.locked():
            ordinary, self._queue = self._queue, (queue := RehearsalQueue())
            try:
                yield
            finally:
                self._queue = ordinary
                self._fail(queue.group)
                self._release_blobs(queue.group)

    def put_alone(self, key: bytes, value: bytes, replaced: Share, durability: Durability) -> Share | None:
        """Commits one record of a medium at once, in the calling thread, in place of one whose share the caller knows.

        Returns the new record's share; None, with nothing done, where that is not possible. It is where no sync belongs
        to it (relaxed, or in memory), the bucket is open, and nothing is pending or being committed. Call it with the
        mutex held. Raises what Mutation.future would fail with; where the outcome is unknown, the caller has to say
        what to ``take_back``.
        """
        needs_sync = durability == "strict" and self._place.directory is not None
        is_free = not self._closed and self._slot.is_open and self._queue.is_idle
        if needs_sync or not is_free or not self._io.acquire(blocking=False):
            return None
        try:
            share = share_of(key, value)
            self._require_space()
            self._slot.commit(WriteBatch([(key, value)]), self._slot.catalogue.exchanged(replaced, share), strict=False)
            if self._relaxed_since is None:
                self._used_at = time.monotonic()
                self._note_outstanding()
        finally:
            self._io.release()
            self._changed_keys.note((key,))
        self._garbage += replaced[1]
        return share

    def put_late(self, key: bytes, value: bytes) -> bool:
        """``put_alone`` where the engine is of a kind that may be late: the record is written before anything else is
        read or changed. False, with nothing done, where that is not possible. Call it with the mutex held."""
        if self._closed or not self._slot.may_be_late or not self._queue.is_idle:
            return False
        self._late[key] = value
        self._changed_keys.note((key,))
        return True

    def _write_late(self, engine: OrderedEngine) -> None:
        late, self._late = self._late, {}
        catalogue = self._slot.catalogue.changed((key, engine.get(key), value) for key, value in late.items())
        self._slot.commit(WriteBatch(list(late.items())), catalogue.numbered(catalogue.number + 1), strict=False)

    def take_back(self, before: dict[bytes, bytes | None]) -> None:
        """What to restore if a ``put_alone`` that failed with an unknown outcome turns out to be there."""
        self._slot.take_back(before)

    def _sequenced(self, mutation: Mutation) -> Sequenced:
        engine = self._engine()  # with which the totals so far are known
        get = self.get if engine is None or self._overlay else engine.get
        found = Differences.of(mutation.writes, mutation.before, get)
        self._check_references(mutation)
        self._journal(mutation, found)
        catalogue, changes = found.applied_to(self._newest()), found.changes
        entry = Sequenced(
            changes, found.before, catalogue.numbered(catalogue.number + 1), mutation.durability, mutation.future
        )
        entry.size = found.size
        entry.frees_space = None in changes.values() and entry.size < _SMALL
        self._garbage += found.replaced_size
        if changes and not entry.frees_space:
            self._require_space()
        entry.undo, entry.committed, entry.blobs = mutation.undo, mutation.committed, mutation.referred
        for blob in entry.blobs:
            self.blobs.pin(blob.digest)
        for digest in mutation.released:
            self._reclaimer.propose(digest, entry.catalogue.number)
        self._overlay.add(entry.catalogue.number, changes)
        self._last = entry.catalogue
        self._changed_keys.note(changes)
        return entry

    def _require_space(self) -> None:
        """Raises QuotaExceededError where the disk is full. It may be full of what compactions have left that failed,
        which LevelDB removes only when it is opened again: housekeeping sees to that."""
        try:
            self._reserve.ensure()
        except QuotaExceededError:
            self._is_short_of_space = True
            self._wake(self)
            raise

    def _check_references(self, mutation: Mutation) -> None:
        for blob in mutation.referred:
            if not self.is_needed(blob.digest):
                raise StoreFailedError(f"blob {blob.digest} is neither staged nor referred to", outcome="unchanged")

    def is_needed(self, digest: str) -> bool:
        """Whether a reference or a pin keeps the blob."""
        with self._mutex:
            return self.blobs.is_pinned(digest) or self._is_referred(digest)

    def is_leaving(self, digest: str) -> bool:
        """Whether the blob goes, unless it is needed again, once the sync of a relaxed commit or a snapshot allows."""
        with self._mutex:
            return self._reclaimer.is_proposed(digest)

    def _is_referred(self, digest: str) -> bool:
        return next(self.scan(*reference_prefix(digest)), None) is not None

    def _journal(self, mutation: Mutation, found: Differences) -> None:
        """A digest that loses its last reference is journaled in the batch that takes it away."""
        for blob in mutation.referred:
            found.note(journal_key(blob.digest), self.get(journal_key(blob.digest)), None)
        for digest in set(mutation.released):
            if next(mutation.scan(*reference_prefix(digest)), None) is None:
                found.note(journal_key(digest), self.get(journal_key(digest)), b"")

    # -- Committing ----------------------------------------------------------------------------------------------------

    def _commit_waiting(self) -> bool:
        """Commits one group, in a thread of the pool; whether there may be another one."""
        with self._io:
            with self._mutex:
                if self._queue.finished():
                    return False
                group = self._queue.take()
            tried = len(group)
            error = self._try_commit(group)
            with self._mutex:
                if error is None:
                    self._settle(group)
                else:
                    if isinstance(error, StoreFailedError) and error.outcome == "unknown":
                        self._slot.take_back(replaced_by(group))
                    group += self._queue.take()
                    self.failures += 1
                    self._fail(group)
        announce(group, tried, error)
        with self._mutex:
            self._queue.settled(group)
        self._release_blobs(group)
        return True

    def _try_commit(self, group: Group) -> TfjsdError | None:
        try:
            self._commit(group)
        except TfjsdError as error:
            return error
        except Exception as error:  # noqa: BLE001 (the outermost frame of a thread: the callers must hear of it)
            _log.exception("%s: a commit failed unexpectedly", self.origin)
            return StoreFailedError(f"The commit failed unexpectedly: {error!r}")
        return None

    def _commit(self, group: Group) -> None:
        strict = any(entry.durability == "strict" for entry in group)
        self.blobs.secure(blob.digest for entry in group for blob in entry.blobs)
        if not any(entry.changes for entry in group):
            if strict:
                self._slot.sync()
            return
        # What frees space goes through with the space that a recovery has released, if need be at the third attempt.
        for _ in range(2 if all(entry.frees_space for entry in group) else 0):
            with contextlib.suppress(QuotaExceededError):
                self._slot.commit(self._batch(group), group[-1].catalogue, strict=strict)
                return
        self._slot.commit(self._batch(group), group[-1].catalogue, strict=strict)

    def _batch(self, group: Group) -> WriteBatch:
        batch = WriteBatch()
        with self._mutex:
            gone, self._reclaimer.gone = self._reclaimer.gone, []
        for digest in gone:
            batch.delete(journal_key(digest))
        for entry in group:
            batch.operations.extend(entry.changes.items())
        return batch

    def _settle(self, group: Group) -> None:
        """The group is in the engine; under the mutex."""
        number = group[-1].catalogue.number
        for entry in group:
            self._overlay.settle(number, entry.changes)
        if self._last is not None and self._last.number <= number:
            self._last = None
        self._note_outstanding()

    def _note_outstanding(self) -> None:
        """After a commit: sees to it that relaxed ones are synced in time, garbage is compacted, and an engine that is
        used no more is closed; under the mutex."""
        due = not self._is_watched or self._garbage >= COMPACTED_BYTES
        if self._slot.relaxed_outstanding and self._relaxed_since is None:
            self._relaxed_since, due = time.monotonic(), True
        elif not self._slot.relaxed_outstanding:
            self._relaxed_since = None
        if due:
            self._is_watched = True
            self._wake(self)

    def _fail(self, group: Group) -> None:
        """The group and all after it are void; under the mutex."""
        self._overlay.drop()
        self._last = None
        self._changed_keys.note(None)
        for entry in reversed(group):
            for callback in reversed(entry.undo):
                callback()

    def _release_blobs(self, group: Group) -> None:
        for entry in group:
            for blob in entry.blobs:
                self.blobs.unpin(blob.digest)
                self.blobs.redeem(blob)
        self._schedule_reclaim()

    # -- Blobs that nothing needs --------------------------------------------------------------------------------------

    def _unpinned(self, digest: str) -> None:
        with self._mutex:
            if not self._closed and not self._is_kept(digest):
                self._reclaimer.propose(digest, self._newest().number)
        self._schedule_reclaim()

    def _is_kept(self, digest: str) -> bool:
        """Whether a reference keeps the blob for now: whatever takes that back, a later mutation or the failure of the
        one that made it, proposes the blob anew."""
        try:
            return self._slot.is_open and self._is_referred(digest)
        except TfjsdError:  # somebody who reads this for its own sake hears of it
            return False

    def _schedule_reclaim(self) -> None:
        with self._mutex:
            if self._reclaiming or self._closed or not self._reclaimer.has_proposals:
                return
            self._reclaiming = True
            self._in_background(self._reclaim)

    def _reclaim(self) -> None:
        with self._mutex:
            self._reclaiming = False
            if self._closed:
                return
            ready = self._reclaimer.ready(self._engine(), self._slot.durable_number)
        self._reclaimer.remove(ready)

    def _snapshot_closed(self, snapshot: BucketSnapshot) -> None:
        with self._mutex:
            self._reclaimer.snapshots.discard(snapshot)
        self._schedule_reclaim()

    def reconcile(self) -> None:
        """Removes the files of blobs that nothing refers to, such as a killed process leaves."""
        with self._mutex:
            if self._closed:
                return
            engine = self._engine()
            if engine is not None:
                self._reclaimer.propose_all(engine, self._newest().number)
            ready = self._reclaimer.ready(engine, self._slot.durable_number)
        self._reclaimer.remove(ready)

    # -- Keeping house -------------------------------------------------------------------------------------------------

    def tidy(self) -> float | None:
        """Syncs relaxed commits that are due and closes an idle engine; seconds until the next call, None if never."""
        with self._mutex:
            if self._closed or not self._slot.is_open:
                self._is_watched = False
                return None
            relaxed_since = self._relaxed_since
        if relaxed_since is not None:
            if (rest := relaxed_since + RELAXED_SYNC_SECONDS - time.monotonic()) > 0:
                return rest
            self._sync_relaxed()
        self._compact_if_due()
        return self._close_idle()

    def _compact_if_due(self) -> None:
        with self._mutex:
            engine = self._slot.reader() if self._slot.is_open else None
            if engine is None or self._garbage < max(COMPACTED_BYTES, self._newest().bytes_used // 4):
                return
            self._garbage = 0
        self._in_background(partial(engine.compact, b"", b"\xff" * 16))

    def _sync_relaxed(self) -> None:
        with self._io:
            self._relaxed_since = None
            self._slot.sync()
        self._schedule_reclaim()

    def _close_idle(self) -> float | None:
        if self._place.directory is None:
            return None
        if (rest := self._seconds_to_close()) > 0:
            return rest
        with self._io, self._mutex:
            rest = self._seconds_to_close()
            if rest > 0 or not self._queue.is_idle or self._views or self._reclaimer.snapshots:
                return max(rest, 1.0)
            self._is_short_of_space, self._swept_at = False, time.monotonic()
            self._close_engine()
            self._is_watched = False
            return None

    def _seconds_to_close(self) -> float:
        """Until the engine is closed; the next access opens it again."""
        if self._is_short_of_space and self._slot.can_be_reopened:
            return self._swept_at + SWEEP_SECONDS - time.monotonic()
        return self._used_at + IDLE_SECONDS - time.monotonic()

    def close(self) -> None:
        """Commits what is pending and frees the engine; idempotent."""
        self._queue.wait_idle()
        with self._io, self._mutex:
            if not self._closed:
                self._closed = True
                self._close_engine()

    def abandon(self) -> None:
        """In a forked process: says that it is closed, and leaves the engine to the parent."""
        self._closed = True

    def _close_engine(self) -> None:
        try:
            self._slot.sync()
            self._slot.forget_journal(self._reclaimer.gone)
        finally:
            self._reclaimer.gone = []
            self._slot.close()
