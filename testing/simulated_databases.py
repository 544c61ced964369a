"""The databases of a simulated browser's origin."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

from ..errors import AbortError, QuotaExceededError
from ..storage_backends.abc import Durability
from ..storage_backends.browsers import Browser
from ..storage_backends.buckets import Bucket
from ..storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from ..storage_backends.indexed_db.direct_job import DirectJob, DirectWork
from ..storage_backends.indexed_db.direct_transaction import BackingTransaction
from ..storage_backends.indexed_db.transaction_view import TransactionView
from ..storage_backends.mutation import Mutation
from .faults import Faults

T = TypeVar("T")


@dataclass(slots=True)
class Rehearsal:
    """A save that is tried out."""

    room: int
    """Bytes that are granted beyond the quota."""
    thread: int
    missing: int = 0
    """By how many bytes a write passed what it was granted."""

    def note(self, refusal: QuotaExceededError) -> None:
        assert refusal.needed is not None
        assert refusal.limit is not None
        self.missing = max(self.missing, refusal.needed - refusal.limit)


class SimulatedDatabases(IndexedDBBackingStore):
    """A backing store with faults on request, whose connections end with the browser's processes."""

    def __init__(
        self,
        bucket: Bucket,
        browser: Browser,
        faults: Faults,
        limit: Callable[[], int | None],
        removed: Callable[[], None],
    ) -> None:
        """``removed`` is told when a database was deleted."""
        super().__init__(bucket, browser, limit=self._admitted)
        self._faults = faults
        self._quota = limit
        self._removed = removed
        self._rehearsal: Rehearsal | None = None

    def transact(
        self,
        database: str,
        stores: Sequence[str],
        mode: Literal["readonly", "readwrite"],
        work: Callable[[BackingTransaction], T],
        *,
        durability: Durability = "strict",
        create: Callable[[BackingTransaction], None] | None = None,
    ) -> Future[T]:
        if not self._rehearses():
            return super().transact(database, stores, mode, work, durability=durability, create=create)
        job = DirectJob(self, DirectWork(database, frozenset(stores), mode, work, durability, create))
        job.start_at_once()
        return job.future

    def write(self, mutation: Mutation, view: TransactionView, name: str) -> None:
        if self._rehearsal is None:
            rules = self.browser
            refusal = QuotaExceededError(
                rules.bucket.record_message, unit="disk", interface=rules.web_storage.quota_interface
            )
            self._faults.check("indexeddb", refusal)
            super().write(mutation, view, name)
            return
        try:
            super().write(mutation, view, name)
        except QuotaExceededError as refusal:
            self._rehearsal.note(refusal)
            raise

    def after_commit(self) -> None:
        if not self._rehearses():
            super().after_commit()

    def remove_database(self, name: str) -> Future[None]:
        removal = super().remove_database(name)
        self._removed()
        return removal

    @contextmanager
    def rehearsal(self, room: int = 0) -> Iterator[Rehearsal]:
        """A block of this thread, inside one of the bucket, in which no fault counts anything, no lock is waited for,
        and the quota is larger by ``room``; gives what was refused."""
        rehearsal = Rehearsal(room, threading.get_ident())
        with self.admission.remembered():
            self._rehearsal = rehearsal
            try:
                yield rehearsal
            finally:
                self._rehearsal = None

    def disconnect(self) -> None:
        """Ends all connections, as the end of the pages does: open transactions are taken back."""
        self.close(AbortError("The page is gone."))

    def _rehearses(self) -> bool:
        """Whether this thread does: another one waits for the bucket's mutex before it changes anything."""
        rehearsal = self._rehearsal
        return rehearsal is not None and rehearsal.thread == threading.get_ident()

    def _admitted(self) -> int | None:
        quota = self._quota()
        return quota if quota is None or self._rehearsal is None else quota + self._rehearsal.room
