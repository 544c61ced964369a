"""What ``await tx.done`` waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ...errors import InvalidStateError

if TYPE_CHECKING:
    from .idb_transaction import IDBTransaction


def wake(waiter: asyncio.Future[None]) -> None:
    """Ends a wait, unless it was cancelled."""
    if not waiter.done():
        waiter.set_result(None)


class TransactionDone:
    """``await tx.done``: returns once the transaction is committed, raises what it was aborted with."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: IDBTransaction) -> None:
        self._transaction = transaction

    def __await__(self) -> Generator[Any, None, None]:
        transaction = self._transaction
        if transaction.waits_for_caller:
            hint = "Leave the block first, or call commit()."
            raise InvalidStateError("The transaction ends with the block that waits for it here.", hint=hint)
        if not transaction.is_settled:
            waiter = transaction.loop.create_future()
            transaction.add_done_callback(lambda _: wake(waiter))
            yield from waiter
        problem = transaction.abort_reason
        if problem is not None:
            raise problem.with_traceback(None)
