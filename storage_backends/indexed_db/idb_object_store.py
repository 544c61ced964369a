"""IDBObjectStore. https://w3c.github.io/IndexedDB/#object-store-interface"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import DataCloneError, DOMError, InvalidStateError
from ..script_types import UNDEFINED
from ..values import Encoded, Injection, encode
from .abc import Put
from .firefox_order import place_of_index
from .idb_index import IDBIndex
from .idb_request import IDBRequest
from .index_entries import entries_of
from .key_coding import InvalidKeyError, decode_key, key_forms
from .key_injection import injection_into
from .key_path import ABSENT, evaluate, is_valid_key_path
from .layout import STORE_ITSELF
from .record_source import RecordSource
from .schema import IndexSchema, KeyPath, StoreSchema, sorted_names
from .staging import stand_in
from .web_idl import dom_string

if TYPE_CHECKING:
    from .idb_cursor import IDBCursor
    from .idb_transaction import IDBTransaction


class IDBObjectStore(RecordSource):
    """A store as one transaction sees it."""

    interface: ClassVar[str] = "IDBObjectStore"

    def __init__(self, transaction: IDBTransaction, schema: StoreSchema) -> None:
        super().__init__(transaction, (schema.id, STORE_ITSELF))
        self._is_read_only = transaction.mode == "readonly"
        self._schema = schema
        self._indexes: dict[str, IDBIndex] = {}

    # -- Attributes --

    @property
    def record_store(self) -> IDBObjectStore:
        return self

    @property
    def schema(self) -> StoreSchema:
        return self._schema

    @property
    def key_path(self) -> KeyPath:
        path = self._schema.key_path
        return list(path) if isinstance(path, list) else path

    @property
    def auto_increment(self) -> bool:
        return self._schema.auto_increment

    @property
    def index_names(self) -> list[str]:
        return [] if self._is_deleted else sorted_names(self._schema.indexes)

    @property
    def name(self) -> str:
        """The name; setting it renames the store, in an upgrade.

        Raises InvalidStateError, TransactionInactiveError, ConstraintError.
        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-name
        """
        return self._schema.name

    @name.setter
    def name(self, name: str) -> None:
        tx, old, name = self._tx, self._schema.name, dom_string(name, "a store's name")
        if self._is_deleted:
            raise self._says.error("store-deleted", "name", self.interface)
        if tx.mode != "versionchange":
            raise self._says.error("not-upgrading", "name", self.interface)
        self.check("name")
        if name == old:
            return
        schema = tx.db.schema
        if name in schema.stores:
            raise self._says.error("store-exists", "name", self.interface, name=name)
        schema.rename_store(self._schema.id, name)
        tx.store_renamed(old, self)
        if not self.is_new:
            tx.undo.append(lambda: setattr(self._schema, "name", old))
        self._change(lambda reply: tx.backend.rename_store(self._schema.id, name, reply))

    # -- Writing --

    def put(self, value: Any, key: Any = None) -> IDBRequest[Any]:
        """Stores a value, over a record with the same key; gives the key.

        Raises TransactionInactiveError, ReadOnlyError, DataError, DataCloneError, InvalidStateError. The request may
        fail with ConstraintError or QuotaExceededError. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-put
        """
        return self._add_or_put("put", value, key, overwrite=True)

    def add(self, value: Any, key: Any = None) -> IDBRequest[Any]:
        """Stores a value; the request fails with ConstraintError where the key has a record.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-add
        """
        return self._add_or_put("add", value, key, overwrite=False)

    def delete(self, query: Any) -> IDBRequest[None]:
        """Deletes the records in a range, or under a key. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-delete"""
        self._check_write("delete")
        bounds = self.bounds_of(query, "delete")
        request = self._tx.request(self, _undefined)
        self._tx.backend.delete(self._schema.id, bounds, request.answered)
        return request

    def clear(self) -> IDBRequest[None]:
        """Deletes all records. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-clear"""
        self._check_write("clear")
        request = self._tx.request(self, _undefined)
        self._tx.backend.clear(self._schema.id, request.answered)
        return request

    def replace(self, cursor: IDBCursor, value: Any, exact_key: bytes, key: bytes) -> IDBRequest[Any]:
        """What ``cursor.update`` does once it has checked itself."""
        inline = self._schema.key_path
        encoded = self._encode(value, None, "update", "IDBCursor")
        exact: bytes | None = exact_key if exact_key != key else None
        if inline is not None:
            found = evaluate(value, inline)
            new_key, exact = (None, None) if found is ABSENT else self._forms(found)
            if new_key != key:
                raise self._says.error("other-key", "update", "IDBCursor")
        return self._store(cursor, Put(encoded, key, exact, self._entries(value, None)))

    def _add_or_put(self, method: str, value: Any, key: Any, *, overwrite: bool) -> IDBRequest[Any]:
        """https://w3c.github.io/IndexedDB/#add-or-put"""
        self._check_write(method)
        if key is UNDEFINED:
            key = None
        try:
            stored, exact, inject = self._key_for(method, value, key)
        except DOMError:
            if self._tx.behaviour.clones_before_keys or self._schema.key_path is not None:
                self._check_cloneable(value, method)
            raise
        encoded = self._encode(value, inject, method, self.interface)
        generated = self._schema.key_path if inject is not None else None
        return self._store(self, Put(encoded, stored, exact, self._entries(value, generated), overwrite))

    def _key_for(self, method: str, value: Any, key: Any) -> tuple[bytes | None, bytes | None, Injection | None]:
        """The key, its exact form, and where a generated one belongs."""
        says, inline, generates = self._says, self._schema.key_path, self._schema.auto_increment
        if inline is not None:
            if key is not None:
                if self._tx.behaviour.checks_given_keys_first:
                    self.key_of(key, method)
                raise says.error("key-given", method, self.interface)
            return self._inline_key(method, value, inline)
        if key is None:
            if not generates:
                raise says.error("key-missing", method, self.interface)
            return None, None, None
        return self.key_of(key, method), self._forms(key)[1], None

    def _inline_key(
        self, method: str, value: Any, inline: str | list[str]
    ) -> tuple[bytes | None, bytes | None, Injection | None]:
        found = evaluate(value, inline)
        if self._tx.behaviour.undefined_is_absent and _has_undefined(found, inline):
            found = ABSENT
        if found is not ABSENT:
            key, exact = self._forms(found)
            if key is None:
                raise self._says.error("path-invalid-key", method, self.interface)
            return key, exact, None
        if not self._schema.auto_increment or not isinstance(inline, str):
            raise self._says.error("path-no-value", method, self.interface)
        injection = injection_into(value, inline)
        if injection is None:
            raise self._says.error("cannot-inject", method, self.interface)
        return None, None, injection

    def _forms(self, value: Any) -> tuple[bytes | None, bytes | None]:
        """A key and, where the browser keeps its -0, the exact form; nothing where the value is no key."""
        try:
            key, exact = key_forms(value, self._key_depth)
        except InvalidKeyError:
            return None, None
        return key, exact if self._tx.behaviour.keeps_negative_zero else None

    def _encode(self, value: Any, inject: Injection | None, method: str, interface: str) -> Encoded:
        try:
            return encode(value, self._tx.backend.stage, inject)
        except DataCloneError as problem:
            raise self._says.not_cloneable(problem, method, interface) from None

    def _check_cloneable(self, value: Any, method: str) -> None:
        """Raises DataCloneError, which comes before what is wrong with the key."""
        try:
            encode(value, lambda data: stand_in(memoryview(data).nbytes))
        except DataCloneError as problem:
            raise self._says.not_cloneable(problem, method, self.interface) from None

    def _entries(self, value: Any, generated: KeyPath) -> list[tuple[int, bytes]]:
        path = generated if isinstance(generated, str) else None
        behaviour, indexes = self._tx.behaviour, self._schema.indexes.values()
        if behaviour.multi_entry_on_key_path == "each":
            return [(index.id, key) for index in indexes for key in entries_of(value, index, path)]
        of_many = None if behaviour.multi_entry_on_key_path == "given" else path
        return [
            (index.id, key)
            for index in indexes
            for key in entries_of(
                value, behaviour.as_filled(index, self._schema), of_many if index.multi_entry else path
            )
        ]

    def _store(self, source: Any, record: Put) -> IDBRequest[Any]:
        request = self._tx.request(source, decode_key)
        self._tx.backend.put(self._schema.id, record, request.answered)
        return request

    def _check_write(self, method: str) -> None:
        if self._is_deleted or self._tx.state != "active":
            raise self._refusal(method)
        if self._is_read_only:
            raise self._says.error("read-only", method, self.interface)

    # -- Indexes --

    def index(self, name: str) -> IDBIndex:
        """An index of the store; the same object each time. Raises InvalidStateError, NotFoundError.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-index
        """
        if self._is_deleted:
            raise self._says.error("store-deleted", "index", self.interface)
        if self._tx.is_finished:
            raise self._says.error("finished", "index", self.interface, kind=InvalidStateError)
        known = self._indexes.get(name) or self._indexes.get(name := dom_string(name, "an index's name"))
        if known is not None:
            return known
        schema = self._schema.indexes.get(name)
        if schema is None:
            raise self._says.error("index-not-found", "index", self.interface)
        handle = IDBIndex(self, schema)
        self._indexes[name] = handle
        return handle

    def create_index(
        self, name: str, key_path: str | list[str], unique: bool = False, multi_entry: bool = False
    ) -> IDBIndex:
        """Makes an index, in an upgrade; what the store has is put into it. Should two records have one key of a unique
        index, the transaction is aborted.

        Raises InvalidStateError, TransactionInactiveError, ConstraintError, SyntaxError (DOM), InvalidAccessError.
        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-createindex
        """
        method, name = "createIndex", dom_string(name, "an index's name")
        self._check_upgrade(method)
        if name in self._schema.indexes:
            place = place_of_index(name, self._schema, self._tx.db.opened)
            raise self._says.error("index-exists", method, self.interface, name=name, place=place)
        if not is_valid_key_path(key_path):
            raise self._says.error("bad-key-path", method, self.interface)
        path = key_path if isinstance(key_path, str) else list(key_path)
        if multi_entry and isinstance(path, list):
            raise self._says.error("multi-entry-array", method, self.interface)
        schema = IndexSchema(self._tx.db.schema.new_id(), name, path, bool(unique), bool(multi_entry))
        self._schema.indexes[name] = schema
        handle = IDBIndex(self, schema)
        handle.is_new = True
        self._indexes[name] = handle
        self._tx.undo.append(lambda: self._take_back(handle))
        self._change(lambda reply: self._tx.backend.create_index(self._schema.id, schema, reply))
        return handle

    def delete_index(self, name: str) -> None:
        """Deletes an index, in an upgrade. Raises InvalidStateError, TransactionInactiveError, NotFoundError.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-deleteindex
        """
        name = dom_string(name, "an index's name")
        self._check_upgrade("deleteIndex")
        schema = self._schema.indexes.get(name)
        if schema is None:
            raise self._says.error("index-not-found", "deleteIndex", self.interface)
        before = dict(self._schema.indexes)
        del self._schema.indexes[name]
        handle = self._indexes.pop(name, None)
        if handle is not None:
            handle.mark_deleted(True)
        self._tx.undo.append(lambda: self._restore_indexes(before, handle))
        self._change(lambda reply: self._tx.backend.delete_index(self._schema.id, schema.id, reply))

    def index_renamed(self, old: str, handle: IDBIndex) -> None:
        self._indexes.pop(old, None)
        self._indexes[handle.name] = handle

    def mark_deleted(self, is_deleted: bool) -> None:
        self._is_deleted = is_deleted

    def _take_back(self, handle: IDBIndex) -> None:
        handle.mark_deleted(True)
        for name, schema in list(self._schema.indexes.items()):
            if schema is handle.schema:
                del self._schema.indexes[name]
        self._indexes.pop(handle.name, None)

    def _restore_indexes(self, before: dict[str, IndexSchema], handle: IDBIndex | None) -> None:
        self._schema.indexes.clear()
        self._schema.indexes.update(before)
        if handle is not None:
            handle.mark_deleted(False)

    def _check_upgrade(self, method: str) -> None:
        if self._is_deleted:
            raise self._says.error("store-deleted", method, self.interface)
        if self._tx.mode != "versionchange":
            raise self._says.error("not-upgrading", method, self.interface)
        self.check(method)

    def _change(self, ask: Any) -> None:
        self._tx.change(ask)

    def __repr__(self) -> str:
        return f"<IDBObjectStore {self.name!r}>"


def _has_undefined(found: Any, key_path: KeyPath) -> bool:
    """Whether a key path has found undefined, or one of an array of them."""
    if isinstance(key_path, list) and found is not ABSENT:
        return any(item is UNDEFINED for item in found)
    return found is UNDEFINED


def _undefined(_result: Any) -> Any:
    return UNDEFINED
