"""One open or delete request of a client, and the connection that comes of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ...errors import BadRequestError, StoreFailedError
from ...storage_backends.indexed_db.abc import (
    ConnectionBackend,
    ConnectionEvents,
    OpenEvents,
    TransactionBackend,
)
from ...storage_backends.indexed_db.local_connection import LocalConnection
from ...storage_backends.indexed_db.local_transaction import LocalTransaction
from ...storage_backends.indexed_db.schema_form import schema_to_form
from ...wire.indexed_db import IDLE_SECONDS, Message
from .scope import Scope
from .served_transaction import ServedTransaction

if TYPE_CHECKING:
    from .session import IndexedDBSession


class ServedConnection(OpenEvents, ConnectionEvents):
    """Belongs to the session's thread, in which the backing store calls it too."""

    def __init__(self, session: IndexedDBSession, number: int, upgrade: int | None = None) -> None:
        """``upgrade``: the number that a version-change transaction gets."""
        self._session = session
        self._number = number
        self._upgrade = upgrade
        self._backend: LocalConnection | None = None
        self._unheard: deque[tuple[float, Callable[[], None]]] = deque()
        self._is_closing = False
        self._is_upgrading = False
        self._upgraded_at: float | None = None

    @property
    def is_done(self) -> bool:
        """Whether the client has nothing more to say about it."""
        return self._is_closing and not self._is_upgrading

    # -- From the client --

    def begin(self, message: Message) -> None:
        """A transaction on the open connection."""
        if self._backend is None:
            raise BadRequestError(f"Connection {self._number} is not open.")
        mode, durability = message.text("mode"), message.text("durability")
        if mode not in ("readonly", "readwrite") or durability not in ("strict", "relaxed"):
            raise BadRequestError("There is no such mode or durability.")
        stores = message.texts("stores")
        if not self._backend.schema.stores.keys() >= set(stores):
            raise BadRequestError("There is no such store.")
        transaction = self._session.new_transaction(message.number("transaction"), Scope(mode, stores))  # type: ignore[arg-type]
        backend = self._backend.transaction(
            stores,
            mode,  # type: ignore[arg-type]
            durability,  # type: ignore[arg-type]
            transaction.failed,
        )
        transaction.begin(backend)

    def close(self) -> None:
        """What was on its way to the client finds nobody who listens: it counts as heard."""
        self._is_closing = True
        if self._backend is not None:
            self._backend.close()
        self._hear_all()

    def upgrade_over(self) -> None:
        self._is_upgrading = False
        if self._backend is not None:
            self._backend.upgrade_over()

    def heard(self) -> None:
        """The client's listeners of the oldest versionchange event have run."""
        if self._unheard:
            self._unheard.popleft()[1]()

    def check_heard(self, now: float) -> None:
        """A client that does not hear cannot keep another one waiting: its connection is closed from this side."""
        if not self._unheard or now - self._unheard[0][0] <= IDLE_SECONDS:
            return
        problem = StoreFailedError("The connection was closed: it left a versionchange event unanswered for too long.")
        self._session.tell_problem("lost", {"connection": self._number}, problem)
        self.abandon()

    def check_upgraded(self, now: float) -> None:
        """Nor does one that does not say that its open request has its outcome, where only that is missing."""
        if not self._is_upgrading or self._upgrade in self._session.transactions:
            return
        if self._upgraded_at is None:
            self._upgraded_at = now
        elif now - self._upgraded_at > IDLE_SECONDS:
            self.upgrade_over()

    def abandon(self) -> None:
        """The client is gone."""
        self._session.connections.pop(self._number, None)
        if self._backend is not None:
            self._backend.abandon()
        self._hear_all()

    def _hear_all(self) -> None:
        while self._unheard:
            self.heard()

    # -- From the backing store --

    def blocked(self, old_version: int, new_version: int | None) -> None:
        self._tell("blocked", old=old_version, new=new_version)

    def upgrade_needed(
        self, connection: ConnectionBackend, transaction: TransactionBackend, old_version: int, new_version: int
    ) -> Callable[[BaseException], None]:
        self._take(connection)
        self._is_upgrading = True
        served: ServedTransaction = self._session.new_transaction(self._upgrade or 0, Scope("versionchange"))
        served.begin(cast("LocalTransaction", transaction))
        if not self._session.is_over:
            schema = schema_to_form(connection.schema)
            self._tell("upgradeneeded", old=old_version, new=new_version, schema=schema)
        return served.failed

    def opened(self, connection: ConnectionBackend) -> None:
        self._take(connection)
        if not self._session.is_over:
            self._tell("opened", schema=schema_to_form(connection.schema))

    def deleted(self, old_version: int) -> None:
        self._session.connections.pop(self._number, None)
        self._tell("deleted", old=old_version)

    def failed(self, problem: BaseException) -> None:
        self._session.connections.pop(self._number, None)
        self._session.tell_problem("failed", {"connection": self._number}, problem)

    def version_change(self, old_version: int, new_version: int | None) -> None:
        self._tell("versionchange", old=old_version, new=new_version)

    def when_heard(self, heard: Callable[[], None]) -> None:
        if self._session.is_over:
            heard()
        else:
            self._unheard.append((time.monotonic(), heard))

    def lost(self, problem: BaseException) -> None:
        self._session.tell_problem("lost", {"connection": self._number}, problem)

    def _take(self, connection: ConnectionBackend) -> None:
        self._backend = cast("LocalConnection", connection)
        self._backend.events = self
        if self._session.is_over:
            self._backend.abandon()

    def _tell(self, kind: str, **fields: object) -> None:
        self._session.tell(Message(kind, {"connection": self._number, **fields}))
