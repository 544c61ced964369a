"""IDBIndex. https://w3c.github.io/IndexedDB/#index-interface"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .record_source import RecordSource
from .schema import IndexSchema
from .web_idl import dom_string

if TYPE_CHECKING:
    from .idb_object_store import IDBObjectStore


class IDBIndex(RecordSource):
    """An index as one transaction sees it. What it reads is in order of the index's keys, then of the primary keys."""

    interface: ClassVar[str] = "IDBIndex"

    def __init__(self, store: IDBObjectStore, schema: IndexSchema) -> None:
        super().__init__(store.transaction, (store.schema.id, schema.id))
        self._store = store
        self._schema = schema

    @property
    def record_store(self) -> IDBObjectStore:
        return self._store

    @property
    def object_store(self) -> IDBObjectStore:
        return self._store

    @property
    def schema(self) -> IndexSchema:
        return self._schema

    @property
    def key_path(self) -> str | list[str]:
        path = self._schema.key_path
        return list(path) if isinstance(path, list) else path

    @property
    def unique(self) -> bool:
        return self._schema.unique

    @property
    def multi_entry(self) -> bool:
        return self._schema.multi_entry

    @property
    def is_deleted(self) -> bool:
        return self._is_deleted or self._store.is_deleted

    def check(self, method: str) -> None:
        if self._is_deleted or self._tx.state != "active" or self._store.is_deleted:
            raise self._refusal(method)

    @property
    def name(self) -> str:
        """The name; setting it renames the index, in an upgrade.

        Raises InvalidStateError, TransactionInactiveError, ConstraintError.
        https://w3c.github.io/IndexedDB/#dom-idbindex-name
        """
        return self._schema.name

    @name.setter
    def name(self, name: str) -> None:
        tx, old, store = self._tx, self._schema.name, self._store.schema
        name = dom_string(name, "an index's name")
        if tx.mode != "versionchange":
            raise self._says.error("not-upgrading", "name", self.interface)
        self.check("name")
        if name == old:
            return
        if name in store.indexes:
            raise self._says.error("index-exists", "name", self.interface, name=name)
        before = dict(store.indexes)
        store.rename_index(self._schema.id, name)
        self._store.index_renamed(old, self)
        if not self.is_new:
            tx.undo.append(lambda: self._name_back(old, before))
        tx.change(lambda reply: tx.backend.rename_index(store.id, self._schema.id, name, reply))

    def mark_deleted(self, is_deleted: bool) -> None:
        self._is_deleted = is_deleted

    def _name_back(self, name: str, indexes: dict[str, IndexSchema]) -> None:
        self._schema.name = name
        self._store.schema.indexes.clear()
        self._store.schema.indexes.update(indexes)

    def __repr__(self) -> str:
        return f"<IDBIndex {self.name!r} of {self._store.name!r}>"
