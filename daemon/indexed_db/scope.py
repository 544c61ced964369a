"""What a transaction's client may ask of it; no client of ours asks anything else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ...errors import BadRequestError
from ...storage_backends.indexed_db.abc import Mode
from ...storage_backends.indexed_db.layout import STORE_ITSELF
from ...storage_backends.indexed_db.schema import DatabaseSchema
from ...wire.indexed_db import Message

_CHANGES: Final = frozenset({"put", "delete", "clear"})
_SCHEMA_CHANGES: Final = frozenset(
    {"createStore", "deleteStore", "renameStore", "createIndex", "deleteIndex", "renameIndex"}
)
_OF_NO_STORE: Final = frozenset({"createStore", "commit", "abort"})
_OF_AN_INDEX: Final = frozenset({"read", "count", "deleteIndex", "renameIndex"})


class Scope:
    """A mode, and the names of the stores (None: all)."""

    __slots__ = ("_mode", "_stores")

    def __init__(self, mode: Mode, stores: Collection[str] | None = None) -> None:
        self._mode = mode
        self._stores = stores

    def check(self, message: Message, schema: DatabaseSchema) -> None:
        """Raises BadRequestError where the mode does not allow a request, or there is no such store or index."""
        kind = message.type
        if (kind in _SCHEMA_CHANGES and self._mode != "versionchange") or (
            kind in _CHANGES and self._mode == "readonly"
        ):
            raise BadRequestError(f'There is no "{kind}" in a transaction of the mode {self._mode}.')
        if kind in _OF_NO_STORE:
            return
        try:
            store = schema.store(message.number("store"))
            for index in _indexes_of(message):
                store.index(index)
        except KeyError as problem:
            raise BadRequestError("There is no such store or index.") from problem
        if self._stores is not None and store.name not in self._stores:
            raise BadRequestError(f"The store {store.name!r} is not in the transaction's scope.")
        if kind == "put" and message.optional_part(1) is None and not store.auto_increment:
            raise BadRequestError("The store generates no keys.")


def _indexes_of(message: Message) -> list[int]:
    if message.type == "put":
        return [index for index, _ in message.pairs("entries")]
    if message.type in _OF_AN_INDEX:
        index = message.number("index")
        return [] if index == STORE_ITSELF and message.type in ("read", "count") else [index]
    return []
