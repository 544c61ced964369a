"""An open or delete request at the daemon, and the connection that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import AbortError, BadRequestError, CorruptionError
from ...storage_backends.abc import Blob, Durability
from ...storage_backends.indexed_db.abc import ConnectionBackend, ConnectionEvents, Mode, OpenEvents
from ...wire.indexed_db import Message
from ...wire.indexed_db_errors import problem_from_json
from ...wire.indexed_db_schema import schema_from_json
from .remote_transaction import RemoteTransaction

if TYPE_CHECKING:
    from .remote_session import RemoteSession


class RemoteOpening:
    """Hands what the daemon tells of a request, or of its connection, to the front end."""

    def __init__(self, session: RemoteSession, events: OpenEvents, again: Callable[[], None] | None = None) -> None:
        """``again`` asks anew, should the session be lost before anything was heard: nothing has been changed then."""
        self._session = session
        self._events: OpenEvents | None = events
        self._again = again
        self._connection: RemoteConnection | None = None
        self._upgrade = next(session.numbers)
        self.number = next(session.numbers)
        session.openings[self.number] = self

    def open(self, name: str, version: int | None) -> None:
        fields = {"connection": self.number, "transaction": self._upgrade, "name": name, "version": version}
        self._session.send(Message("open", fields))

    def delete(self, name: str) -> None:
        self._session.send(Message("deleteDatabase", {"connection": self.number, "name": name}))

    def take(self, message: Message) -> None:
        """Raises BadRequestError for a message of another protocol."""
        self._again = None
        match message.type:
            case "opened":
                self._opened(message)
            case "upgradeneeded":
                self._upgrade_needed(message)
            case "blocked":
                self._pending().blocked(message.number("old"), message.optional_number("new"))
            case "versionchange":
                self._version_change(message)
            case "deleted":
                self.over()
                self._pending().deleted(message.number("old"))
            case "failed" | "lost":
                self.over()
                self.lost(problem_from_json(message.fields.get("error")))
            case _:
                raise BadRequestError(f'There is no message "{message.type}".')

    def lost(self, problem: BaseException) -> None:
        """The request fails, or the connection that came of it is gone."""
        if self._connection is not None:
            self._connection.lost(problem)
        elif self._again is not None and self._session.was_cut(problem):
            self._again()
        elif self._events is not None:
            self._events.failed(problem)

    def settled(self) -> None:
        """The request has its outcome, and with it the connection, which is not to be kept alive from here."""
        self._events = None

    def _pending(self) -> OpenEvents:
        if self._events is None:
            raise BadRequestError(f"Request {self.number} had its outcome already.")
        return self._events

    def over(self) -> None:
        """Nothing more is told of it."""
        self._session.openings.pop(self.number, None)
        self._session.settle_down()

    def _connect(self, message: Message) -> RemoteConnection:
        self._connection = RemoteConnection(self._session, self)
        self._connection.schema = schema_from_json(message.fields.get("schema"))
        return self._connection

    def _opened(self, message: Message) -> None:
        events = self._pending()
        self.settled()
        events.opened(self._connect(message))

    def _upgrade_needed(self, message: Message) -> None:
        connection = self._connect(message)
        transaction = RemoteTransaction(self._session, connection, self._upgrade)
        old, new = message.number("old"), message.number("new")
        transaction.on_failed = self._pending().upgrade_needed(connection, transaction, old, new)

    def _version_change(self, message: Message) -> None:
        if self._connection is not None and self._connection.events is not None:
            self._connection.events.version_change(message.number("old"), message.optional_number("new"))
            self._connection.events.when_heard(self._heard)
        else:
            self._heard()

    def _heard(self) -> None:
        self._session.send(Message("heard", {"connection": self.number}))


class RemoteConnection(ConnectionBackend):
    """An open connection at the daemon."""

    def __init__(self, session: RemoteSession, opening: RemoteOpening) -> None:
        self.events: ConnectionEvents | None = None
        self.live: set[RemoteTransaction] = set()
        self._session = session
        self._opening = opening
        self._is_closed = False

    def transaction(
        self, scope: list[str], mode: Mode, durability: Durability, failed: Callable[[BaseException], None]
    ) -> RemoteTransaction:
        transaction = RemoteTransaction(self._session, self, next(self._session.numbers))
        transaction.on_failed = failed
        fields = {"connection": self._opening.number, "transaction": transaction.number, "stores": scope}
        self._session.send(Message("begin", {**fields, "mode": mode, "durability": durability}))
        if self._session.is_over:
            self._session.loop.call_soon(transaction.failed, AbortError("The connection to the daemon was lost."))
        return transaction

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._session.in_loop(self._close)

    def _close(self) -> None:
        self._session.send(Message("close", {"connection": self._opening.number}))
        self._opening.over()

    def upgrade_over(self) -> None:
        self._opening.settled()
        self._session.send(Message("upgraded", {"connection": self._opening.number}))

    def lost(self, problem: BaseException) -> None:
        """It is closed; its live transactions are aborted."""
        self._is_closed = True
        for transaction in list(self.live):
            transaction.failed(problem)
        if self.events is not None:
            self.events.lost(problem)

    def open_blob(self, blob: Blob) -> memoryview:
        for transaction in self.live:
            view = transaction.views.get(blob.digest)
            if view is not None:
                return view
        raise CorruptionError(f"The binary {blob.digest} did not come with its value.")
