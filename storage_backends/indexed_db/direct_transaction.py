"""A transaction that code of ours runs in one go, without the front end."""

from __future__ import annotations

from typing import Literal

from ...errors import NotFoundError, ReadOnlyError
from ..abc import Blob
from ..buckets import Mutation
from ..values import Encoded
from .key_coding import encode_key
from .layout import ALL, STORE_ITSELF, Bounds
from .query import Query
from .schema import DatabaseSchema, KeyPath, StoreSchema
from .store_records import StoreRecords
from .transaction_view import TransactionView

Mode = Literal["readonly", "readwrite", "versionchange"]


class BackingTransaction:
    """What ``IndexedDBBackingStore.transact`` hands to its work. Usable only while the work runs.

    Values go in and out in their stored form. The store's key path is not looked at: the key is what the caller says,
    and must be what the key path would give.
    """

    def __init__(
        self,
        view: TransactionView,
        schema: DatabaseSchema,
        mode: Mode,
        mutation: Mutation | None,
        scope: frozenset[str],
        staged: list[Blob],
    ) -> None:
        self._mutation = mutation
        self._staged = staged
        self._view = view
        self._schema = schema
        self._mode = mode
        self._scope = scope
        self._stores: dict[str, StoreRecords] = {}

    @property
    def mutation(self) -> Mutation:
        """The mutation that the transaction will be part of. Raises ReadOnlyError in a read-only transaction."""
        if self._mutation is None:
            raise ReadOnlyError("The transaction is read-only.")
        return self._mutation

    def get(self, store: str, key: object) -> bytes | None:
        """The stored value under a key, or None."""
        records = self._records(store)
        rows = records.read(Query((records.schema.id, STORE_ITSELF), _point(key), values=True))
        return rows[0][2] if rows else None

    def put(self, store: str, key: object, encoded: Encoded) -> None:
        """Stores a value, over whatever is there. A store with indexes needs the front end: they would not follow."""
        self._staged.extend(encoded.blobs)
        records = self._writable(store)
        if records.schema.indexes:
            raise NotFoundError(f"the indexes of {store!r} would not be kept")
        records.put(encode_key(key), encoded)

    def delete(self, store: str, key: object) -> None:
        self._writable(store).delete(_point(key))

    def records(self, store: str) -> list[tuple[bytes, bytes]]:
        """The encoded key and the stored value of each record, in key order."""
        records = self._records(store)
        rows = records.read(Query((records.schema.id, STORE_ITSELF), ALL, values=True))
        return [(key, value or b"") for key, _, value in rows]

    def key_prefix(self, store: str) -> bytes:
        """What the bucket's keys of the store's records begin with, before the encoded key."""
        return self._records(store).prefix

    def count(self, store: str) -> int:
        return self._records(store).count(STORE_ITSELF, ALL)

    def create_object_store(self, name: str, key_path: KeyPath = None) -> None:
        """For ``create`` only: gives the new database a store."""
        store = StoreSchema(self._schema.new_id(), name, key_path)
        self._schema.stores[name] = store
        StoreRecords.create(self._view, self._schema.id, store)

    def _records(self, store: str) -> StoreRecords:
        if store not in self._stores:
            schema = self._schema.stores.get(store)
            if schema is None or (self._mode != "versionchange" and store not in self._scope):
                raise NotFoundError(f"One of the specified object stores was not found: {store!r}")
            self._stores[store] = StoreRecords(self._view, self._schema.id, schema)
        return self._stores[store]

    def _writable(self, store: str) -> StoreRecords:
        if self._mode == "readonly":
            raise ReadOnlyError("The transaction is read-only.")
        return self._records(store)


def _point(key: object) -> Bounds:
    encoded = encode_key(key)
    return encoded, encoded + b"\xff"
