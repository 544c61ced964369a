"""The localStorage of an origin, over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..storage_backends.web_storage.operations import Operation as StorageOperation
from ..storage_backends.web_storage.operations import RemoveItem, SetItem
from ..wire.model_path import with_query
from ..wire.schemas import LocalStorageOp, LocalStorageOperation, LocalStorageRequest
from .effects import Operation
from .session import Session, json_request


def ask(session: Session, op: LocalStorageOp, *, key: str | None = None, index: int | None = None) -> Operation[Any]:
    """The result of one operation that changes nothing."""
    request = LocalStorageRequest((LocalStorageOperation(op, key, index=index),))
    return (yield from _post(session, request, reads=True))["result"]


def apply(session: Session, operations: Sequence[StorageOperation]) -> Operation[None]:
    """Carries out all operations or none; they are durable. Raises QuotaExceededError."""
    wire = tuple(_on_the_wire(operation) for operation in operations)
    yield from _post(session, LocalStorageRequest(wire, batched=len(wire) != 1, atomic=len(wire) != 1), reads=False)


def _on_the_wire(operation: StorageOperation) -> LocalStorageOperation:
    match operation:
        case SetItem(key, str() as value, named_property):
            return LocalStorageOperation("setItem", key, value, named_property=named_property)
        case RemoveItem(key):
            return LocalStorageOperation("removeItem", key)
        case SetItem():
            raise TypeError("an encoded value does not leave its process")
    return LocalStorageOperation("clear")


def _post(session: Session, request: LocalStorageRequest, *, reads: bool) -> Operation[dict[str, Any]]:
    target = with_query("/v1/local-storage", session.query())
    answer: dict[str, Any] = yield from session.ask_json(json_request("POST", target, request.to_json(), reads=reads))
    return answer
