"""IDBRequest. https://w3c.github.io/IndexedDB/#request-api"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from ...errors import InvalidStateError
from .done_callback import run_callback

if TYPE_CHECKING:
    from .idb_transaction import IDBTransaction
    from .request_queue import RequestQueue

R = TypeVar("R")
_Settlement = tuple[Any, BaseException | None]
Convert = Callable[[Any], Any]
"""Makes a request's result of what the backing store replied."""


class IDBRequest(Generic[R]):
    """A request to a database, awaitable as often as wanted: gives the result or raises the error.

    A failed request aborts its transaction, as in a browser, unless ``prevent_default`` was called on it: before, or by
    the code that awaits it. A cursor's request becomes pending again with each step; an await sees the settlement that
    it waited for.
    """

    __slots__ = (
        "__weakref__",
        "_callbacks",
        "_error",
        "_is_done",
        "_loop",
        "_prevented",
        "_queue",
        "_result",
        "_settlements",
        "_source",
        "_tx",
        "_waiters",
        "answer",
        "convert",
        "is_answered",
        "is_fresh",
        "observers",
        "problem",
    )

    def __init__(
        self,
        source: Any,
        transaction: IDBTransaction | None,
        loop: asyncio.AbstractEventLoop,
        convert: Convert | None = None,
        queue: RequestQueue | None = None,
    ) -> None:
        self._source = source
        self._tx = transaction
        self._loop = loop
        self._queue = queue
        self._is_done = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._prevented = False
        self._settlements = 0
        self._waiters: list[asyncio.Future[_Settlement]] | None = None
        self._callbacks: list[Callable[[Any], object]] | None = None
        self.convert: Convert = convert or _as_it_is
        self.is_fresh = True
        self.observers = 0
        """How many run when the request settles."""
        self.is_answered = False
        """Whether the backing store has replied, and the request has not settled yet."""
        self.answer: Any = None
        """What the backing store has replied."""
        self.problem: BaseException | None = None
        """The same of what went wrong."""

    @property
    def source(self) -> Any:
        """The store, index or cursor that the request was made on; None for one that opens a database."""
        return self._source

    @property
    def transaction(self) -> IDBTransaction | None:
        return self._tx

    @property
    def ready_state(self) -> Literal["pending", "done"]:
        return "done" if self._is_done else "pending"

    @property
    def result(self) -> R:
        """The result; UNDEFINED where the request failed. Raises InvalidStateError while it is pending."""
        if not self._is_done:
            raise InvalidStateError(
                "Failed to read the 'result' property from 'IDBRequest': The request has not finished."
            )
        result: R = self._result
        return result

    @property
    def error(self) -> BaseException | None:
        """What the request failed with. Raises InvalidStateError while it is pending."""
        if not self._is_done:
            raise InvalidStateError(
                "Failed to read the 'error' property from 'IDBRequest': The request has not finished."
            )
        return self._error

    def prevent_default(self) -> Self:
        """The request's failure shall not abort its transaction. Gives the request, so that it can be awaited."""
        self._prevented = True
        return self

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        """``callback(request)`` runs at each settlement, in the turn in which the transaction becomes active for it.

        What it raises goes to the loop's exception handler and, as in a browser, aborts the transaction.
        """
        if self._callbacks is None:
            self._callbacks = []
        self._callbacks.append(callback)
        self.observers += 1

    def __await__(self) -> Generator[Any, None, R]:
        if self._is_done or (self._queue is not None and self._queue.settle_awaited(self)):
            result, error = self._result, self._error
        else:
            result, error = yield from self._next_settlement()
        if error is not None:
            raise error.with_traceback(None)
        return result  # type: ignore[no-any-return]

    def _next_settlement(self) -> Generator[Any, None, _Settlement]:
        """Most requests settle in the next turn: waiting for that first saves a future and a turn."""
        before = self._settlements
        self.observers += 1
        try:
            yield
        finally:
            self.observers -= 1
        if self._settlements != before:
            return self._result, self._error  # a cursor's next step may be answered already, but has not settled
        waiter: asyncio.Future[_Settlement] = self._loop.create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        self.observers += 1
        return (yield from waiter)

    # -- For the transaction --

    @property
    def is_prevented(self) -> bool:
        return self._prevented

    def answered(self, result: Any, problem: BaseException | None) -> None:
        """Takes the backing store's reply; the queue settles the request with it when its turn comes."""
        self.answer = result
        self.problem = problem
        self.is_answered = True
        queue = self._queue
        if queue is not None and not queue.is_pumping:
            queue.pump_soon()

    def settle(self, result: Any, error: BaseException | None) -> None:
        """Gives the request its outcome and wakes who waits."""
        self._result = result
        self._error = error
        self.answer = None
        self.is_answered = False
        self._is_done = True
        self._settlements += 1
        if self._waiters is not None:
            waiters, self._waiters = self._waiters, None
            self.observers -= len(waiters)
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result((result, error))
        if self._callbacks is not None:
            for callback in list(self._callbacks):
                self._run(callback)

    def _run(self, callback: Callable[[Any], object]) -> None:
        """https://w3c.github.io/IndexedDB/#fire-a-success-event, steps 8.2 and 8.3"""
        problem = run_callback(self._loop, callback, self)
        if problem is not None and self._tx is not None and self._tx.is_active:
            self._tx.abort_with_cause(problem)

    def restart(self) -> None:
        """Pending again, for a cursor's next step."""
        self._is_done = False
        self._prevented = False
        self.is_fresh = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.ready_state}>"


def _as_it_is(result: Any) -> Any:
    return result
