"""IDBTransaction. https://w3c.github.io/IndexedDB/#transaction"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from ...errors import AbortError, InvalidStateError, TfjsdError, UnknownError
from ..script_types import UNDEFINED
from .abc import Mode, Reply, TransactionBackend
from .activity import AFTER_CREATION, AFTER_SETTLEMENT, ActivityWindow
from .idb_object_store import IDBObjectStore
from .idb_request import IDBRequest
from .schema import StoreSchema, sorted_names
from .transaction_done import TransactionDone, wake

if TYPE_CHECKING:
    from types import TracebackType

    from .idb_database import IDBDatabase

State = Literal["active", "inactive", "committing", "finished"]
IDLE_SECONDS: Final = 30.0
"""How long a transaction may do nothing inside ``async with`` (or an asynchronous upgrade) before it is aborted."""

AT_ONCE: Final = 16
"""How many requests settle in one turn of the loop because somebody began to wait for them."""

_INTERFACE: Final = "IDBTransaction"
Convert = Callable[[Any], Any]
"""Makes a request's result of what the backing store replied."""


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
        self._state: State = "active"
        self._error: BaseException | None = None
        self._was_aborted = False
        self._is_held = False
        self._is_settled = False
        self._commit_is_sent = False
        self._pending: deque[IDBRequest[Any]] = deque()
        self._ready: deque[tuple[IDBRequest[Any], Any, BaseException | None]] = deque()
        self._is_pumping = False
        self._at_once_left = AT_ONCE
        self._changes = 0
        self._failing: IDBRequest[Any] | None = None
        self._failing_turns = 0
        self._failed_late: BaseException | None = None
        self._callbacks: list[Callable[[IDBTransaction], object]] = []
        self._stores: dict[str, IDBObjectStore] = {}
        self._used_at = 0.0
        self._idle_timer: Any = None
        self.undo: list[Callable[[], None]] = []
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
        """Awaitable as often as wanted. Raises ``error``, or AbortError where the transaction was aborted by hand."""
        return TransactionDone(self)

    @property
    def is_settled(self) -> bool:
        """Whether it is committed or aborted, and its listeners were told."""
        return self._is_settled

    @property
    def is_active(self) -> bool:
        return self._state == "active"

    @property
    def is_finished(self) -> bool:
        return self._state == "finished"

    @property
    def has_pending(self) -> bool:
        """Whether a request has not settled yet."""
        return bool(self._pending)

    @property
    def abort_reason(self) -> BaseException | None:
        """What ``done`` raises; None where it is committed."""
        if not self._was_aborted:
            return None
        return self._error if self._error is not None else self.says.error("aborted")

    def add_done_callback(self, callback: Callable[[IDBTransaction], object]) -> None:
        """``callback(transaction)`` runs when the complete or abort event is due; soon, if that is past."""
        if self._is_settled:
            self.loop.call_soon(callback, self)
        else:
            self._callbacks.append(callback)

    # -- Methods --

    def object_store(self, name: str) -> IDBObjectStore:
        """A store of the scope; the same object each time.

        Raises InvalidStateError once the transaction is finished, NotFoundError for a store that is not in its scope.
        https://w3c.github.io/IndexedDB/#dom-idbtransaction-objectstore
        """
        if self._state == "finished":
            raise self.says.error("finished", "objectStore", _INTERFACE, kind=InvalidStateError)
        known = self._stores.get(name)
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
        if self._state != "active":
            reason = "inactive" if self._state == "inactive" else "finished"
            raise self.says.error(reason, "commit", _INTERFACE, kind=InvalidStateError)
        self._state = "committing"
        self._commit_if_through()
        return self.done

    def abort(self) -> None:
        """Takes everything back. Pending requests end with AbortError; ``error`` stays None.

        Raises InvalidStateError where the transaction is committing or finished.
        https://w3c.github.io/IndexedDB/#dom-idbtransaction-abort
        """
        if self._state in ("committing", "finished"):
            raise self.says.error("finished", "abort", _INTERFACE, kind=InvalidStateError)
        self.abort_with(None)

    async def __aenter__(self) -> Self:
        self.hold()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release(problem)
        await self.settled()
        if problem is None and self._error is not None:
            raise self._error.with_traceback(None)

    # -- Requests --

    def request(self, source: Any, convert: Convert, again: IDBRequest[Any] | None = None) -> IDBRequest[Any]:
        """Queues a request; the caller hands ``reply_to`` to the backing store."""
        if again is None:
            again = IDBRequest(source, self, self.loop)
        else:
            again.restart()
        self._pending.append(again)
        if self._is_held:
            self.touch()
        again.convert = convert
        return again

    def reply_to(self, request: IDBRequest[Any]) -> Reply:
        """What takes the backing store's answer."""

        return partial(self._answered, request)

    def _answered(self, request: IDBRequest[Any], result: Any, problem: BaseException | None) -> None:
        self._ready.append((request, result, problem))
        if not self._is_pumping and self._failing is None:
            self._is_pumping = True
            self.loop.call_soon(self._pump)

    def settle_awaited(self, request: IDBRequest[Any]) -> bool:
        """Settles a request as somebody begins to wait for it, if it is the next one and has its answer.

        That saves a turn of the loop, but only AT_ONCE times in a turn: others get theirs.
        """
        ready = self._ready
        if not ready or ready[0][0] is not request or not self._at_once_left or self._failing is not None:
            return False
        self._at_once_left -= 1
        self._settle_next()
        return True

    def change(self, ask: Callable[[Reply], None]) -> None:
        """Sends a change of the schema, which nobody waits for; should it fail, the transaction is aborted."""
        self._changes += 1

        def reply(_result: Any, problem: BaseException | None) -> None:
            self._changes -= 1
            if problem is not None:
                self._abort_in_turn(self.says.of_change(problem))
                return
            self.loop.call_soon(self._commit_if_through)

        ask(reply)

    def _abort_in_turn(self, problem: BaseException) -> None:
        """Aborts once what has its answer already is settled: as a request that fails after them would."""
        turn: IDBRequest[Any] = IDBRequest(None, self, self.loop)
        turn.add_done_callback(lambda _: self.abort_with(problem))
        self._pending.insert(len(self._ready), turn)
        self._answered(turn, None, problem)

    def _pump(self) -> None:
        """Settles requests in order, up to one that somebody waits for: that code runs before the next is settled.

        What nobody waits for yet gets one turn more: tasks that were created with it begin to wait then.
        """
        self._is_pumping = False
        if self._ready and self._ready[0][0].is_fresh and not self._ready[0][0].is_observed:
            for request, _, _ in self._ready:
                request.is_fresh = False
            self._pump_soon()
            return
        while self._ready and self._failing is None:
            was_observed = self._ready[0][0].is_observed
            self._settle_next()
            if was_observed:
                break
        self._pump_soon()

    def _settle_next(self) -> None:
        request, result, problem = self._ready.popleft()
        self._pending.popleft()
        self._open_window()
        if problem is None:
            try:
                result = request.convert(result)
            except TfjsdError as damage:
                problem = damage
        if problem is not None:
            self._fail(request, problem)
        else:
            request.settle(result, None)

    def _pump_soon(self) -> None:
        if self._ready and not self._is_pumping and self._failing is None:
            self._is_pumping = True
            self.loop.call_soon(self._pump)

    def _fail(self, request: IDBRequest[Any], problem: BaseException) -> None:
        """The code that waits runs first; whether the transaction is aborted is decided when its window ends."""
        request.settle(UNDEFINED, self.says.of_request(problem))
        if request.is_prevented:
            self._note_late_failure()
            self._pump_soon()
        elif self._state != "finished":
            self._failing = request
            self._failing_turns = AFTER_SETTLEMENT

    def _turn(self) -> None:
        self._at_once_left = AT_ONCE
        failing = self._failing
        if failing is None:
            return
        if failing.is_prevented:
            self._note_late_failure()
            self._failing = None
            self._pump_soon()
        elif self._failing_turns > 0:
            self._failing_turns -= 1
        else:
            self._failing = None
            self._failed(failing)

    def _failed(self, failing: IDBRequest[Any]) -> None:
        """Nobody prevented the failure."""
        if self._state != "committing":
            self.abort_with(failing.error)
        elif self.behaviour.commit_refuses_failures:
            self._failed_late = self._failed_late or failing.error
            self._pump_soon()
            self._commit_if_through()
        else:
            self.abort_with(self._error_of_failed_commit(failing))

    def _note_late_failure(self) -> None:
        if self._state == "committing" and self.behaviour.commit_refuses_failures and self._failed_late is None:
            self._failed_late = UnknownError("")

    def _error_of_failed_commit(self, failing: IDBRequest[Any]) -> BaseException | None:
        """What engines disagree on: a request failed after ``commit()``."""
        shown = self.behaviour.commit_failure
        if shown == "request":
            return failing.error
        return self.says.error("aborted") if shown == "abort" else None

    def _open_window(self) -> None:
        if self._state == "inactive":
            self._state = "active"
        self._window.open(AFTER_SETTLEMENT)

    def _window_closed(self) -> None:
        if self._state == "active" and not self._is_held:
            self._state = "inactive"
        self._commit_if_through()

    def _commit_if_through(self) -> None:
        """https://w3c.github.io/IndexedDB/#transaction-lifetime (automatic commit), or after ``commit()``"""
        if self._pending or self._changes or self._failing is not None or self._commit_is_sent:
            return
        if self._state == "committing" or (self._state == "inactive" and not self._is_held):
            if self._failed_late is not None:
                self.abort_with(self._failed_late)
                return
            self._state = "committing"
            self._commit_is_sent = True
            self.backend.commit(self._committed)

    def _committed(self, _result: Any, problem: BaseException | None) -> None:
        if self._state == "finished":
            return
        if problem is not None:
            self.abort_with(self.says.of_commit(problem))
        else:
            self._state = "finished"
            self.loop.call_soon(self._settle)

    # -- Holding --

    def hold(self) -> None:
        """Keeps the transaction from committing by itself and from becoming inactive."""
        self._is_held = True
        if self._state == "inactive":
            self._state = "active"
        self.touch()
        self._idle_timer = self.loop.call_later(IDLE_SECONDS, self._check_idle)

    def release(self, problem: BaseException | None) -> None:
        """Commits, or aborts where a problem ended the block."""
        self._is_held = False
        self._stop_timer()
        if self._state in ("committing", "finished"):
            return
        if problem is None:
            self._state = "committing"
            self._commit_if_through()
        else:
            self.abort_with_cause(problem)

    def touch(self) -> None:
        self._used_at = self.loop.time()

    def _check_idle(self) -> None:
        left = self._used_at + IDLE_SECONDS - self.loop.time()
        if left > 0 or self._pending:
            self._idle_timer = self.loop.call_later(max(left, 1.0), self._check_idle)
            return
        hint = f"Nothing was asked of it for {IDLE_SECONDS:.0f} seconds."
        self.abort_with(AbortError("The transaction was idle for too long.", hint=hint))

    def _stop_timer(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    async def settled(self) -> None:
        """Returns once the transaction is committed or aborted."""
        if not self._is_settled:
            waiter = self.loop.create_future()
            self.add_done_callback(lambda _: wake(waiter))
            await waiter

    # -- The end --

    def abort_with(self, problem: BaseException | None) -> None:
        """https://w3c.github.io/IndexedDB/#abort-a-transaction"""
        if self._state == "finished":
            return
        self._state = "finished"
        self._error = problem
        self._was_aborted = True
        self._failing = None
        self._ready.clear()
        self._stop_timer()
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
        while self._pending:
            self._pending.popleft().settle(UNDEFINED, self.says.error("aborted"))
        self._stop_timer()
        self._is_settled = True
        self.undo.clear()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

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
        return f"<IDBTransaction {self._mode} on {sorted_names(self.object_store_names)} {self._state}>"
