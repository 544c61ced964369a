"""IDBOpenDBRequest. https://w3c.github.io/IndexedDB/#request-api"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Literal

from ..script_types import UNDEFINED
from .abc import ConnectionBackend, OpenEvents, TransactionBackend
from .connection_request import VersionTooLowError
from .dom_exceptions import DOMExceptions
from .idb_database import IDBDatabase
from .idb_request import IDBRequest
from .idb_transaction import IDBTransaction
from .idb_version_change_event import IDBVersionChangeEvent, Listener, Tasks, call

Upgrade = Callable[[IDBDatabase, IDBTransaction, int, int], Awaitable[object] | object]
"""``upgrade(db, tx, old_version, new_version)``: a function or a coroutine function."""


class IDBOpenDBRequest(IDBRequest[Any]):
    """A request to open or delete a database. ``await`` gives the connection, or None for a deletion.

    Who is cancelled while awaiting it gives it up: its connection is closed as soon as it is there, unless somebody
    else awaits the request then, or has added a callback.
    """

    __slots__ = ("_awaiting", "_is_given_up", "_is_taken", "_upgrade_tx", "_upgraded", "old_version")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(None, None, loop)
        self._upgrade_tx: IDBTransaction | None = None
        self._upgraded: IDBDatabase | None = None
        self._awaiting = 0
        self._is_given_up = False
        self._is_taken = False
        self.old_version: int | None = None
        """The version before an upgrade or a deletion; None where there was neither."""

    @property
    def transaction(self) -> IDBTransaction | None:
        """The version-change transaction, while it runs."""
        return self._upgrade_tx

    @property
    def ready_state(self) -> Literal["pending", "done"]:
        return super().ready_state if self._upgraded is None else "done"

    @property
    def result(self) -> Any:
        """The connection, also while the upgrade runs."""
        self._is_taken = True
        return super().result if self._upgraded is None else self._upgraded

    @property
    def error(self) -> BaseException | None:
        return super().error if self._upgraded is None else None

    def __await__(self) -> Generator[Any, None, Any]:
        self._awaiting += 1
        self._is_given_up = False
        try:
            result = yield from super().__await__()
            self._is_taken = True
        except (asyncio.CancelledError, GeneratorExit):
            self._is_given_up = True
            raise
        finally:
            self._awaiting -= 1
            if self.is_given_up and isinstance(self._result, IDBDatabase):
                self._result.close()
        return result

    @property
    def is_given_up(self) -> bool:
        """Whether nobody will take the connection."""
        return self._is_given_up and not (self._awaiting or self._is_taken or self._callbacks)

    def upgrading(self, transaction: IDBTransaction | None) -> None:
        """https://w3c.github.io/IndexedDB/#upgrade-a-database, steps 10.1 to 10.3"""
        self._upgrade_tx = transaction
        self._upgraded = None if transaction is None else transaction.db


class OpenCourse(OpenEvents):
    """Leads an open or delete request through what the backing store tells."""

    def __init__(
        self,
        request: IDBOpenDBRequest,
        says: DOMExceptions,
        loop: asyncio.AbstractEventLoop,
        listeners: tuple[Upgrade | None, Listener | None, Listener | None],
        tasks: Tasks,
    ) -> None:
        self._request = request
        self._says = says
        self._loop = loop
        self._upgrade, self._blocked, self._versionchange = listeners
        self._tasks = tasks
        self._problem: BaseException | None = None

    def blocked(self, old_version: int, new_version: int | None) -> None:
        if self._blocked is not None:
            event = IDBVersionChangeEvent("blocked", old_version, new_version, self._request)
            call(self._blocked, event, self._tasks)

    def opened(self, connection: ConnectionBackend) -> None:
        self._deliver(self._connect(connection))

    def _deliver(self, database: IDBDatabase) -> None:
        if self._request.is_given_up:
            database.close()
        if database.is_closing:
            self._request.settle(UNDEFINED, self._says.error("connection-closed"))
        else:
            self._request.settle(database, None)

    def deleted(self, old_version: int) -> None:
        self._request.old_version = old_version
        self._request.settle(UNDEFINED, None)

    def failed(self, problem: BaseException) -> None:
        if isinstance(problem, VersionTooLowError):
            problem = self._says.error("version-too-low", requested=problem.requested, existing=problem.existing)
        self._request.settle(UNDEFINED, self._says.of_factory(problem))

    def upgrade_needed(
        self, connection: ConnectionBackend, transaction: TransactionBackend, old_version: int, new_version: int
    ) -> Callable[[BaseException], None]:
        """https://w3c.github.io/IndexedDB/#upgrade-a-database"""
        database = self._connect(connection)
        tx = database.begin_upgrade(transaction, old_version)
        self._request.old_version = old_version
        self._request.upgrading(tx)
        tx.add_done_callback(lambda _: self._loop.call_soon(self._upgraded, connection, database, tx))
        if self._upgrade is not None:
            self._run(self._upgrade, database, tx, old_version, new_version)
        return tx.fail

    def _connect(self, connection: ConnectionBackend) -> IDBDatabase:
        return IDBDatabase(connection, self._says, self._loop, self._versionchange, self._tasks)

    def _run(self, upgrade: Upgrade, database: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
        try:
            result = upgrade(database, tx, old, new)
        except BaseException as problem:  # noqa: BLE001 (it aborts the upgrade and is the error's cause)
            self._problem = problem
            tx.abort_with_cause(problem)
            if isinstance(problem, SystemExit | KeyboardInterrupt):
                self._loop.call_soon(_raise, problem)  # to the loop: here it would end what has brought the event
            return
        if inspect.isawaitable(result):
            task = asyncio.ensure_future(self._wait(result, tx))
            tx.hold(task)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait(self, result: Awaitable[object], tx: IDBTransaction) -> None:
        problem: BaseException | None = None
        try:
            await result
        except BaseException as raised:  # it aborts the upgrade and is the error's cause
            problem = raised
            if not isinstance(raised, Exception):
                raise
        finally:
            self._problem = problem
            tx.release(problem)

    def _upgraded(self, connection: ConnectionBackend, database: IDBDatabase, tx: IDBTransaction) -> None:
        self._request.upgrading(None)
        if tx.abort_reason is not None:
            database.close()
            error = self._says.error("upgrade-aborted")
            error.__cause__ = self._problem or tx.error
            self._request.settle(UNDEFINED, error)
        else:
            self._deliver(database)
        connection.upgrade_over()  # in this turn: who awaits the request may keep the next one for long


def _raise(problem: BaseException) -> None:
    raise problem
