"""The end of a blob's life: its file goes when nothing needs it any more, and never earlier.

Nothing needs it when no reference record is left in the committed state, none is pending, it is not pinned, a sync has
covered the commit that took the last reference away, and no snapshot is older than that commit.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable

from ..errors import TfjsdError
from .abc import Blob, BlobStore, OrderedEngine
from .background import Background
from .bucket_snapshot import BucketSnapshot
from .catalogue import JOURNAL, following, reference_prefix, referred_digest
from .engine_slot import EngineSlot
from .overlay import Overlay, merged


class Reclaimer:
    """Proposals wait here until they are ready; ``open_engine`` is the bucket's, under the mutex."""

    def __init__(
        self,
        slot: EngineSlot,
        blobs: BlobStore,
        overlay: Overlay,
        in_background: Background,
        open_engine: Callable[[], OrderedEngine | None],
    ) -> None:
        self.snapshots: weakref.WeakSet[BucketSnapshot] = weakref.WeakSet()  # the live ones
        self._slot = slot
        self._blobs = blobs
        self._overlay = overlay
        self._in_background = in_background
        self._open_engine = open_engine
        self._proposed: dict[str, int] = {}
        self._gone: list[str] = []  # removed files whose journal entry is still to be deleted
        self._is_scheduled = False
        self._has_reconciled = False
        self._closed = False
        blobs.on_unpinned(self._unpinned)

    def is_proposed(self, digest: str) -> bool:
        """Under the mutex."""
        return digest in self._proposed

    def propose(self, digest: str, number: int) -> None:
        """The blob may have lost its last reference in mutation ``number`` or an earlier one; under the mutex."""
        self._proposed[digest] = max(number, self._proposed.get(digest, 0))

    def release(self, blobs: Iterable[Blob]) -> None:
        """Those that a mutation referred to, once its outcome is known."""
        for blob in blobs:
            self._blobs.unpin(blob.digest)
            self._blobs.redeem(blob)
        self.schedule()

    def take_gone(self) -> list[str]:
        """The removed blobs whose journal entries the caller deletes; under the mutex."""
        gone, self._gone = self._gone, []
        return gone

    def schedule(self) -> None:
        """Removes in the background what nothing needs."""
        with self._slot.mutex:
            if self._is_scheduled or self._closed or not self._proposed:
                return
            self._is_scheduled = True
            self._in_background(self._reclaim)

    def reconcile(self) -> None:
        """Removes the files of blobs that nothing refers to, such as a killed process leaves."""
        with self._slot.mutex:
            if self._closed:
                return
            engine = self._open_engine()
            if engine is not None:
                self._propose_all(engine)
            ready = self._ready(engine)
        self._remove(ready)

    def reconcile_once(self) -> None:
        """In the background, the first time that it is called; under the mutex."""
        if not self._has_reconciled:
            self._has_reconciled = True
            self._in_background(self.reconcile)

    def close(self) -> None:
        """Nothing is removed any more."""
        self._closed = True

    def snapshot_closed(self, snapshot: BucketSnapshot) -> None:
        with self._slot.mutex:
            self.snapshots.discard(snapshot)
        self.schedule()

    def _unpinned(self, digest: str) -> None:
        with self._slot.mutex:
            if not self._closed and not self._is_kept(digest):
                self.propose(digest, self._newest_number)
        self.schedule()

    def _is_kept(self, digest: str) -> bool:
        """Whether a reference keeps the blob for now: whatever takes that back, a later mutation or the failure of the
        one that made it, proposes the blob anew."""
        engine = self._slot.engine
        if engine is None:
            return False
        start, stop = reference_prefix(digest)
        try:
            references = merged(engine.scan(start, stop), self._overlay.changes(start, stop))
            return next(references, None) is not None
        except TfjsdError:  # somebody who reads this for its own sake hears of it
            return False

    @property
    def _newest_number(self) -> int:
        return self._overlay.totals(self._slot.catalogue).number

    def _reclaim(self) -> None:
        with self._slot.mutex:
            self._is_scheduled = False
            if self._closed:
                return
            ready = self._ready(self._open_engine())
        self._remove(ready)

    def _propose_all(self, engine: OrderedEngine) -> None:
        """After a start: what the journal names and every file there is."""
        for key, _ in engine.scan(JOURNAL, following(JOURNAL)):
            self.propose(referred_digest(key), self._newest_number)
        for digest, _ in self._blobs.digests():
            self.propose(digest, self._newest_number)

    def _ready(self, engine: OrderedEngine | None) -> list[str]:
        """Marks and returns what nothing needs; it is proposed no longer. One that is pinned is proposed anew later."""
        durable_number = self._slot.durable_number
        limit = min((snapshot.number for snapshot in self.snapshots), default=durable_number)
        due = [digest for digest, number in self._proposed.items() if number <= min(limit, durable_number)]
        for digest in due:
            del self._proposed[digest]
        free = [digest for digest in due if not self._is_referred(engine, digest)]
        return [digest for digest in free if self._blobs.condemn(digest)]

    def _remove(self, digests: list[str]) -> None:
        """Unlinks what is still marked; takes the mutex only in between. What fails is proposed anew."""
        while digests:
            try:
                removed = self._blobs.reclaim(digests[-1])
            except TfjsdError:
                with self._slot.mutex:
                    for digest in digests:
                        self.propose(digest, 0)
                raise
            digest = digests.pop()
            if removed:
                with self._slot.mutex:
                    self._gone.append(digest)

    def _is_referred(self, engine: OrderedEngine | None, digest: str) -> bool:
        # Not through the overlay: a pending removal can still fail.
        start, stop = reference_prefix(digest)
        if any(value is not None for _, value in self._overlay.changes(start, stop)):
            return True
        return engine is not None and next(engine.scan(start, stop), None) is not None
