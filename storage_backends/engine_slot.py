"""The engine of one bucket: created on the first write, opened on demand, reopened after its first error."""

from __future__ import annotations

import logging
import time
from threading import Lock, RLock

from ..errors import CorruptionError, StoreFailedError, TfjsdError
from . import durable
from .abc import OrderedEngine, WriteBatch
from .bucket_place import BucketPlace
from .catalogue import COMMIT_KEY, Catalogue, journal_key
from .reserve import Reserve

DAMAGE_SECONDS = 5.0
"""Damage does not go away by itself: who asks again at once is told again, without another look at the files."""

_log = logging.getLogger(__name__)


class EngineSlot:
    """Writes are for the thread that holds ``io``; reads need the ``mutex``. Who waits for both takes ``io`` first.

    After an engine error nothing is acknowledged until the engine was closed, opened and its commit number read.
    """

    def __init__(self, place: BucketPlace, mutex: RLock, reserve: Reserve) -> None:
        self._place = place
        self.mutex = mutex
        self.io = Lock()
        self._reserve = reserve
        self.engine: OrderedEngine | None = None  # once it is open; to be read under the mutex
        self._poison: StoreFailedError | None = None
        self._damage: tuple[str, float] | None = None  # why opening is not tried again before a moment
        self._taken_back: dict[bytes, bytes | None] | None = None
        self.catalogue = Catalogue()  # the newest commit that was acknowledged
        self.durable_number = 0  # the newest one that is on stable storage
        self.is_known = not place.exists  # whether the catalogue was read

    @property
    def origin(self) -> str:
        return self._place.origin

    @property
    def is_in_memory(self) -> bool:
        return self._place.directory is None

    @property
    def exists(self) -> bool:
        return self._place.exists

    @property
    def is_open(self) -> bool:
        return self.engine is not None

    @property
    def may_be_late(self) -> bool:
        """Whether the engine is open and of a kind whose writes may be late."""
        return self.engine is not None and self.engine.may_be_late

    @property
    def relaxed_outstanding(self) -> bool:
        return self.durable_number < self.catalogue.number

    @property
    def can_be_reopened(self) -> bool:
        """Whether the disk has room for what an opening writes."""
        return self._reserve.has_room_for(self._place.reopening_size())

    def reader(self) -> OrderedEngine | None:
        """The engine, opened if need be; None for a bucket that does not exist. Under the mutex."""
        if self.engine is None and self._place.exists:
            self._open()
        return self.engine

    def _open(self) -> OrderedEngine:
        if self._damage is not None and time.monotonic() < self._damage[1]:
            raise CorruptionError(self._damage[0])
        try:
            engine, catalogue = self._place.open()
        except CorruptionError as error:
            self._damage = str(error), time.monotonic() + DAMAGE_SECONDS
            raise
        if catalogue.number < self.catalogue.number:
            engine.close()
            raise CorruptionError(
                f"{self.origin}: commit {self.catalogue.number} was acknowledged, the engine ends at "
                f"{catalogue.number}: records are lost"
            )
        if self._taken_back is not None and catalogue.number > self.catalogue.number:
            try:
                catalogue = self._put_back(engine, self._taken_back, catalogue.number + 1)
            except BaseException:
                engine.close()
                raise
        self._taken_back = None
        self.engine, self.catalogue, self._poison = engine, catalogue, None
        self.durable_number = catalogue.number  # opening writes the log anew as a synced table
        self.is_known = True
        return engine

    def take_back(self, before: dict[bytes, bytes | None]) -> None:
        """What to write, before anyone reads, if a group that failed with an unknown outcome turns out to be there.

        Its callers are being told that it failed, and what they keep in memory goes back.
        """
        self._taken_back = before

    def _put_back(self, engine: OrderedEngine, before: dict[bytes, bytes | None], number: int) -> Catalogue:
        catalogue = self.catalogue.numbered(number)
        batch = WriteBatch(list(before.items()))
        batch.put(COMMIT_KEY, catalogue.encode())
        engine.write(batch, sync=True)
        engine.sync()
        _log.warning("%s: a commit that had failed was there; it was taken back", self.origin)
        return catalogue

    def writer(self) -> OrderedEngine:
        """The engine for a write, created or recovered if need be; raises what keeps it from being written."""
        if self._poison is not None:
            self._reopen()
        if self.engine is None and not self._place.exists:
            engine = self._place.create()
            with self.mutex:
                self.engine, self._place.exists = engine, True
        with self.mutex:
            return self.engine or self._open()

    def commit(self, batch: WriteBatch, catalogue: Catalogue, *, strict: bool) -> None:
        """Writes a group with its commit record. Raises after the engine was recovered, saying what became of it."""
        try:
            if strict:
                self.sync()  # a log switch would leave a hole of relaxed commits before this batch
            engine = self.engine if self.engine is not None and self._poison is None else self.writer()
        except StoreFailedError as error:
            raise self._not_tried(error) from error
        batch.put(COMMIT_KEY, catalogue.encode())
        try:
            engine.write(batch, sync=strict)
        except StoreFailedError as error:
            self._settle_failure(error, catalogue)
        self._acknowledge(catalogue, is_durable=strict or self.is_in_memory)

    def _not_tried(self, error: StoreFailedError) -> TfjsdError:
        if error.disk_full:
            return durable.disk_full(self._place.directory)
        return StoreFailedError(f"{error} (this write was not tried)", outcome="unchanged")

    def _acknowledge(self, catalogue: Catalogue, *, is_durable: bool) -> None:
        with self.mutex:
            self.catalogue = catalogue
        if is_durable:
            self._note_durable(catalogue.number)

    def _note_durable(self, number: int) -> None:
        self.durable_number = max(number, self.durable_number)
        self._place.acknowledge(self.durable_number)

    def _settle_failure(self, error: StoreFailedError, catalogue: Catalogue) -> None:
        """Returns if the failed group turns out to be there, durably; raises if it is absent or nobody knows."""
        self._poison = error
        self._reopen()
        if self.catalogue.number >= catalogue.number:
            _log.warning("%s: a commit that reported an error is there", self.origin)
            return
        if error.disk_full:
            raise durable.disk_full(self._place.directory) from error
        raise StoreFailedError(f"{error} (the write failed, nothing was changed)", outcome="unchanged") from error

    def _reopen(self) -> None:
        """Closes and opens the engine and makes what it found durable; raises StoreFailedError where that fails.

        Where the disk has no room for it, the old handle stays open for reading. Nothing is written: on a full disk the
        compaction that an opening starts may fail at once, and with it all writes, which says nothing of what is there.
        """
        poison = self._poison
        assert poison is not None
        if poison.disk_full and not self._reserve.release(self._place.reopening_size()):
            raise poison
        _log.warning("%s: reopening the engine after: %s", self.origin, poison)
        acknowledged = self.catalogue
        with self.mutex:
            try:
                self._close_engine()
                self._open_with_reserve().sync()
            except (TfjsdError, OSError) as error:
                self._close_engine()
                self._poison, self.catalogue = poison, acknowledged
                raise StoreFailedError(f"{poison}; reopening failed: {error}", disk_full=poison.disk_full) from error
        self._acknowledge(self.catalogue, is_durable=True)
        self._reserve.restore_last()

    def _open_with_reserve(self) -> OrderedEngine:
        """LevelDB's compaction goes on until the old handle is closed, and may have filled what was released for it."""
        try:
            return self._open()
        except StoreFailedError as error:
            if not (error.disk_full and self._reserve.release(self._place.reopening_size())):
                raise
        return self._open()

    def forget_journal(self, digests: list[str]) -> None:
        """Deletes journal entries of blobs that are gone; needs no sync, a start would only look again."""
        batch = WriteBatch()
        for digest in digests:
            batch.delete(journal_key(digest))
        if digests and self.engine is not None and self._poison is None:
            self.engine.write(batch, sync=False)

    def sync(self) -> None:
        """Makes the relaxed commits durable. Raises StoreFailedError if the engine had to be reopened in vain."""
        engine = self.engine
        if engine is None or not self.relaxed_outstanding:
            return
        if self._poison is not None:
            self._reopen()  # which makes durable what it finds; a failed sync is never repeated
            return
        catalogue = self.catalogue
        try:
            engine.sync()
        except StoreFailedError as error:
            self._settle_failure(error, catalogue)
        self._note_durable(catalogue.number)

    def close(self) -> None:
        """Closes the engine; it opens again on demand. Under the mutex."""
        self._close_engine()
        self._place.close()

    def _close_engine(self) -> None:
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.close()
