"""What Node asks of Python's IndexedDB, and what Python's IndexedDB tells Node."""

from __future__ import annotations

import asyncio
import traceback
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tfjsd.errors import DOMError
from tfjsd.storage_backends.indexed_db import idb_transaction
from tfjsd.storage_backends.indexed_db.activity import AFTER_SETTLEMENT, ActivityWindow
from tfjsd.storage_backends.indexed_db.idb_cursor import IDBCursor
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.idb_open_db_request import IDBOpenDBRequest
from tfjsd.storage_backends.indexed_db.idb_request import IDBRequest
from tfjsd.storage_backends.indexed_db.idb_transaction import IDBTransaction
from tfjsd.storage_backends.indexed_db.transaction_done import TransactionDone

from .channel import Channel
from .handles import Handles, name_and_message
from .timers import Timers


class HandlerWindow(ActivityWindow):
    """A transaction of the package is active for some turns of asyncio's loop after a settlement, in place of an event
    handler. Here there are handlers: nothing is waited for after theirs, and what becomes of a failure is decided then.
    """

    __slots__ = ()

    def open(self, turns: int) -> None:
        super().open(0)

    def _tick(self) -> None:
        for _ in range(AFTER_SETTLEMENT):
            self._turn()
        super()._tick()


WINDOW = patch.object(idb_transaction, "ActivityWindow", HandlerWindow)


class HandlerThrew(Exception):
    """An event handler of the test threw."""


