"""The databases of a simulated browser's origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from ..errors import AbortError, QuotaExceededError
from ..storage_backends.browsers import Browser
from ..storage_backends.buckets import Bucket
from ..storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from ..storage_backends.indexed_db.transaction_view import TransactionView
from ..storage_backends.mutation import Mutation
from .faults import Faults


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
        self._is_rehearsing = False

    def write(self, mutation: Mutation, view: TransactionView) -> None:
        if not self._is_rehearsing:
            rules = self.browser
            refusal = QuotaExceededError(
                rules.bucket.record_message, unit="disk", interface=rules.web_storage.quota_interface
            )
            self._faults.check("indexeddb", refusal)
        super().write(mutation, view)

    def remove_database(self, name: str) -> Future[None]:
        removal = super().remove_database(name)
        self._removed()
        return removal

    @contextmanager
    def rehearsal(self) -> Iterator[int]:
        """In the block every growth is refused; gives the bytes that the bucket holds, with which the error's
        ``needed`` is to be compared."""
        self._is_rehearsing = True
        try:
            yield self.bucket.bytes_used()
        finally:
            self._is_rehearsing = False

    def disconnect(self) -> None:
        """Ends all connections, as the end of the pages does: open transactions are taken back."""
        with self.mutex:
            connections = [each for queue in self._queues.values() for each in queue.others(None)]
            live = list(self.live)
        for transaction in live:
            transaction.fail(AbortError("The page is gone."))
        for connection in connections:
            events = connection.events
            if events is not None:
                connection.post(lambda events=events: events.lost(AbortError("The page is gone.")))  # type: ignore[misc]
            connection.close()
        self.close()

    def _admitted(self) -> int | None:
        return -1 if self._is_rehearsing else self._quota()
