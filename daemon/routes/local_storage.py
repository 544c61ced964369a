"""``POST /v1/local-storage``: an origin's Storage object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import Any

from aiohttp import web

from ...errors import TfjsdError
from ...storage_backends.abc import Durability
from ...storage_backends.buckets import Bucket
from ...storage_backends.web_storage.operations import Clear, Operation, RemoveItem, SetItem
from ...storage_backends.web_storage.storage_area import StorageArea
from ...wire.error_body import error_to_json
from ...wire.json_text import dump_json
from ...wire.schemas import LocalStorageOperation, parse_local_storage
from ..service import Call, json_answer, text_answer
from . import Route

_SMALL_VALUE = 16 * 1024
_FEW_KEYS = 256
_READS = frozenset({"getItem", "key", "length", "keys", "items"})


async def local_storage(call: Call) -> web.StreamResponse:
    """One operation, a list of them, or an atomic list. Writes are durable when they are answered.

    In a list that is not atomic an operation that fails has ``{"error": …}`` among the results.
    """
    request = parse_local_storage(await call.json(), operations_limit=call.service.limits.operations)
    origin, workers = await call.origin(), call.service.workers
    session = Session(origin.area, call.durability())
    if request.atomic:
        return json_answer(
            {"results": await workers.long_commit(session.atomically, origin.bucket, request.operations)}
        )
    if request.batched:
        outcomes = await workers.long(session.one_by_one, request.operations)
        return json_answer({"results": await workers.long(lambda: [outcome() for outcome in outcomes])})
    operation = request.operations[0]
    if operation.op in _READS:
        if session.is_small(operation):
            return text_answer(session.read_text(operation))
        return text_answer(await workers.long(session.read_text, operation))
    is_small = operation.op != "clear" and len(operation.value or "") <= _SMALL_VALUE
    at_once = is_small and origin.bucket.is_ready
    await (workers.commit_here if at_once else workers.commit)(session.write, operation)
    return json_answer({"result": None})


class Session:
    """One request's view: its own changes at once, those of others once they are committed."""

    def __init__(self, area: StorageArea, durability: Durability) -> None:
        self._area = area
        self._durability = durability

    def read(self, operation: LocalStorageOperation) -> Any:
        """The result of an operation that changes nothing."""
        match operation.op:
            case "getItem":
                return self._area.get_item(operation.key or "", source=self)
            case "key":
                return self._area.key(operation.index or 0, source=self)
            case "length":
                return self._area.length(source=self)
            case "items":
                return self._area.items(source=self)
            case "keys":
                return self._area.keys(source=self)
        raise AssertionError(f"{operation.op} reads nothing")

    def is_small(self, operation: LocalStorageOperation) -> bool:
        """Whether reading takes less time than a change of threads."""
        if operation.op == "getItem":
            return self._area.value_units(operation.key or "") <= _SMALL_VALUE
        return operation.op == "length" or self._area.length(source=self) <= _FEW_KEYS

    def read_text(self, operation: LocalStorageOperation) -> str:
        """The whole answer to one reading operation."""
        return dump_json({"result": self.read(operation)})

    def write(self, operation: LocalStorageOperation) -> Future[None]:
        """Carries out an operation that changes something. Raises QuotaExceededError."""
        return self._area.submit([_change(operation)], self._durability, source=self)

    def one_by_one(self, operations: Sequence[LocalStorageOperation]) -> list[Callable[[], object]]:
        """Does each; the functions give the results, after their commits, so that the list shares syncs."""
        return [self._outcome(operation) for operation in operations]

    def atomically(self, bucket: Bucket, operations: Sequence[LocalStorageOperation]) -> Future[list[object]]:
        """Does all or nothing. Raises QuotaExceededError."""
        done: Future[list[object]] = Future()
        changes = self._area.prepare([_change(operation) for operation in operations if operation.op not in _READS])
        waiting, results = iter(changes), list[object]()
        try:
            with bucket.mutate(self._durability) as mutation:
                for reads, group in groupby(operations, lambda operation: operation.op in _READS):
                    if reads:
                        results += map(self.read, group)
                    else:
                        together = [next(waiting) for _ in group]
                        self._area.apply(mutation, together, source=self)
                        results += [None] * len(together)
        except BaseException:
            self._area.discard(changes)
            raise
        mutation.future.add_done_callback(lambda future: _pass_on(future, done, results))
        return done

    def _outcome(self, operation: LocalStorageOperation) -> Callable[[], object]:
        try:
            if operation.op in _READS:
                value = self.read(operation)
                return lambda: value
            future = self.write(operation)
        except TfjsdError as error:
            reported = {"error": error_to_json(error)}
            return lambda: reported
        return lambda: _settled(future)


def _change(operation: LocalStorageOperation) -> Operation:
    match operation.op:
        case "setItem":
            return SetItem(operation.key or "", operation.value or "", operation.named_property)
        case "removeItem":
            return RemoveItem(operation.key or "")
        case "clear":
            return Clear()
    raise AssertionError(f"{operation.op} changes nothing")


def _settled(future: Future[None]) -> object:
    try:
        return future.result()
    except TfjsdError as error:
        return {"error": error_to_json(error)}


def _pass_on(source: Future[None], target: Future[list[object]], results: list[object]) -> None:
    error = source.exception()
    if error is None:
        target.set_result(results)
    else:
        target.set_exception(error)


ROUTES = (Route("POST", "/v1/local-storage", local_storage),)
