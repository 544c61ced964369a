"""IDBTransaction. https://w3c.github.io/IndexedDB/#transaction"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from ...errors import AbortError, InvalidStateError, UnknownError
from ..script_types import UNDEFINED
from .abc import Mode, Reply, TransactionBackend
from .activity import AFTER_CREATION, AFTER_SETTLEMENT, ActivityWindow
from .done_callback import run_callback
from .idb_object_store import IDBObjectStore
from .idb_request import IDBRequest
from .idle_limit import IDLE_SECONDS, IdleLimit
from .request_queue import RequestQueue
from .schema import StoreSchema, sorted_names
from .transaction_done import TransactionDone, wake
from .web_idl import dom_string

if TYPE_CHECKING:
    from types import TracebackType

    from .idb_database import IDBDatabase

State = Literal["active", "inactive", "committing", "finished"]
_INTERFACE: Final = "IDBTransaction"


class IDBTransaction:
    """A transaction. It commits by itself when nothing is pending and nobody can place a request any more.

    It is active in the loop turn that created it and for four turns after each settlement of a request. Inside
    ``async with`` it stays active: leaving the block commits it (and waits), leaving by an exception aborts it; doing
    nothing there for IDLE_SECONDS aborts it too.
    """

    def __init__(
        self,
        database: IDBDatabase,
        scope: list[str],
        mode: Mode,
        durability: str,
        begin: Callable[[IDBTransaction], TransactionBackend],
    ) -> None:
        self._database = database
        self._mode: Mode = mode
        self._durability = durability
        self._scope = scope
        self.loop = database.loop
        self.says = database.says
        self.behaviour = database.behaviour
        self.open_blob = database.open_blob
        self.state: State = "active"
        """https://w3c.github.io/IndexedDB/#transaction-state"""
        self._error: BaseException | None = None
        self._was_aborted = False
        self._is_held = False
        self._holder: asyncio.Task[Any] | None = None
        self._is_settled = False
        self._commit_is_sent = False
        self._changes = 0
        self._failing: IDBRequest[Any] | None = None
        self._failing_turns = 0
        self._failed_late: BaseException | None = None
        self._callbacks: list[Callable[[IDBTransaction], object]] = []
        self._stores: dict[str, IDBObjectStore] = {}
        self.undo: list[Callable[[], None]] = []
        self._requests = RequestQueue(self.loop, self._settling, self._fail)
        self.request = partial(self._requests.place, self)
        """``request(source, convert)`` queues a request; the caller asks the backing store to tell it the answer."""
        self.request_again = self._requests.place_again
        self._idle_limit = IdleLimit(self.loop, lambda: self.has_pending or self._changes > 0, self._idled)
        self._window = ActivityWindow(self.loop, self._window_closed, self._turn)
        self._window.open(AFTER_CREATION)
        self.backend = begin(self)

    # -- Attributes --

    @property
    def db(self) -> IDBDatabase:
        return self._database

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def durability(self) -> str:
        """``default`` (which is strict here), ``strict`` or ``relaxed``, as it was asked for."""
        return self._durability

    @property
    def object_store_names(self) -> list[str]:
        if self._mode == "versionchange":
            return self._database.object_store_names
        return list(self._scope)

    @property
    def error(self) -> BaseException | None:
        """What the transaction was aborted with; None while it lives, once it is committed, and after ``abort()``."""
        return self._error

    @property
    def done(self) -> TransactionDone:
        """Awaitable as often as wanted. Raises ``error``, or AbortError where the transaction was aborted by hand;
        InvalidStateError where the code that awaits it is what it waits for."""
        return TransactionDone(self)

    @property
    def is_settled(self) -> bool:
        """Whether it is committed or aborted, and its listeners were told."""
        return self._is_settled

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    @property
    def is_finished(self) -> bool:
        return self.state == "finished"

    @property
    def has_pending(self) -> bool:
        """Whether a request has not settled yet."""
        return bool(self._requests)

    @property
    def abort_reason(self) -> BaseException | None:
        """What ``done`` raises; None where it is committed."""
        if not self._was_aborted:
            return None
        return self._error if self._error is not None else self.says.error("aborted")

    def add_done_callback(self, callback: Callable[[IDBTransaction], object]) -> None:
        """``callback(transaction)`` runs when the complete or abort event is due; soon, if that is past. What it raises
        goes to the loop's exception handler."""
        if self._is_settled:
            self.loop.call_soon(callback, self)
        else:
            self._callbacks.append(callback)

    # -- Methods --

    def object_store(self, name: str) -> IDBObjectStore:
        """A store of the scope; the same object each time.

        Raises InvalidStateError once the transaction commits or is finished, NotFoundError for a store that is not in
        its scope.
        https://w3c.github.io/IndexedDB/#dom-idbtransaction-objectstore
        """
        if self.state in ("committing", "finished"):  # by the specification the latter, by all engines both
            raise self.says.error("finished", "objectStore", _INTERFACE, kind=InvalidStateError)
        known = self._stores.get(name) or self._stores.get(name := dom_string(name, "a store's name"))
        if known is not None:
            return known
        schema = self._database.schema.stores.get(name)
        if schema is None or (self._mode != "versionchange" and name not in self._scope):
            raise self.says.error("store-not-found", "objectStore", _INTERFACE)
        return self.store_handle(schema)

    def commit(self) -> TransactionDone:
        """Takes no more requests and commits once those there are have settled. Gives ``done``.

        Raises InvalidStateError where the transaction is not active.
        https://w3c.github.io/IndexedDB/#dom-idbtransaction-commit
        """
        if self.state != "active":
            reason = "inactive" if self.state == "inactive" else "finished"
            raise self.says.error(reason, "commit", _INTERFACE, kind=InvalidStateError)
        self.state = "committing"
        self._commit_if_through()
        return self.done

    def abort(self) -> None:
        """Takes everything back. Pending requests end with AbortError; ``error`` stays None.

        Raises InvalidStateError where the transaction is committing or finished.
        https://w3c.github.io/IndexedDB/#dom-idbtransaction-abort
        """
        if self.state in ("committing", "finished"):
            raise self.says.error("finished", "abort", _INTERFACE, kind=InvalidStateError)
        self.abort_with(None)

    async def __aenter__(self) -> Self:
        """Raises InvalidStateError where the transaction has ended: nothing could be asked of it."""
        if self.state in ("committing", "finished"):
            raise InvalidStateError("The transaction has ended, or is about to.", hint="Begin another one.")
        self.hold(asyncio.current_task())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release(problem)
        await self.settled()
        if problem is None and self._error is not None:
            raise self._error.with_traceback(None)

    # -- Requests --

    def change(self, ask: Callable[[Reply], None]) -> None:
        """Sends a change of the schema, which nobody waits for; should it fail, the transaction is aborted."""
        self._changes += 1

        def reply(_result: Any, problem: BaseException | None) -> None:
            self._changes -= 1
            self._idle_limit.touch()
            if problem is not None:
                self._abort_in_turn(self.says.of_change(problem))
                return
            self.loop.call_soon(self._commit_if_through)

        ask(reply)

    def _abort_in_turn(self, problem: BaseException) -> None:
        """Aborts once what has its answer already is settled: as a request that fails after them would."""
        self._requests.fail_in_turn(problem, lambda _: self.abort_with(problem))

    def _fail(self, request: IDBRequest[Any], problem: BaseException) -> None:
        """The code that waits runs first; whether the transaction is aborted is decided when its window ends."""
        request.settle(UNDEFINED, self.says.of_request(problem))
        if request.is_prevented:
            self._note_late_failure()
        elif self.state != "finished":
            self._requests.pause()
            self._failing = request
            self._failing_turns = AFTER_SETTLEMENT

    def _turn(self) -> None:
        self._requests.turn()
        if self._is_held:
            self._idle_limit.touch()
        failing = self._failing
        if failing is None:
            return
        if failing.is_prevented:
            self._note_late_failure()
            self._failing = None
            self._requests.resume()
        elif self._failing_turns > 0:
            self._failing_turns -= 1
        else:
            self._failing = None
            self._failed(failing)

    def _failed(self, failing: IDBRequest[Any]) -> None:
        """Nobody prevented the failure."""
        if self.state != "committing":
            self.abort_with(failing.error)
        elif self.behaviour.commit_refuses_failures:
            self._failed_late = self._failed_late or failing.error
            self._requests.resume()
            self._commit_if_through()
        else:
            self.abort_with(self._error_of_failed_commit(failing))

    def _note_late_failure(self) -> None:
        if self.state == "committing" and self.behaviour.commit_refuses_failures and self._failed_late is None:
            self._failed_late = UnknownError("")

    def _error_of_failed_commit(self, failing: IDBRequest[Any]) -> BaseException | None:
        """What engines disagree on: a request failed after ``commit()``."""
        shown = self.behaviour.commit_failure
        if shown == "request":
            return failing.error
        return self.says.error("aborted") if shown == "abort" else None

    def _settling(self) -> None:
        """A request settles: who waited for it may place others."""
        if self._window.turns_left < AFTER_SETTLEMENT:
            if self.state == "inactive":
                self.state = "active"
            self._window.open(AFTER_SETTLEMENT)

    def _window_closed(self) -> None:
        if self.state == "active" and not self._is_held:
            self.state = "inactive"
        self._commit_if_through()

    def _commit_if_through(self) -> None:
        """https://w3c.github.io/IndexedDB/#transaction-lifetime (automatic commit), or after ``commit()``"""
        if self._requests or self._changes or self._failing is not None or self._commit_is_sent:
            return
        if self.state == "committing" or (self.state == "inactive" and not self._is_held):
            if self._failed_late is not None:
                self.abort_with(self._failed_late)
                return
            self.state = "committing"
            self._commit_is_sent = True
            self.backend.commit(self._committed)

    def _committed(self, _result: Any, problem: BaseException | None) -> None:
        if self.state == "finished":
            return
        if problem is not None:
            self.abort_with(self.says.of_commit(problem))
        else:
            self.state = "finished"
            self.loop.call_soon(self._settle)

    # -- Holding --

    def hold(self, holder: asyncio.Task[Any] | None = None) -> None:
        """Keeps the transaction from committing by itself and from becoming inactive, until ``holder`` releases it."""
        self._is_held = True
        self._holder = holder
        if self.state == "inactive":
            self.state = "active"
        self._idle_limit.start()

    @property
    def waits_for_caller(self) -> bool:
        """Whether it ends only once the running task leaves the block, or the upgrade, that it is in."""
        return self._is_held and self.state == "active" and self._holder is asyncio.current_task()

    def release(self, problem: BaseException | None) -> None:
        """Commits, or aborts where a problem ended the block."""
        self._is_held = False
        self._idle_limit.stop()
        if self.state in ("committing", "finished"):
            return
        if problem is None:
            self.state = "committing"
            self._commit_if_through()
        else:
            self.abort_with_cause(problem)

    def _idled(self) -> None:
        hint = f"Nothing was asked of it for {IDLE_SECONDS:.0f} seconds."
        self.abort_with(AbortError("The transaction was idle for too long.", hint=hint))

    async def settled(self) -> None:
        """Returns once the transaction is committed or aborted."""
        if not self._is_settled:
            waiter = self.loop.create_future()
            self.add_done_callback(lambda _: wake(waiter))
            await waiter

    # -- The end --

    def abort_with(self, problem: BaseException | None) -> None:
        """https://w3c.github.io/IndexedDB/#abort-a-transaction"""
        if self.state == "finished":
            return
        self.state = "finished"
        self._error = problem
        self._was_aborted = True
        self._failing = None
        self._requests.pause()
        self._idle_limit.stop()
        while self.undo:
            self.undo.pop()()
        self.loop.call_soon(self._settle)
        self.backend.abort()

    def fail(self, problem: BaseException) -> None:
        """The backing store aborted it."""
        self.abort_with(self.says.of_commit(problem))

    def abort_with_cause(self, problem: BaseException) -> None:
        """Aborts because of an exception in the code that uses the transaction."""
        if self._failing is not None and self._failing.error is problem:
            self.abort_with(problem)
            return
        error = self.says.error("uncaught")
        error.__cause__ = problem
        self.abort_with(error)

    def _settle(self) -> None:
        self._requests.end(self._request_error)
        self._idle_limit.stop()
        self._is_settled = True
        self.undo.clear()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            run_callback(self.loop, callback, self)

    def _request_error(self) -> BaseException:
        """What a request ends with that the transaction's abort has overtaken."""
        error = self.says.error("aborted")
        error.__cause__ = self._error
        return error

    # -- Stores --

    def store_handle(self, schema: StoreSchema) -> IDBObjectStore:
        """The transaction's object for a store."""
        handle = IDBObjectStore(self, schema)
        self._stores[schema.name] = handle
        return handle

    def forget_store(self, name: str) -> IDBObjectStore | None:
        return self._stores.pop(name, None)

    def store_renamed(self, old: str, handle: IDBObjectStore) -> None:
        self._stores.pop(old, None)
        self._stores[handle.name] = handle

    def __repr__(self) -> str:
        return f"<IDBTransaction {self._mode} on {sorted_names(self.object_store_names)} {self.state}>"
