"""The schemas of a bucket's databases."""

from __future__ import annotations

from ...errors import CorruptionError
from .key_coding import decode_key
from .layout import DATABASES, METADATA, database_key
from .schema import DatabaseSchema
from .schema_form import decode_schema
from .write_set import Base

_END_OF_DATABASES = METADATA + b"\x02"


class DatabaseCatalogue:
    """The committed (or sequenced) schemas of a bucket's databases, read once. Guarded by the bucket's mutex."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._known: dict[str, DatabaseSchema | None] = {}

    def get(self, name: str) -> DatabaseSchema | None:
        """None where there is no such database. Don't change what you get; ``copy`` it. Raises CorruptionError."""
        if name not in self._known:
            key = database_key(name)
            data = self._base.get(key)
            self._known[name] = None if data is None else _schema_of(key, data)
        return self._known[name]

    def set(self, name: str, schema: DatabaseSchema | None) -> None:
        self._known[name] = schema

    def forget(self, name: str) -> None:
        """The next ``get`` reads what is there."""
        self._known.pop(name, None)

    def all(self) -> list[DatabaseSchema]:
        """Raises CorruptionError that names the database whose record is damaged."""
        records = list(self._base.scan(DATABASES, _END_OF_DATABASES))
        schemas = [_schema_of(key, data) for key, data in records]
        return [schema for found in schemas if (schema := self.get(found.name)) is not None]


def _schema_of(key: bytes, data: bytes) -> DatabaseSchema:
    name = decode_key(key[len(DATABASES) :])
    try:
        schema = decode_schema(data)
    except CorruptionError as damage:
        raise CorruptionError(f"the record of the database {name!r} is damaged: {damage}") from damage
    if schema.name != name:
        raise CorruptionError(f"the record of the database {name!r} is damaged: it is that of {schema.name!r}")
    return schema
