"""One origin's data: an engine, its blobs, and the order in which they change."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial

from ..errors import StoreClosedError, StoreFailedError
from .abc import BlobStore, Durability, OrderedEngine, WriteBatch
from .background import Background
from .bucket_place import BucketPlace
from .bucket_snapshot import BucketSnapshot
from .bucket_upkeep import Upkeep
from .catalogue import Catalogue, Share, journal_key, reference_prefix, share_of
from .changed_keys import ChangedKeys
from .commit_queue import Sequenced
from .committer import Committer
from .differences import Differences
from .engine_slot import EngineSlot
from .held_mutex import HeldMutex
from .mutation import Mutation
from .overlay import Overlay, merged
from .reclaimer import Reclaimer
from .rehearsal import RehearsalQueue
from .reserve import Reserve

__all__ = ["Bucket", "BucketSnapshot", "Mutation"]

_SMALL = 4096


class Bucket:
    """Thread-safe. A mutex guards what is in memory and is never held across a sync.

    Reads see every sequenced mutation, committed or not. Nothing touches the disk before the first write.
    """

    def __init__(self, place: BucketPlace, pool: Executor, reserve: Reserve, wake: Callable[[Bucket], None]) -> None:
        self.origin = place.origin
        self.is_in_memory = place.directory is None
        self.blobs: BlobStore = place.blobs
        self._mutex = self.mutex = threading.RLock()
        """What ``locked`` takes; by itself a little faster, for a block that calls no ``mutate``."""
        self._hold = HeldMutex(self._mutex)
        self._slot = EngineSlot(place, self._mutex, reserve)
        self._overlay = Overlay()
        self._changed_keys = ChangedKeys()
        self._late: dict[bytes, bytes] = {}  # what is in no engine yet, but in front of one that may be late
        self._views: weakref.WeakSet[Iterator[tuple[bytes, bytes]]] = weakref.WeakSet()
        self._closed = False
        self._in_background = Background(pool, place.origin)
        self._reclaimer = Reclaimer(self._slot, self.blobs, self._overlay, self._in_background, self._engine)
        self._upkeep = Upkeep(
            self._slot,
            self._overlay,
            self._reclaimer,
            reserve,
            self._in_background,
            wake=partial(wake, self),
            is_in_use=self._is_in_use,
        )
        self._committer = Committer(
            self._slot, self.blobs, self._overlay, self._changed_keys, self._reclaimer, self._upkeep, pool
        )
        self._queue = self._committer.queue

    # -- Reading -------------------------------------------------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        """The value that the newest sequenced mutation left, or None.

        Raises CorruptionError where the record is damaged and StoreFailedError where the bucket cannot be opened.
        """
        with self._mutex:
            if key in self._overlay.pending:
                return self._overlay.pending[key]
            engine = self._engine()
            return None if engine is None else engine.get(key)

    def first(self, start: bytes, stop: bytes | None) -> tuple[bytes, bytes] | None:
        """The first of the records that ``scan`` gives; costs less."""
        with self._mutex:
            if self._overlay.pending:
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
            snapshot = BucketSnapshot(inner, self._overlay.copy(), self._newest(), self._reclaimer.snapshot_closed)
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
        self._upkeep.used_at = time.monotonic()
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
    def failures(self) -> int:
        """Commits that failed: who has read before and writes after the newest one has to check what it read."""
        return self._committer.failures

    @property
    def committed_count(self) -> int:
        """How many records were committed, also after ``close``."""
        return self._slot.catalogue.count

    def _engine(self) -> OrderedEngine | None:
        if self._closed:
            self._check_open()
        self._upkeep.used_at = time.monotonic()
        engine = self._slot.engine
        if engine is not None and not self._late:
            return engine
        was_open = engine is not None
        engine = self._slot.reader()
        if self._late and engine is not None:
            self._write_late(engine)
        if engine is not None and not was_open:
            self._upkeep.note_opening()
            self._reclaimer.reconcile_once()
        return engine

    def _newest(self) -> Catalogue:
        return self._overlay.totals(self._slot.catalogue)

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
        needs_sync = durability == "strict" and not self.is_in_memory
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
                self._committer.undo(queue.group)
                self._reclaimer.release(blob for entry in queue.group for blob in entry.blobs)

    def put_alone(self, key: bytes, value: bytes, replaced: Share, durability: Durability) -> Share | None:
        """Commits one record of a medium at once, in the calling thread, in place of one whose share the caller knows.

        Returns the new record's share; None, with nothing done, where that is not possible. It is where no sync belongs
        to it (relaxed, or in memory), the bucket is open, and nothing is pending or being committed. Call it with the
        mutex held. Raises what Mutation.future would fail with; where the outcome is unknown, the caller has to say
        what to ``take_back``.
        """
        needs_sync = durability == "strict" and not self.is_in_memory
        is_free = not self._closed and self._slot.is_open and self._queue.is_idle
        if needs_sync or not is_free or not self._slot.io.acquire(blocking=False):
            return None
        try:
            share = share_of(key, value)
            self._upkeep.require_space()
            self._slot.commit(WriteBatch([(key, value)]), self._slot.catalogue.exchanged(replaced, share), strict=False)
            if self._upkeep.relaxed_since is None:
                self._upkeep.used_at = time.monotonic()
                self._upkeep.note_commit()
        finally:
            self._slot.io.release()
            self._changed_keys.note((key,))
        self._upkeep.garbage += replaced[1]
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
        get = self.get if engine is None or self._overlay.pending else engine.get
        found = Differences.of(mutation.writes, mutation.before, get)
        self._check_references(mutation)
        self._journal(mutation, found)
        catalogue, changes = found.applied_to(self._newest()), found.changes
        entry = Sequenced(
            changes, found.before, catalogue.numbered(catalogue.number + 1), mutation.durability, mutation.future
        )
        entry.size = found.size
        entry.frees_space = None in changes.values() and entry.size < _SMALL
        self._upkeep.garbage += found.replaced_size
        if changes and not entry.frees_space:
            self._upkeep.require_space()
        entry.undo, entry.committed, entry.blobs = mutation.undo, mutation.committed, mutation.referred
        for blob in entry.blobs:
            self.blobs.pin(blob.digest)
        for digest in mutation.released:
            self._reclaimer.propose(digest, entry.catalogue.number)
        self._overlay.add(entry.catalogue, changes)
        self._changed_keys.note(changes)
        return entry

    def _check_references(self, mutation: Mutation) -> None:
        for blob in mutation.referred:
            if not self.is_needed(blob.digest):
                raise StoreFailedError(f"blob {blob.digest} is neither staged nor referred to", outcome="unchanged")

    def _journal(self, mutation: Mutation, found: Differences) -> None:
        """A digest that loses its last reference is journaled in the batch that takes it away."""
        for blob in mutation.referred:
            found.note(journal_key(blob.digest), self.get(journal_key(blob.digest)), None)
        for digest in set(mutation.released):
            if next(mutation.scan(*reference_prefix(digest)), None) is None:
                found.note(journal_key(digest), self.get(journal_key(digest)), b"")

    # -- Blobs and the engine ------------------------------------------------------------------------------------------

    def is_needed(self, digest: str) -> bool:
        """Whether a reference or a pin keeps the blob."""
        with self._mutex:
            return self.blobs.is_pinned(digest) or next(self.scan(*reference_prefix(digest)), None) is not None

    def is_leaving(self, digest: str) -> bool:
        """Whether the blob goes, unless it is needed again, once the sync of a relaxed commit or a snapshot allows."""
        with self._mutex:
            return self._reclaimer.is_proposed(digest)

    def reconcile(self) -> None:
        """Removes the files of blobs that nothing refers to, such as a killed process leaves."""
        self._reclaimer.reconcile()

    def tidy(self) -> float | None:
        """Does what falls due after some time; seconds until the next call, None if never."""
        return self._upkeep.tidy()

    def _is_in_use(self) -> bool:
        return not self._queue.is_idle or bool(self._views) or bool(self._reclaimer.snapshots)

    def close(self) -> None:
        """Commits what is pending and frees the engine; idempotent."""
        self._queue.wait_idle()
        with self._slot.io, self._mutex:
            if not self._closed:
                self._closed = True
                self._reclaimer.close()
                self._upkeep.close_engine()

    def abandon(self) -> None:
        """In a forked process: says that it is closed, and leaves the engine to the parent."""
        self._closed = True
        self._reclaimer.close()
