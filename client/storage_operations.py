"""The localStorage of an origin, over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..storage_backends.web_storage.operations import Operation as StorageOperation
from ..storage_backends.web_storage.operations import RemoveItem, SetItem
from ..wire.model_path import with_query
from ..wire.schemas import LocalStorageOp, LocalStorageOperation
from .effects import Operation
from .session import Session, json_request


def ask(session: Session, op: LocalStorageOp, *, key: str | None = None, index: int | None = None) -> Operation[Any]:
    """The result of one operation that changes nothing."""
    operation = LocalStorageOperation(op, key, index=index)
    return (yield from _post(session, operation.to_json(), reads=True))["result"]


def apply(session: Session, operations: Sequence[StorageOperation]) -> Operation[None]:
    """Carries out all operations or none; they are durable. Raises QuotaExceededError."""
    wire = [_on_the_wire(operation) for operation in operations]
    yield from _post(session, wire[0] if len(wire) == 1 else {"ops": wire, "atomic": True}, reads=False)


def _on_the_wire(operation: StorageOperation) -> dict[str, Any]:
    if isinstance(operation, SetItem):
        key, value, named_property = operation
        if not isinstance(value, str):
            raise TypeError("an encoded value does not leave its process")
        if named_property:
            return {"op": "setItem", "key": key, "value": value, "namedProperty": True}
        return {"op": "setItem", "key": key, "value": value}
    if isinstance(operation, RemoveItem):
        return {"op": "removeItem", "key": operation.key}
    return {"op": "clear"}


def _post(session: Session, body: dict[str, Any], *, reads: bool) -> Operation[dict[str, Any]]:
    request = json_request("POST", target(session.origin), body, reads=reads)
    answer: dict[str, Any] = yield from session.ask_json(request)
    return answer


@lru_cache(64)
def target(origin: str) -> str:
    """Where an origin's localStorage is asked."""
    return with_query("/v1/local-storage", {"origin": origin})
