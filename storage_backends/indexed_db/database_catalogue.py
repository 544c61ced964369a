"""The schemas of a bucket's databases."""

from __future__ import annotations

from .layout import DATABASES, METADATA, database_key
from .schema import DatabaseSchema, decode_schema
from .write_set import Base

_END_OF_DATABASES = METADATA + b"\x02"


class DatabaseCatalogue:
    """The committed (or sequenced) schemas of a bucket's databases, read once. Guarded by the bucket's mutex."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._known: dict[str, DatabaseSchema | None] = {}

    def get(self, name: str) -> DatabaseSchema | None:
        """None where there is no such database. Don't change what you get; ``copy`` it."""
        if name not in self._known:
            data = self._base.get(database_key(name))
            self._known[name] = None if data is None else decode_schema(data)
        return self._known[name]

    def set(self, name: str, schema: DatabaseSchema | None) -> None:
        self._known[name] = schema

    def forget(self, name: str) -> None:
        """The next ``get`` reads what is there."""
        self._known.pop(name, None)

    def all(self) -> list[DatabaseSchema]:
        records = list(self._base.scan(DATABASES, _END_OF_DATABASES))
        schemas = [decode_schema(data) for _, data in records]
        return [schema for found in schemas if (schema := self.get(found.name)) is not None]
