"""A transaction's requests in the order in which they were made, and when each settles."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import takewhile
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from ..script_types import UNDEFINED
from .idb_request import Convert, IDBRequest

if TYPE_CHECKING:
    from .idb_transaction import IDBTransaction

AT_ONCE: Final = 32
"""How many requests settle in one turn of the loop because somebody began to wait for them."""


class RequestQueue:
    """Settles requests in their order, as their answers come.

    ``settling`` is called before the first settlement of a turn, ``failed`` with a request whose answer is a problem:
    it settles that one, and may ``pause`` the queue until it is known what becomes of the transaction.
    """

    __slots__ = ("_at_once_left", "_failed", "_has_told", "_is_paused", "_loop", "_pending", "_settling", "is_pumping")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settling: Callable[[], None],
        failed: Callable[[IDBRequest[Any], BaseException], None],
    ) -> None:
        self._loop = loop
        self._settling = settling
        self._failed = failed
        self._pending: deque[IDBRequest[Any]] = deque()
        self._is_paused = False
        self._has_told = False
        self._at_once_left = AT_ONCE
        self.is_pumping = False
        """Whether what has its answer will settle without ``pump_soon``."""

    def __len__(self) -> int:
        """How many have not settled yet."""
        return len(self._pending)

    def place(self, transaction: IDBTransaction | None, source: Any, convert: Convert | None) -> IDBRequest[Any]:
        """A new request, behind those that are there. The backing store is to tell it its answer."""
        request: IDBRequest[Any] = IDBRequest(source, transaction, self._loop, convert, self)
        self._pending.append(request)
        return request

    def place_again(self, request: IDBRequest[Any]) -> None:
        """A cursor's request, for its next step."""
        request.restart()
        self._pending.append(request)

    def fail_in_turn(self, problem: BaseException, failed: Callable[[IDBRequest[Any]], object]) -> None:
        """What nobody waits for fails, as a request would: once those before it that have their answer are settled."""
        request: IDBRequest[Any] = IDBRequest(None, None, self._loop, None, self)
        request.add_done_callback(failed)
        self._pending.insert(len(self._ready()), request)
        request.answered(None, problem)

    def settle_awaited(self, request: IDBRequest[Any]) -> bool:
        """Settles a request as somebody begins to wait for it, if it is the next one and has its answer.

        That saves a turn of the loop, but only AT_ONCE times in a turn: others get theirs. Who waited or listened
        before is told by the turn.
        """
        if not request.is_answered or self._pending[0] is not request or request.observers:
            return False
        if not self._at_once_left or self._is_paused:
            return False
        self._at_once_left -= 1
        self._settle_next()
        return True

    def turn(self) -> None:
        """Another turn of the loop has begun."""
        self._at_once_left = AT_ONCE
        self._has_told = False

    def pause(self) -> None:
        """Nothing settles until ``resume`` or ``end``."""
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False
        self.pump_soon()

    def end(self, error: Callable[[], BaseException]) -> None:
        """Settles all with an error of their own."""
        while self._pending:
            self._pending.popleft().settle(UNDEFINED, error())

    def _ready(self) -> list[IDBRequest[Any]]:
        """The first ones, as far as they have their answers."""
        return list(takewhile(attrgetter("is_answered"), self._pending))

    def _may_settle(self) -> bool:
        return bool(self._pending) and self._pending[0].is_answered and not self._is_paused

    def _pump(self) -> None:
        """Settles requests in order, up to one that somebody waits for: that code runs before the next is settled.

        What nobody waits for yet gets one turn more: tasks that were created with it begin to wait then.
        """
        self.is_pumping = False
        if self._may_settle() and self._pending[0].is_fresh and not self._pending[0].observers:
            for request in self._ready():
                request.is_fresh = False
            self.pump_soon()
            return
        while self._may_settle():
            was_observed = self._pending[0].observers
            self._settle_next()
            if was_observed:
                break
        self.pump_soon()

    def pump_soon(self) -> None:
        """In the next turn settles what has its answer."""
        if not self.is_pumping and self._may_settle():
            self.is_pumping = True
            self._loop.call_soon(self._pump)

    def _settle_next(self) -> None:
        request = self._pending.popleft()
        if not self._has_told:
            self._has_told = True
            self._settling()
        problem = request.problem
        if problem is None:
            try:
                result = request.convert(request.answer)
            except Exception as damage:  # noqa: BLE001 (whatever it is, who waits is to know, and those behind go on)
                problem = damage
            else:
                request.settle(result, None)
                return
        self._failed(request, problem)
