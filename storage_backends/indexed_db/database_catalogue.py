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
        self._known: dict[str, DatabaseSchema] = {}

    def get(self, name: str) -> DatabaseSchema | None:
        """None where there is no such database. Don't change what you get; ``copy`` it. Raises CorruptionError."""
        schema = self._known.get(name)
        if schema is None:
            key = database_key(name)
            data = self._base.get(key)
            if data is not None:
                schema = self._known[name] = _schema_of(key, data)
        return schema

    def replace(self, name: str, schema: DatabaseSchema | None) -> None:
        """In the block of the mutation that does it. None: it is deleted."""
        if schema is None:
            self.forget(name)
        else:
            self._known[name] = schema

    def forget(self, name: str) -> None:
        """The next ``get`` reads what is there."""
        self._known.pop(name, None)

    def names(self) -> list[str]:
        """In order of their code units."""
        records = list(self._base.scan(DATABASES, _END_OF_DATABASES))
        return [decode_key(key[len(DATABASES) :]) for key, _ in records]

    def version(self, name: str) -> int:
        """0 where there is no such database, or nobody knows because its record is damaged."""
        try:
            schema = self.get(name)
        except CorruptionError:
            return 0
        return 0 if schema is None else schema.version

    def claimed(self, but: str) -> set[int]:
        """The ids of all databases but one. Raises CorruptionError where another's record is damaged."""
        others = (self.get(name) for name in self.names() if name != but)
        return {schema.id for schema in others if schema is not None}


def _schema_of(key: bytes, data: bytes) -> DatabaseSchema:
    name = decode_key(key[len(DATABASES) :])
    try:
        schema = decode_schema(data)
    except CorruptionError as damage:
        raise CorruptionError(f"the record of the database {name!r} is damaged: {damage}") from damage
    if schema.name != name:
        raise CorruptionError(f"the record of the database {name!r} is damaged: it is that of {schema.name!r}")
    return schema
