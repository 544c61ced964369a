"""A database's schema that came as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..errors import BadRequestError
from ..storage_backends.indexed_db.schema import DatabaseSchema, IndexSchema, StoreSchema
from ..storage_backends.indexed_db.schema_form import index_from_form, schema_from_form, store_from_form

T = TypeVar("T")


def schema_from_json(body: Any) -> DatabaseSchema:
    """Raises BadRequestError."""
    return _checked(schema_from_form, body)


def store_from_json(body: Any) -> StoreSchema:
    """Raises BadRequestError."""
    return _checked(store_from_form, body)


def index_from_json(body: Any) -> IndexSchema:
    """Raises BadRequestError."""
    return _checked(index_from_form, body)


def _checked(read: Callable[[Any], T], body: Any) -> T:
    try:
        return read(body)
    except ValueError as problem:
        raise BadRequestError(str(problem)) from None
