"""The end of a blob's life: its file goes when nothing needs it any more, and never earlier.

Nothing needs it when no reference record is left in the committed state, none is pending, it is not pinned, a sync has
covered the commit that took the last reference away, and no snapshot is older than that commit.
"""

from __future__ import annotations

import weakref
from threading import RLock

from ..errors import TfjsdError
from .abc import BlobStore, OrderedEngine
from .bucket_snapshot import BucketSnapshot
from .catalogue import JOURNAL, following, reference_prefix, referred_digest
from .overlay import Overlay


class Reclaimer:
    """Proposals wait here until they are ready; the bucket's mutex guards all but ``remove``."""

    def __init__(self, blobs: BlobStore, overlay: Overlay, mutex: RLock) -> None:
        self.snapshots: weakref.WeakSet[BucketSnapshot] = weakref.WeakSet()  # the live ones
        self._mutex = mutex
        self._blobs = blobs
        self._overlay = overlay
        self._proposed: dict[str, int] = {}
        self.gone: list[str] = []  # removed files whose journal entry is still to be deleted

    @property
    def has_proposals(self) -> bool:
        return bool(self._proposed)

    def is_proposed(self, digest: str) -> bool:
        return digest in self._proposed

    def propose(self, digest: str, number: int) -> None:
        """The blob may have lost its last reference in mutation ``number`` or an earlier one."""
        self._proposed[digest] = max(number, self._proposed.get(digest, 0))

    def propose_all(self, engine: OrderedEngine, number: int) -> None:
        """After a start: what the journal names and every file there is."""
        for key, _ in engine.scan(JOURNAL, following(JOURNAL)):
            self.propose(referred_digest(key), number)
        for digest, _ in self._blobs.digests():
            self.propose(digest, number)

    def ready(self, engine: OrderedEngine | None, durable_number: int) -> list[str]:
        """Marks and returns what nothing needs; it is proposed no longer. One that is pinned is proposed anew later."""
        limit = min((snapshot.number for snapshot in self.snapshots), default=durable_number)
        due = [digest for digest, number in self._proposed.items() if number <= min(limit, durable_number)]
        for digest in due:
            del self._proposed[digest]
        free = [digest for digest in due if not self._is_referred(engine, digest)]
        return [digest for digest in free if self._blobs.condemn(digest)]

    def remove(self, digests: list[str]) -> None:
        """Unlinks what is still marked; takes the mutex only in between. What fails is proposed anew."""
        while digests:
            try:
                removed = self._blobs.reclaim(digests[-1])
            except TfjsdError:
                with self._mutex:
                    for digest in digests:
                        self.propose(digest, 0)
                raise
            digest = digests.pop()
            if removed:
                with self._mutex:
                    self.gone.append(digest)

    def _is_referred(self, engine: OrderedEngine | None, digest: str) -> bool:
        # Not through the overlay: a pending removal can still fail.
        start, stop = reference_prefix(digest)
        if any(value is not None for _, value in self._overlay.changes(start, stop)):
            return True
        return engine is not None and next(engine.scan(start, stop), None) is not None
