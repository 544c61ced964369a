"""The backing store of one bucket: databases, their transactions' locks, and commits. No asyncio; thread-safe."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Literal, TypeVar

from ...errors import AbortError, StoreFailedError, TfjsdError
from ..abc import Durability
from ..browsers import Browser
from ..buckets import Bucket, Mutation
from .abc import BackingStore, FrontThread, OpenEvents, Reply
from .bucket_admission import BucketAdmission, Limit
from .commit import write_to
from .connection_request import ConnectionRequest, DeleteRequest, OpenRequest
from .database_catalogue import DatabaseCatalogue
from .database_deletion import drop_database
from .direct_job import DirectJob, DirectWork
from .direct_transaction import BackingTransaction
from .front_ends import FrontEnds
from .local_connection import ConnectionQueue, LocalConnection
from .local_transaction import READ_FROM_FAILED, LocalTransaction
from .lock_table import LockTable
from .reclaimer import Reclaimer
from .schema import DatabaseSchema
from .staging import Staging
from .transaction_view import IdSequence, TransactionView

T = TypeVar("T")


class IndexedDBBackingStore(BackingStore):
    """Executes what front ends decide; one for each bucket.

    ``limit`` gives the bytes that the bucket may hold (None: no limit); by default the browser's own fixed quota.
    """

    def __init__(self, bucket: Bucket, browser: Browser, *, limit: Limit | None = None) -> None:
        self.bucket = bucket
        self._browser = browser
        self.locks = LockTable(self.take_back_left_open)
        self.reclaimer = Reclaimer(bucket)
        self.staging = Staging(bucket.blobs)
        self.catalogue = DatabaseCatalogue(bucket)
        self.admission = BucketAdmission(bucket, browser, limit)
        self.mutex = threading.RLock()
        """Guards connections and live transactions; nothing of the bucket is touched while it is held."""
        self.last_commit: Future[None] | None = None
        self.live: set[LocalTransaction] = set()
        self.front_ends = FrontEnds(self.mutex, self._front_end_over)
        self._queues: dict[str, ConnectionQueue] = {}
        self._closed: BaseException | None = None
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._ids: IdSequence | None = None
        self._has_garbage = True  # what an earlier run left in the journal

    @property
    def browser(self) -> Browser:
        return self._browser

    def database_names(self) -> list[tuple[str, int]]:
        """Name and version of each database, in order of the names' code units. The version is 0 where the record is
        damaged: such a database cannot be opened, but deleted."""
        with self.bucket.locked():
            return [(name, self.catalogue.version(name)) for name in self.catalogue.names()]

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
        """Runs ``work`` as one transaction once the live ones on these stores are through, without blocking a thread.

        The result comes after the commit (``strict``: durable). ``work`` may put more changes of the bucket into
        ``tx.mutation``: they are the same atomic batch. A missing database is made by ``create`` (as version 1) in the
        same batch. What ``work`` raises rolls everything back and fails the future, NotFoundError where a store or,
        without ``create``, the database is missing. ``work`` runs under the bucket's mutex: it may not wait.

        Staged blobs in the values that ``work`` puts lose their pin with the outcome, whatever it is.
        """
        job = DirectJob(self, DirectWork(database, frozenset(stores), mode, work, durability, create))
        job.start()
        return job.future

    def read(self, database: str, stores: Sequence[str], work: Callable[[BackingTransaction], T]) -> T | None:
        """What ``work`` finds in the state of now (everything sequenced, nothing of a live transaction), without
        waiting; None where there is no such database. ``work`` runs under the bucket's mutex.

        Raises NotFoundError where a store is missing.
        """
        with self.bucket.locked():
            schema = self.catalogue.get(database)
            if schema is None:
                return None
            return work(BackingTransaction(self.view(), schema, "readonly", None, frozenset(stores), []))

    # -- For front ends --

    def open(self, name: str, version: int | None, events: OpenEvents, thread: FrontThread) -> None:
        self.front_ends.know(thread)
        self._ask(name, lambda queue: OpenRequest(queue, version, events, thread))

    def delete_database(self, name: str, events: OpenEvents, thread: FrontThread) -> None:
        self._ask(name, lambda queue: DeleteRequest(queue, events, thread))

    def databases(self, thread: FrontThread, reply: Reply) -> None:
        try:
            self._check_open()
            found = self.database_names()
        except TfjsdError as problem:
            reply(None, problem)
        else:
            reply(found, None)

    def _ask(self, name: str, request_to: Callable[[ConnectionQueue], ConnectionRequest]) -> None:
        with self.mutex:
            queue = self._queues.get(name)
            if queue is None:
                queue = self._queues[name] = ConnectionQueue(self, name)
            queue.append(request_to(queue))
        queue.go_on()

    def forget_if_idle(self, queue: ConnectionQueue) -> None:
        """A name that nobody uses takes no memory."""
        with self.mutex:
            if queue.is_idle and self._queues.get(queue.name) is queue:
                del self._queues[queue.name]

    def schema(self, name: str) -> DatabaseSchema | None:
        """The sequenced schema; not to be changed. Raises CorruptionError, AbortError once the store is closed."""
        self._check_open()
        with self.bucket.locked():
            return self.catalogue.get(name)

    def version(self, name: str) -> int:
        """0 where there is no such database, or its record is damaged. Raises AbortError once the store is closed."""
        self._check_open()
        with self.bucket.locked():
            return self.catalogue.version(name)

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed

    def remove_database(self, name: str) -> Future[None]:
        """Deletes the database; its locks are the caller's."""
        with self.bucket.mutate() as mutation:
            view = self.view()
            if drop_database(view, self.catalogue, name):
                self.write(mutation, view, name)
                self.replace_schema(mutation, name, None)
                self.admission.database_deleted()
                mutation.on_undo(self.abort_live)
        return mutation.future

    def subscribe(self, name: str, listener: Callable[[], None]) -> Callable[[], None]:
        """Tells of every commit that changes the database, whoever made it, until the returned function is called. The
        listener runs in the committing thread and must not block."""
        listeners = self._listeners.setdefault(name, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def abort_live(self) -> None:
        """A commit failed: transactions that may have read what it wrote cannot go on."""
        with self.mutex:
            live = list(self.live)
        for transaction in live:
            transaction.fail(StoreFailedError(READ_FROM_FAILED, outcome="unchanged"))

    def make_room(self) -> bool:
        """Reclaims what is dead already; whether there was any."""
        return self.reclaimer.reclaim_all()

    # -- For transactions --

    def view(self) -> TransactionView:
        """A transaction's view of the bucket."""
        return TransactionView(self.bucket, self.new_id)

    def write(self, mutation: Mutation, view: TransactionView, name: str) -> None:
        """The pending writes to a database become part of a mutation; in its block. Raises QuotaExceededError."""
        self._has_garbage |= view.left_garbage
        write_to(mutation, view, self._sequence(), self.admission.admit)
        for listener in self._listeners.get(name, ()):
            mutation.on_commit(listener)

    def replace_schema(self, mutation: Mutation, name: str, schema: DatabaseSchema | None) -> None:
        """The schema is another one from this mutation on, and what it was should the commit fail."""
        self.catalogue.replace(name, schema)
        mutation.on_undo(lambda: self.catalogue.forget(name))

    def after_commit(self) -> None:
        """Reclaims what a commit left dead."""
        if self._has_garbage:
            self._has_garbage = False
            self.reclaimer.wake()

    def take_back_left_open(self) -> None:
        """Somebody waits: what front ends have left open that are gone is in nobody's way any more."""
        for connection in self.front_ends.left_open():
            connection.abandon()

    def _front_end_over(self, thread: FrontThread, connections: list[LocalConnection]) -> None:
        problem = AbortError("The event loop has ended.")
        for connection in connections:
            connection.lose(problem)
        for queue in self._known_queues():
            queue.give_up(problem, thread)

    def _known_queues(self) -> list[ConnectionQueue]:
        with self.mutex:
            return list(self._queues.values())

    def close(self, problem: BaseException | None = None) -> None:
        """What is open is aborted, with ``problem`` or that the store was closed, and what runs in the background is
        stopped. The bucket is its owner's to close. Idempotent."""
        with self.mutex:
            ended = self._closed = self._closed or problem or AbortError("The store was closed.")
        for queue in self._known_queues():
            queue.give_up(ended)
        for connection in self.front_ends.end():
            connection.post(partial(connection.lose, ended))
        self.staging.close()
        self.reclaimer.stop()

    def _sequence(self) -> IdSequence:
        if self._ids is None:
            self._ids = IdSequence(self.bucket)
        return self._ids

    def new_id(self) -> int:
        """An id for a database or a place."""
        with self.bucket.locked():
            return self._sequence().take()
