"""The localStorage of an origin, over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from ..storage_backends.web_storage.operations import Operation as StorageOperation
from ..storage_backends.web_storage.operations import RemoveItem, SetItem
from ..wire.model_path import with_query
from ..wire.schemas import LocalStorageOp, LocalStorageOperation
from .effects import Operation
from .session import Session, json_request, text_request


def ask(session: Session, op: LocalStorageOp, *, key: str | None = None, index: int | None = None) -> Operation[Any]:
    """The result of one operation that changes nothing."""
    operation = LocalStorageOperation(op, key, index=index)
    request = json_request("POST", target(session.origin), operation.to_json(), reads=True)
    return (yield from session.ask_json(request))["result"]


def apply(session: Session, operations: Sequence[StorageOperation]) -> Operation[None]:
    """Carries out all operations or none; they are durable. Raises QuotaExceededError."""
    texts = [_as_json(operation) for operation in operations]
    text = texts[0] if len(texts) == 1 else f'{{"ops":[{",".join(texts)}],"atomic":true}}'
    yield from session.ask(text_request("POST", target(session.origin), text, reads=False))


def _as_json(operation: StorageOperation) -> str:
    """Written at once: a thousand of them as objects first take twice as long."""
    if isinstance(operation, SetItem):
        key, value, named_property = operation
        if not isinstance(value, str):
            raise TypeError("an encoded value does not leave its process")
        named = ',"namedProperty":true' if named_property else ""
        return f'{{"op":"setItem","key":{quoted(key)},"value":{quoted(value)}{named}}}'
    if isinstance(operation, RemoveItem):
        return f'{{"op":"removeItem","key":{quoted(operation.key)}}}'
    return '{"op":"clear"}'


@lru_cache(64)
def target(origin: str) -> str:
    """Where an origin's localStorage is asked."""
    return with_query("/v1/local-storage", {"origin": origin})
