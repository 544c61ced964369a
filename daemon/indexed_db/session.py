"""One client's session: what it has open in the databases of an origin."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final

from ...errors import AbortError, BadRequestError, NotFoundError, UnknownError
from ...model_io.origin import Origin
from ...storage_backends.abc import Blob
from ...wire.indexed_db import IDLE_SECONDS, MAX_EVENT, Message
from ...wire.indexed_db_errors import problem_to_json
from ..logs import LOGGER
from .outbox import Outbox, SessionOver
from .scope import Scope
from .served_connection import ServedConnection
from .served_transaction import ServedTransaction, is_short, place_of
from .session_thread import SessionThread
from .traffic import Traffic
from .transit import Transit
from .uploads import Uploads

_SMALL: Final = 16 * 1024


class IndexedDBSession:
    """Messages come in on any thread and are carried out in the session's own, in order.

    ``closed`` is called, in any thread, with what ended the session from this side.
    """

    def __init__(
        self,
        origin: Origin,
        outbox: Outbox,
        closed: Callable[[BaseException], None],
        *,
        patience: float,
        shares_files: bool,
    ) -> None:
        self.token = secrets.token_urlsafe(18)
        self.origin = origin
        self.transit = Transit(patience)
        self.traffic = Traffic()
        self.uploads = Uploads(origin.bucket.blobs)
        self.connections: dict[int, ServedConnection] = {}
        self.transactions: dict[int, ServedTransaction] = {}
        self.is_over = False
        self.heard_at = time.monotonic()
        self._outbox = outbox
        self._closed = closed
        self._shares_files = shares_files
        self._last_transaction = 0
        self._last_connection = 0
        self._thread = SessionThread(self._failed)

    # -- On the loop --

    def received(self, data: bytes) -> bool:
        """Takes a message of the client. Whether it was carried out here and now: what is soon done, and waits for
        nothing."""
        self.alive()
        self.traffic.count(len(data))
        ready = self.origin.bucket.is_ready and self._outbox.is_empty and not self.transit.is_full
        if ready and len(data) <= _SMALL:
            with contextlib.suppress(BadRequestError):  # which the session's thread finds, too
                message = Message.decode(data)
                if is_short(message) and self._thread.run_here(lambda: self._carry_out(message)):
                    return True
        self._thread.post(lambda: self._take(data))
        return False

    def alive(self) -> None:
        """Something was heard of the client."""
        self.heard_at = time.monotonic()

    @property
    def is_in_use(self) -> bool:
        """Whether the client has something open."""
        return bool(self.transactions or self.connections)

    @property
    def waiting(self) -> int:
        """Bytes of values that wait for transactions to start."""
        return sum(transaction.waiting for transaction in self.transactions.values())

    @property
    def backlog(self) -> int:
        """Messages that wait to be carried out."""
        return self._thread.backlog

    def check_idle(self) -> None:
        """Ends what a silent client keeps others from."""
        if self.transit.moving:
            self.alive()
        if self.is_in_use:
            self._thread.post(self._check_idle)

    def end(self) -> Future[None]:
        """The client is gone: all that is open is aborted and closed. Gives a future, done when that has happened."""
        self.transit.close()
        self.uploads.close()
        self._thread.end(self._abandon)
        return self._thread.over

    # -- In the session's thread --

    def tell(self, message: Message) -> None:
        """Sends a message; waits while the client does not read. Raises SessionOver."""
        frame = message.encode()
        if len(frame) > MAX_EVENT:
            raise UnknownError(f"What is to be told passes {MAX_EVENT} bytes.")
        self.traffic.count(len(frame))
        self._outbox.send(frame)

    def tell_problem(self, kind: str, fields: dict[str, Any], problem: BaseException) -> None:
        if not self.is_over:
            self.tell(Message(kind, {**fields, "error": problem_to_json(problem)}))

    def new_transaction(self, number: int, scope: Scope) -> ServedTransaction:
        """Raises BadRequestError where the number is taken."""
        if number in self.transactions:
            raise BadRequestError(f"There is a transaction {number} already.")
        self._last_transaction = max(self._last_transaction, number)
        transaction = ServedTransaction(self, number, scope)
        self.transactions[number] = transaction
        self.uploads.begin(number)
        return transaction

    def place_of(self, blob: Blob) -> list[Any] | None:
        """Where the client may map the blob; None where it has to fetch it."""
        return place_of(self.origin.bucket.blobs.path(blob)) if self._shares_files else None

    def _take(self, data: bytes) -> None:
        self._carry_out(Message.decode(data))

    def _carry_out(self, message: Message) -> None:
        handler = _MESSAGES.get(message.type)
        if handler is not None:
            handler(self, message)
            return
        number = message.number("transaction")
        transaction = self.transactions.get(number)
        if transaction is not None:
            transaction.take(message)
        elif number > self._last_transaction:
            raise BadRequestError(f"There is no transaction {number}.")
        # else it was aborted from this side while the message was on its way

    def _open(self, message: Message) -> None:
        connection = self._new_connection(message, message.number("transaction"))
        self._last_transaction = max(self._last_transaction, message.number("transaction"))
        version = message.optional_number("version")
        if version == 0:
            raise BadRequestError("There is no version 0.")
        self.origin.databases.open(message.text("name"), version, connection, self._thread)

    def _delete(self, message: Message) -> None:
        connection = self._new_connection(message)
        self.origin.databases.delete_database(message.text("name"), connection, self._thread)

    def _new_connection(self, message: Message, upgrade: int | None = None) -> ServedConnection:
        number = message.number("connection")
        if number <= self._last_connection:
            raise BadRequestError(f"There is or was a connection {number} already.")
        self._last_connection = number
        connection = ServedConnection(self, number, upgrade)
        self.connections[number] = connection
        return connection

    def _databases(self, message: Message) -> None:
        request = message.number("request")

        def reply(found: Any, problem: BaseException | None) -> None:
            if problem is not None:
                self.tell_problem("error", {"request": request}, problem)
            else:
                self.tell(Message("done", {"request": request, "result": found}))

        self.origin.databases.databases(self._thread, reply)

    def _begin(self, message: Message) -> None:
        number = message.number("transaction")
        self._last_transaction = max(self._last_transaction, number)
        self._with_connection(message, lambda connection: connection.begin(message))
        if number not in self.transactions:  # the connection was closed from this side
            self.uploads.end(number)

    def _close(self, message: Message) -> None:
        self._with_connection(message, ServedConnection.close)

    def _heard(self, message: Message) -> None:
        self._with_connection(message, ServedConnection.heard)

    def _upgraded(self, message: Message) -> None:
        self._with_connection(message, ServedConnection.upgrade_over)

    def _with_connection(self, message: Message, act: Callable[[ServedConnection], None]) -> None:
        """Acts on the message's connection, if it is there still; one that was closed from this side is not."""
        number = message.number("connection")
        if number > self._last_connection:
            raise BadRequestError(f"There is no connection {number}.")
        connection = self.connections.get(number)
        if connection is not None:
            act(connection)
            if connection.is_done:
                self.connections.pop(number, None)

    def _check_idle(self) -> None:
        now = time.monotonic()
        is_silent = now - self.heard_at > IDLE_SECONDS
        for transaction in list(self.transactions.values()):
            if is_silent:
                transaction.fail(_silent())
            else:
                transaction.check_idle(now)
        for connection in list(self.connections.values()):
            connection.check_heard(now)
            connection.check_upgraded(now)

    def _abandon(self) -> None:
        self.is_over = True
        for connection in list(self.connections.values()):
            connection.abandon()
        for transaction in list(self.transactions.values()):
            transaction.abort()

    def _failed(self, problem: BaseException) -> None:
        if isinstance(problem, BadRequestError | SessionOver):
            LOGGER.info("ended an IndexedDB session", extra={"why": str(problem)[:200]})
        else:
            LOGGER.error("an IndexedDB session failed inside", exc_info=problem)
        self._closed(problem)


def _silent() -> AbortError:
    hint = f"Nothing was heard of its client for {IDLE_SECONDS:.0f} seconds."
    return AbortError("The transaction's client was silent for too long.", hint=hint)


class IndexedDBSessions:
    """The live sessions, by token. Belongs to the loop."""

    def __init__(self) -> None:
        self._live: dict[str, IndexedDBSession] = {}

    @contextlib.contextmanager
    def holding(self, session: IndexedDBSession) -> Iterator[None]:
        """Knows the session for the block."""
        self._live[session.token] = session
        try:
            yield
        finally:
            del self._live[session.token]

    def get(self, token: str) -> IndexedDBSession:
        """Raises NotFoundError."""
        session = self._live.get(token)
        if session is None:
            raise NotFoundError("There is no such IndexedDB session.")
        return session


_MESSAGES: Final[dict[str, Callable[[IndexedDBSession, Message], None]]] = {
    "open": IndexedDBSession._open,
    "deleteDatabase": IndexedDBSession._delete,
    "databases": IndexedDBSession._databases,
    "begin": IndexedDBSession._begin,
    "close": IndexedDBSession._close,
    "heard": IndexedDBSession._heard,
    "upgraded": IndexedDBSession._upgraded,
}
