"""Connections to the databases of a bucket of this process, and the requests that wait for one another.

https://w3c.github.io/IndexedDB/#connection-queue
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import AbortError
from ..abc import Blob, Durability
from .abc import ConnectionBackend, ConnectionEvents, FrontThread, Mode
from .local_transaction import LocalTransaction
from .schema import DatabaseSchema

if TYPE_CHECKING:
    from .backing_store import IndexedDBBackingStore
    from .connection_request import ConnectionRequest


class LocalConnection(ConnectionBackend):
    """One front end's connection. Its fields are guarded by the store's mutex."""

    def __init__(
        self, store: IndexedDBBackingStore, queue: ConnectionQueue, schema: DatabaseSchema, thread: FrontThread
    ) -> None:
        self.store = store
        self.schema = schema
        self.thread = thread
        self.events: ConnectionEvents | None = None
        self._queue = queue
        self._live: set[LocalTransaction] = set()
        self._upgrade_over: Callable[[], None] | None = None
        self.is_closing = False
        self.is_closed = False

    def post(self, function: Callable[[], None]) -> bool:
        """In the front end's thread; if that is gone, so is the connection."""
        if self.thread.post(function):
            return True
        self.abandon()
        return False

    def transaction(
        self, scope: list[str], mode: Mode, durability: Durability, failed: Callable[[BaseException], None]
    ) -> LocalTransaction:
        transaction = LocalTransaction(self, scope, mode, durability, failed)
        with self.store.mutex:
            self._live.add(transaction)
            self.store.live.add(transaction)
        transaction.queue()
        return transaction

    def upgrade(self, failed: Callable[[BaseException], None], over: Callable[[], None]) -> LocalTransaction:
        """The version-change transaction; its caller queues it. ``over`` runs once the front end is through with it."""
        transaction = LocalTransaction(self, [], "versionchange", "strict", failed)
        self._upgrade_over = over
        with self.store.mutex:
            self._live.add(transaction)
            self.store.live.add(transaction)
        return transaction

    def transaction_over(self, transaction: LocalTransaction) -> None:
        with self.store.mutex:
            self._live.discard(transaction)
            self.store.live.discard(transaction)
        self._close_if_idle()

    def upgrade_over(self) -> None:
        over, self._upgrade_over = self._upgrade_over, None
        if over is not None:
            over()

    def close(self) -> None:
        with self.store.mutex:
            self.is_closing = True
        self._close_if_idle()

    def abandon(self) -> None:
        """The front end is gone: its transactions are taken back."""
        for transaction in self._last_live():
            transaction.abort()
        self._close_if_idle()
        self.upgrade_over()

    def lose(self, problem: BaseException) -> None:
        """The same, and the front end is told. In its thread."""
        for transaction in self._last_live():
            transaction.lose(problem)
        if self.events is not None:
            self.events.lost(problem)
        self._close_if_idle()
        self.upgrade_over()

    def _last_live(self) -> list[LocalTransaction]:
        """What lives, for one caller only."""
        with self.store.mutex:
            self.is_closing = True
            live, self._live = self._live, set()
            return list(live)

    def _close_if_idle(self) -> None:
        with self.store.mutex:
            if self.is_closed or not self.is_closing or self._live:
                return
            self.is_closed = True
        self._queue.closed(self)

    def tell_version_change(self, old: int, new: int | None, heard: Callable[[], None]) -> None:
        """Tells the front end; ``heard`` runs once it was told, or cannot be."""

        def tell() -> None:
            if self.events is None or self.is_closing:
                heard()
                return
            self.events.version_change(old, new)
            self.events.when_heard(heard)

        if not self.post(tell):
            heard()

    def open_blob(self, blob: Blob) -> memoryview:
        return self.store.bucket.blobs.map(blob)


class ConnectionQueue:
    """One database's open connections and the requests to open or delete it, one at a time, in order."""

    def __init__(self, store: IndexedDBBackingStore, name: str) -> None:
        self.store = store
        self.name = name
        self.connections: list[LocalConnection] = []
        self._waiting: deque[ConnectionRequest] = deque()
        self._active: ConnectionRequest | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is open and nothing waits; under the store's mutex."""
        return self._active is None and not self._waiting and not self.connections

    def append(self, request: ConnectionRequest) -> None:
        """``go_on`` is to follow."""
        with self.store.mutex:
            self._waiting.append(request)

    def go_on(self) -> None:
        """Begins the next request, if its turn has come."""
        with self.store.mutex:
            active = self._active
        if active is not None:
            self._check_gone(active)
        self._next()

    def _check_gone(self, active: ConnectionRequest) -> None:
        """What is left of a front end that is gone is in nobody's way."""
        self.store.take_back_left_open()
        if active.thread.is_gone:
            self.give_up(AbortError("The event loop has ended."), active.thread)

    def opened(self, connection: LocalConnection) -> None:
        with self.store.mutex:
            self.connections.append(connection)
        self.store.front_ends.opened(connection)

    def give_up(self, problem: BaseException, thread: FrontThread | None = None) -> None:
        """All requests that wait fail, or those of one front end."""
        with self.store.mutex:
            given_up = [request for request in self._waiting if thread is None or request.thread == thread]
            self._waiting = deque(request for request in self._waiting if request not in given_up)
            active = self._active
        for request in given_up:
            request.fail(problem)
        if active is not None and (thread is None or active.thread == thread):
            active.give_up(problem)

    def done(self, request: ConnectionRequest) -> None:
        """The request at the head has its outcome."""
        with self.store.mutex:
            if self._active is not request:
                return
            self._active = None
        self._next()

    def closed(self, connection: LocalConnection) -> None:
        with self.store.mutex:
            if connection in self.connections:
                self.connections.remove(connection)
            active = self._active
            self.store.forget_if_idle(self)
        self.store.front_ends.closed(connection)
        if active is not None:
            active.connection_closed(connection)

    def others(self, connection: LocalConnection | None) -> list[LocalConnection]:
        with self.store.mutex:
            return [other for other in self.connections if other is not connection]

    def _next(self) -> None:
        with self.store.mutex:
            if self._active is not None or not self._waiting:
                self.store.forget_if_idle(self)
                return
            self._active = self._waiting.popleft()
            active = self._active
        active.begin()
