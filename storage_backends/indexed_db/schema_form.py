"""A database's schema as a record of plain values: what is stored, and what travels as JSON."""

from __future__ import annotations

from typing import Any

from ...errors import CorruptionError
from ..values import cannot_stage, decode, encode
from .layout import LATER
from .schema import DatabaseSchema, IndexSchema, StoreSchema


def schema_to_form(schema: DatabaseSchema) -> dict[str, Any]:
    return {
        "id": schema.id,
        "name": schema.name,
        "version": schema.version,
        "lastId": schema.last_id,
        "stores": [store_to_form(store) for store in schema.stores.values()],
    }


def store_to_form(store: StoreSchema) -> dict[str, Any]:
    return {
        "id": store.id,
        "name": store.name,
        "keyPath": store.key_path,
        "autoIncrement": store.auto_increment,
        "indexes": [index_to_form(index) for index in store.indexes.values()],
    }


def index_to_form(index: IndexSchema) -> dict[str, Any]:
    return {
        "id": index.id,
        "name": index.name,
        "keyPath": index.key_path,
        "unique": index.unique,
        "multiEntry": index.multi_entry,
    }


def schema_from_form(body: Any) -> DatabaseSchema:
    """Raises ValueError."""
    schema = DatabaseSchema(_id(body), _name(body), _number(body, "version"), _number(body, "lastId"))
    for row in _member(body, "stores", list):
        store = store_from_form(row)
        schema.stores[store.name] = store
    return schema


def store_from_form(body: Any) -> StoreSchema:
    """Raises ValueError."""
    path = body.get("keyPath") if isinstance(body, dict) else None
    if path is not None:
        path = _path(body)
    store = StoreSchema(_id(body), _name(body), path, _member(body, "autoIncrement", bool))
    for row in _member(body, "indexes", list):
        index = index_from_form(row)
        store.indexes[index.name] = index
    return store


def index_from_form(body: Any) -> IndexSchema:
    """Raises ValueError."""
    flags = (_member(body, "unique", bool), _member(body, "multiEntry", bool))
    return IndexSchema(_id(body), _name(body), _path(body), *flags)


def _member(body: Any, name: str, kind: type) -> Any:
    value = body.get(name) if isinstance(body, dict) else None
    if type(value) is not kind:
        raise ValueError(f'"{name}" of a schema must be a {kind.__name__}.')
    return value


def _id(body: Any) -> int:
    number = _number(body, "id")
    if number >= LATER:
        raise ValueError(f'"id" of a schema must be below {LATER}.')
    return number


def _number(body: Any, name: str) -> int:
    number: int = _member(body, name, int)
    if number < 0:
        raise ValueError(f'"{name}" of a schema must not be negative.')
    return number


def _name(body: Any) -> str:
    name: str = _member(body, "name", str)
    return name


def _path(body: Any) -> str | list[str]:
    path = body.get("keyPath") if isinstance(body, dict) else None
    if isinstance(path, str):
        return path
    if isinstance(path, list) and path and all(isinstance(item, str) for item in path):
        return path
    raise ValueError('"keyPath" must be a string or a list of strings.')


def encode_schema(schema: DatabaseSchema) -> bytes:
    """What is stored of a schema."""
    return encode(schema_to_form(schema), cannot_stage).data


def decode_schema(data: bytes) -> DatabaseSchema:
    """Raises CorruptionError for bytes that are no schema."""
    try:
        return schema_from_form(decode(data, _no_blob))
    except ValueError as problem:
        raise CorruptionError(f"a stored schema is damaged: {problem}") from problem


def _no_blob(_blob: object) -> memoryview:
    raise CorruptionError("a stored schema is damaged: it refers to a blob")