class Bridge:
    """One test file with its factory."""

    def __init__(self, root: Path, address: str, factory: IDBFactory) -> None:
        self._factory = factory
        self._loop = asyncio.get_running_loop()
        self._handles = Handles()
        self._seen: set[int] = set()
        self._cursors: dict[int, IDBCursor] = {}
        self._new: list[IDBTransaction] = []
        self._timers = Timers(self._loop, lambda number: self.run("timer", id=number))
        self._is_closed = False
        self.finished: asyncio.Future[tuple[list[dict[str, Any]], dict[str, Any]]] = self._loop.create_future()
        self._channel = Channel(root, address, self._answer)

    def run(self, task: str, **fields: Any) -> dict[str, Any]:
        """Runs a task in Node; once the file is through, what still happens in the store is of no interest."""
        if self._is_closed:
            return {"prevented": False, "threw": False}
        done = self._channel.run(task, **fields)
        self.checkpoint()
        return done

    def close(self) -> None:
        self._is_closed = True
        self._timers.stop_all()
        self._channel.close()

    # -- Calls --

    def _answer(self, name: str, arguments: list[Any]) -> dict[str, Any]:
        try:
            return {"ok": getattr(self, name)(*arguments)}
        except (DOMError, TypeError) as problem:
            if not isinstance(problem, DOMError) and _is_ours(problem):
                return {"throw": {"name": "bridge", "message": traceback.format_exc()}}
            kind, message = name_and_message(problem)
            return {"throw": {"name": kind, "message": message}}
        except Exception:
            return {"throw": {"name": "bridge", "message": traceback.format_exc()}}

    def factory(self) -> Any:
        return self._handles.to_wire(self._factory)

    def get(self, number: int, name: str) -> Any:
        thing = getattr(self._handles[number], name)
        if name.endswith("_names"):
            return {"names": thing}
        return self._handles.to_wire(thing)

    def set(self, number: int, name: str, value: Any) -> None:
        setattr(self._handles[number], name, value)

    def invoke(self, number: int, name: str, arguments: list[Any]) -> Any:
        given = [self._handles.from_wire(argument) for argument in arguments if argument != {"absent": 1}]
        made = getattr(self._handles[number], name)(*given)
        if isinstance(made, IDBRequest):
            self._watch(made)
        return None if isinstance(made, TransactionDone) else self._handles.to_wire(made)

    def judge(self, key: Any) -> None:
        """Raises DataError for what is no key."""
        key = self._handles.from_wire(key)
        self._factory.cmp(key, key)

    def range(self, name: str, arguments: list[Any]) -> Any:
        return self._handles.to_wire(getattr(IDBKeyRange, name)(*map(self._handles.from_wire, arguments)))

    def open(self, name: str, version: Any) -> Any:
        def upgrade(_db: Any, tx: IDBTransaction, old: int, new: int) -> None:
            self._watch_transaction(tx)
            self._tell_of_version("upgradeneeded", request, old, new, tx)

        request: IDBRequest[Any] = self._factory.open(
            name,
            self._handles.from_wire(version),
            upgrade=upgrade,
            blocked=lambda event: self._tell_of_version("blocked", request, event.old_version, event.new_version),
            versionchange=lambda event: self._tell_of_version(
                "versionchange", event.target, event.old_version, event.new_version
            ),
        )
        self._watch(request)
        return self._handles.to_wire(request)

    def delete_database(self, name: str) -> Any:
        request = self._factory.delete_database(
            name, blocked=lambda event: self._tell_of_version("blocked", request, event.old_version, None)
        )
        self._watch(request, deletes=True)
        return self._handles.to_wire(request)

    def databases(self) -> int:
        request = self._factory.databases()
        number = self._handles.number(request)
        request.add_done_callback(lambda _: self.run("databases", id=number, found=request.result))
        return number

    def transaction(self, number: int, names: Any, mode: Any, durability: Any) -> Any:
        tx = self._handles[number].transaction(names, mode, durability=durability)
        self._watch_transaction(tx)
        self._new.append(tx)
        return self._handles.to_wire(tx)

    def check_write(self, number: int, method: str) -> None:
        self._handles[number]._check_write(method)

    def clone_begins(self, number: int) -> None:
        self._transaction_of(number).state = "inactive"

    def clone_ends(self, number: int) -> None:
        self._transaction_of(number).state = "active"

    def checkpoint(self) -> None:
        """https://w3c.github.io/IndexedDB/#cleanup-indexed-database-transactions"""
        new, self._new = self._new, []
        for tx in new:
            _deactivate(tx)

    def timer(self, delay: float, repeats: bool) -> int:
        return self._timers.start(delay / 1000, repeats)

    def stop_timer(self, number: int) -> None:
        self._timers.stop(number)

    def finish(self, tests: list[dict[str, Any]], status: dict[str, Any]) -> None:
        if not self.finished.done():
            self.finished.set_result((tests, status))

    # -- Events --

    def _watch(self, request: IDBRequest[Any], deletes: bool = False) -> None:
        if id(request) not in self._seen:
            self._seen.add(id(request))
            self._handles.number(request)
            request.add_done_callback(partial(self._settled, deletes=deletes))

    def _watch_transaction(self, tx: IDBTransaction) -> None:
        self._handles.number(tx)
        tx.add_done_callback(self._ended)

    def _settled(self, request: IDBRequest[Any], deletes: bool) -> None:
        if deletes and request.error is None:
            assert isinstance(request, IDBOpenDBRequest)
            self._tell_of_version("success", request, request.old_version or 0, None)
            return
        if request.error is None and isinstance(request.result, IDBCursor):
            self._cursors[id(request)] = request.result
        cursor = self._cursors.get(id(request))
        moved = None if cursor is None else self._handles.to_wire(cursor)
        type_ = "success" if request.error is None else "error"
        tx = None if isinstance(request, IDBOpenDBRequest) else request.transaction
        done = self._tell(request, type_, tx, moved=moved)
        if done["prevented"]:
            request.prevent_default()

    def _ended(self, tx: IDBTransaction) -> None:
        self._tell(tx, "complete" if tx.abort_reason is None else "abort", None)

    def _tell_of_version(
        self, type_: str, target: Any, old: int, new: int | None, tx: IDBTransaction | None = None
    ) -> None:
        self._tell(target, type_, tx, fields={"oldVersion": old, "newVersion": new})

    def _tell(self, target: Any, type_: str, tx: IDBTransaction | None, **fields: Any) -> dict[str, Any]:
        done = self.run("event", target=self._handles.to_wire(target), type=type_, **fields)
        if tx is not None and tx.is_active:
            _deactivate(tx)
            if done["threw"]:
                tx.abort_with_cause(HandlerThrew())
        return done

    def _transaction_of(self, number: int) -> IDBTransaction:
        thing = self._handles[number]
        tx: IDBTransaction = thing._tx if isinstance(thing, IDBCursor) else thing.transaction
        return tx


def _deactivate(tx: IDBTransaction) -> None:
    """The handler's end; the window of no turns then looks whether to commit."""
    if tx.is_active:
        tx.state = "inactive"


def _is_ours(problem: BaseException) -> bool:
    """Whether a TypeError was raised by this file or a mere call, not by the package on purpose."""
    frames = traceback.extract_tb(problem.__traceback__)
    return Path(frames[-1].filename).parent == Path(__file__).parent
