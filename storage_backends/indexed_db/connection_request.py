"""Requests to open or delete a database, in the steps of the specification."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import TfjsdError, VersionError
from .abc import FrontThread, OpenEvents
from .local_connection import ConnectionQueue, LocalConnection
from .local_transaction import LocalTransaction
from .lock_table import Claim
from .schema import DatabaseSchema

if TYPE_CHECKING:
    from .backing_store import IndexedDBBackingStore


class VersionTooLowError(VersionError):
    """The existing version and the one that was asked for; the front end says it in its browser's words."""

    def __init__(self, requested: int, existing: int) -> None:
        super().__init__(f"The requested version ({requested}) is less than the existing version ({existing}).")
        self.requested = requested
        self.existing = existing


class ConnectionRequest(ABC):
    """What both have in common: other connections are asked to close, and waited for."""

    def __init__(self, queue: ConnectionQueue, events: OpenEvents, thread: FrontThread) -> None:
        self._queue = queue
        self._events = events
        self.thread = thread
        self._own: LocalConnection | None = None
        self._old = 0
        self._new: int | None = None
        self._unheard = 0
        self._is_waiting = False

    @property
    def _store(self) -> IndexedDBBackingStore:
        return self._queue.store

    @abstractmethod
    def begin(self) -> None:
        """All earlier requests are through."""

    @abstractmethod
    def _alone(self) -> None:
        """No other connection is open."""

    def connection_closed(self, connection: LocalConnection) -> None:
        if self._is_waiting and not self._unheard:
            self._go_on_if_alone()

    def _wait_for_others(self) -> None:
        """https://w3c.github.io/IndexedDB/#open-a-database-connection, steps 10.2 to 10.6"""
        self._store.take_back_left_open()
        self._is_waiting = True
        told = [connection for connection in self._queue.others(self._own) if not connection.is_closing]
        self._unheard = len(told) + 1
        for connection in told:
            connection.tell_version_change(self._old, self._new, self._heard)
        self._heard()

    def _heard(self) -> None:
        with self._store.mutex:
            self._unheard -= 1
            if self._unheard or not self._is_waiting:
                return
        if self._queue.others(self._own):
            self.thread.post(lambda: self._events.blocked(self._old, self._new))
        self._go_on_if_alone()

    def _go_on_if_alone(self) -> None:
        with self._store.mutex:
            if not self._is_waiting or self._queue.others(self._own):
                return
            self._is_waiting = False
        self._alone()

    def give_up(self, problem: BaseException) -> None:
        """Fails, if it waits for other connections; if it does more already, it goes on to its end."""
        with self._store.mutex:
            was_waiting, self._is_waiting = self._is_waiting, False
        if not was_waiting:
            return
        if self._own is not None:
            self._own.close()
        self.fail(problem)

    def fail(self, problem: BaseException) -> None:
        self.thread.post(lambda: self._events.failed(problem))
        self._queue.done(self)


class OpenRequest(ConnectionRequest):
    """https://w3c.github.io/IndexedDB/#open-a-database-connection"""

    def __init__(self, queue: ConnectionQueue, version: int | None, events: OpenEvents, thread: FrontThread) -> None:
        super().__init__(queue, events, thread)
        self._version = version
        self._transaction: LocalTransaction
        self._failed: Callable[[BaseException], None] = events.failed

    def begin(self) -> None:
        try:
            committed = self._store.schema(self._queue.name)
            if committed is None:
                self._store.admission.admit_database()
        except TfjsdError as problem:
            self.fail(problem)
            return
        schema = DatabaseSchema(0, self._queue.name) if committed is None else committed
        self._old = schema.version
        version = self._version or schema.version or 1
        if schema.version > version:
            self.fail(VersionTooLowError(version, schema.version))
            return
        self._own = LocalConnection(self._store, self._queue, schema, self.thread)
        self._queue.opened(self._own)
        if schema.version == version:
            self._opened(self._own)
            return
        self._new = version
        self._wait_for_others()

    def _opened(self, connection: LocalConnection) -> None:
        connection.post(lambda: self._events.opened(connection))
        self._queue.done(self)

    def _alone(self) -> None:
        """https://w3c.github.io/IndexedDB/#upgrade-a-database"""
        assert self._own is not None
        connection = self._own
        schema = connection.schema.copy()
        try:
            schema.id = schema.id or self._store.new_id()
        except TfjsdError as problem:
            connection.close()
            self.fail(problem)
            return
        schema.version = self._new or 1
        connection.schema = schema
        transaction = connection.upgrade(lambda problem: self._failed(problem), self._settled)
        transaction.on_started = self._started
        self._transaction = transaction
        if transaction.queue():
            connection.post(self._started)

    def _started(self) -> None:
        """In the front end's thread."""
        assert self._own is not None
        assert self._new is not None
        self._failed = self._events.upgrade_needed(self._own, self._transaction, self._old, self._new)

    def _settled(self) -> None:
        self._queue.done(self)


class DeleteRequest(ConnectionRequest):
    """https://w3c.github.io/IndexedDB/#delete-a-database"""

    def begin(self) -> None:
        try:
            self._old = self._store.version(self._queue.name)
        except TfjsdError as problem:
            self.fail(problem)
            return
        self._wait_for_others()

    def _alone(self) -> None:
        self._claim = Claim([(self._queue.name, True)], self._granted)
        if self._store.locks.request(self._claim):
            self._granted()

    def _granted(self) -> None:
        try:
            future = self._store.remove_database(self._queue.name)
        except TfjsdError as problem:
            self._store.locks.release(self._claim)
            self.fail(problem)
            return
        self._store.locks.release(self._claim)
        future.add_done_callback(lambda done: self._removed(done.exception()))

    def _removed(self, problem: BaseException | None) -> None:
        if problem is not None:
            self.fail(problem)
            return
        self._store.after_commit()
        self.thread.post(lambda: self._events.deleted(self._old))
        self._queue.done(self)
