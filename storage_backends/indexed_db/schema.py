"""What a database is made of: its version, stores and indexes."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

KeyPath = str | list[str] | None
"""None: out-of-line keys (stores only)."""


@dataclass(slots=True)
class IndexSchema:
    """https://w3c.github.io/IndexedDB/#index-construct"""

    id: int
    name: str
    key_path: str | list[str]
    unique: bool = False
    multi_entry: bool = False


@dataclass(slots=True)
class StoreSchema:
    """https://w3c.github.io/IndexedDB/#object-store-construct"""

    id: int
    name: str
    key_path: KeyPath = None
    auto_increment: bool = False
    indexes: dict[str, IndexSchema] = field(default_factory=dict)

    def index(self, index_id: int) -> IndexSchema:
        """The index of that id. Raises KeyError."""
        for index in self.indexes.values():
            if index.id == index_id:
                return index
        raise KeyError(index_id)

    def rename_index(self, index_id: int, name: str) -> None:
        """Raises KeyError."""
        index = self.index(index_id)
        del self.indexes[index.name]
        index.name = name
        self.indexes[name] = index


@dataclass(slots=True)
class DatabaseSchema:
    """https://w3c.github.io/IndexedDB/#database-construct"""

    id: int
    name: str
    version: int = 0
    last_id: int = 0
    """The last id that a store or an index was given."""
    stores: dict[str, StoreSchema] = field(default_factory=dict)

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def copy(self) -> DatabaseSchema:
        return deepcopy(self)

    def store(self, store_id: int) -> StoreSchema:
        """The store of that id. Raises KeyError."""
        for store in self.stores.values():
            if store.id == store_id:
                return store
        raise KeyError(store_id)

    def remove_store(self, store_id: int) -> None:
        del self.stores[self.store(store_id).name]

    def rename_store(self, store_id: int, name: str) -> None:
        """Raises KeyError."""
        store = self.store(store_id)
        del self.stores[store.name]
        store.name = name
        self.stores[name] = store


def sorted_names(names: Iterable[str]) -> list[str]:
    """In order of UTF-16 code units. https://w3c.github.io/IndexedDB/#sorted-name-list"""
    return sorted(names, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
