"""Group commit: what waits in a bucket's queue goes into the engine in one batch, with one sync."""

from __future__ import annotations

import contextlib
import logging
from concurrent.futures import Executor

from ..errors import QuotaExceededError, StoreFailedError, TfjsdError
from .abc import BlobStore, WriteBatch
from .acknowledgement import announce
from .bucket_upkeep import Upkeep
from .catalogue import journal_key
from .changed_keys import ChangedKeys
from .commit_queue import CommitQueue, Group, replaced_by
from .engine_slot import EngineSlot
from .overlay import Overlay
from .reclaimer import Reclaimer

_log = logging.getLogger(__name__)


class Committer:
    """Commits the groups of its ``queue``, one at a time, and sees to what follows from the outcome."""

    def __init__(
        self,
        slot: EngineSlot,
        blobs: BlobStore,
        overlay: Overlay,
        changed_keys: ChangedKeys,
        reclaimer: Reclaimer,
        upkeep: Upkeep,
        pool: Executor,
    ) -> None:
        self._slot = slot
        self._blobs = blobs
        self._overlay = overlay
        self._changed_keys = changed_keys
        self._reclaimer = reclaimer
        self._upkeep = upkeep
        self.queue = CommitQueue(slot.mutex, pool, self._commit_waiting)
        self.failures = 0

    def _commit_waiting(self) -> bool:
        """Commits one group, in a thread of the pool; whether there may be another one."""
        with self._slot.io:
            with self._slot.mutex:
                if self.queue.finished():
                    return False
                group = self.queue.take()
            tried = len(group)
            error = self._try_commit(group)
            with self._slot.mutex:
                if error is None:
                    self._settle(group)
                else:
                    if isinstance(error, StoreFailedError) and error.outcome == "unknown":
                        self._slot.take_back(replaced_by(group))
                    group += self.queue.take()
                    self.failures += 1
                    self.undo(group)
        announce(group, tried, error)
        with self._slot.mutex:
            self.queue.settled(group)
        self._reclaimer.release(blob for entry in group for blob in entry.blobs)
        return True

    def _try_commit(self, group: Group) -> TfjsdError | None:
        try:
            self._commit(group)
        except TfjsdError as error:
            return error
        except Exception as error:  # noqa: BLE001 (the outermost frame of a thread: the callers must hear of it)
            _log.exception("%s: a commit failed unexpectedly", self._slot.origin)
            return StoreFailedError(f"The commit failed unexpectedly: {error!r}")
        return None

    def _commit(self, group: Group) -> None:
        strict = any(entry.durability == "strict" for entry in group)
        self._blobs.secure(blob.digest for entry in group for blob in entry.blobs)
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
        with self._slot.mutex:
            gone = self._reclaimer.take_gone()
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
        self._upkeep.note_commit()

    def undo(self, group: Group) -> None:
        """The group and all after it are void; under the mutex."""
        self._overlay.drop()
        self._changed_keys.note(None)
        for entry in reversed(group):
            for callback in reversed(entry.undo):
                callback()
