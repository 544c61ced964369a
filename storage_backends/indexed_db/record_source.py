"""What stores and indexes have in common: reading. https://w3c.github.io/IndexedDB/#object-store-interface"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from ...errors import CorruptionError, DOMError
from ..script_types import UNDEFINED, BigInt
from ..values import decode, decode_all
from .abc import Direction, Query, Row, Source
from .cursor_iteration import CursorIteration
from .idb_cursor import IDBCursor, IDBCursorWithValue
from .idb_key_range import IDBKeyRange
from .idb_request import IDBRequest
from .key_coding import AFTER, InvalidKeyError, decode_key, encode_key
from .layout import ALL, Bounds
from .web_idl import UNSIGNED_LONG, unsigned

if TYPE_CHECKING:
    from .idb_object_store import IDBObjectStore
    from .idb_transaction import IDBTransaction

DIRECTIONS: Final = ("next", "nextunique", "prev", "prevunique")


class IDBRecord(NamedTuple):
    """https://w3c.github.io/IndexedDB/#record-interface"""

    key: Any
    primary_key: Any
    value: Any


class RecordSource:
    """A store or an index, as a transaction sees it."""

    interface: ClassVar[str]

    def __init__(self, transaction: IDBTransaction, source_id: Source) -> None:
        self.source_id = source_id
        self._tx = transaction
        self._says = transaction.says
        self._key_depth = transaction.behaviour.key_depth
        self._is_deleted = False
        self.is_new = False
        """Made by this transaction, whose abort then leaves its name as it is."""

    @property
    def transaction(self) -> IDBTransaction:
        return self._tx

    @property
    def record_store(self) -> IDBObjectStore:
        """The store whose records are read."""
        raise NotImplementedError

    @property
    def is_deleted(self) -> bool:
        """Whether the store or index, or the store of the index, was deleted (or its creation taken back)."""
        return self._is_deleted

    # -- Reading --

    def get(self, query: Any) -> IDBRequest[Any]:
        """The value of the first record in a range, or under a key; UNDEFINED where there is none.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-get
        """
        self.check("get")
        bounds = self.bounds_of(query, "get")
        request: IDBRequest[Any] = self._tx.request(self, self.value_of)
        self._tx.backend.value(self.source_id, bounds, request.answered)
        return request

    def get_key(self, query: Any) -> IDBRequest[Any]:
        """The primary key of the first record in a range, or under a key; UNDEFINED where there is none.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-getkey
        """
        self.check("getKey")
        return self._read(self.bounds_of(query, "getKey"), "next", 1, False, _first_primary_key)

    def get_all(self, query: Any = None, count: Any = None, direction: Direction = "next") -> IDBRequest[list[Any]]:
        """The values of all records in a range, at most ``count`` (None, 0: all).

        In place of the query it takes a dict with ``query``, ``count`` and ``direction``, each optional.
        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-getall
        """
        return self._all("getAll", query, count, direction, True, self._values)

    def get_all_keys(
        self, query: Any = None, count: Any = None, direction: Direction = "next"
    ) -> IDBRequest[list[Any]]:
        """The primary keys of all records in a range.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-getallkeys
        """
        return self._all("getAllKeys", query, count, direction, False, _primary_keys)

    def get_all_records(
        self, query: Any = None, count: Any = None, direction: Direction = "next"
    ) -> IDBRequest[list[IDBRecord]]:
        """All records in a range, with key, primary key and value.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-getallrecords
        """
        return self._all("getAllRecords", query, count, direction, True, self._rows)

    def count(self, query: Any = None) -> IDBRequest[int]:
        """How many records are in a range. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-count"""
        self.check("count")
        bounds = self._range_of(query, "count")
        request = self._tx.request(self, _as_it_is)
        self._tx.backend.count(self.source_id, bounds, request.answered)
        return request

    def open_cursor(self, query: Any = None, direction: Direction = "next") -> IDBRequest[IDBCursorWithValue | None]:
        """A cursor on the first record in a range, with its value; None where there is none.

        https://w3c.github.io/IndexedDB/#dom-idbobjectstore-opencursor
        """
        return self._open("openCursor", query, direction, IDBCursorWithValue)

    def open_key_cursor(self, query: Any = None, direction: Direction = "next") -> IDBRequest[IDBCursor | None]:
        """A cursor without values. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-openkeycursor"""
        has_values = self._tx.behaviour.key_cursors_on_keys_have_values and self.interface == "IDBObjectStore"
        is_key = not (query is None or query is UNDEFINED or isinstance(query, IDBKeyRange))
        kind = IDBCursorWithValue if has_values and is_key else IDBCursor
        return self._open("openKeyCursor", query, direction, kind)

    def iterate(self, query: Any = None, direction: Direction = "next") -> AsyncIterator[IDBCursorWithValue]:
        """``async for cursor in store.iterate(query)``: a cursor on each record of a range.

        The body may move the cursor itself (``cursor.continue_(key)``, without awaiting it); else it goes on by one.
        """
        return CursorIteration(lambda: self.open_cursor(query, direction))

    # -- How --

    def check(self, method: str) -> None:
        """Raises InvalidStateError for a deleted source, TransactionInactiveError."""
        if self._is_deleted or self._tx.state != "active":
            raise self._refusal(method)

    def _refusal(self, method: str) -> DOMError:
        if self.is_deleted:
            reason = "store-deleted" if self.interface == "IDBObjectStore" else "index-deleted"
        else:
            reason = "finished" if self._tx.is_finished else "inactive"
        return self._says.error(reason, method, self.interface)

    def key_of(self, value: Any, method: str) -> bytes:
        """Raises DataError. https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key"""
        try:
            return encode_key(value, self._key_depth)
        except InvalidKeyError as problem:
            raise self._says.error("invalid-key", method, self.interface, hint=str(problem)) from None

    def bounds_of(self, query: Any, method: str) -> Bounds:
        """Raises DataError. https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key-range"""
        if isinstance(query, IDBKeyRange):
            return query.bounds
        if query is None or query is UNDEFINED:
            raise self._says.error("no-key", method, self.interface)
        key = self.key_of(query, method)
        return key, key + AFTER

    def _range_of(self, query: Any, method: str) -> Bounds:
        """The same, and all where there is no query."""
        return ALL if query is None or query is UNDEFINED else self.bounds_of(query, method)

    def value_of(self, data: bytes | None) -> Any:
        """Raises CorruptionError that names the store."""
        if data is None:
            return UNDEFINED
        try:
            return decode(data, self._tx.open_blob)
        except CorruptionError as damage:
            raise self._named(damage) from damage

    def _named(self, damage: CorruptionError) -> CorruptionError:
        where = f"the object store {self.record_store.name!r} of the database {self._tx.db.name!r}"
        return CorruptionError(f"a value in {where} is damaged: {damage}")

    def _read(
        self, bounds: Bounds, direction: Direction, count: int | None, values: bool, convert: Any
    ) -> IDBRequest[Any]:
        tx = self._tx
        request = tx.request(self, convert)
        tx.backend.read(Query(self.source_id, bounds, direction, count, 0, values), request.answered)
        return request

    def _all(
        self, method: str, query: Any, count: Any, direction: Direction, values: bool, convert: Any
    ) -> IDBRequest[Any]:
        if self._is_options(query, method):
            # https://w3c.github.io/IndexedDB/#dictdef-idbgetalloptions
            options = query
            query, count = options.get("query"), options.get("count")
            direction = options.get("direction", "next")
        limit = None
        if count is not None and count is not UNDEFINED:
            limit = unsigned(count, UNSIGNED_LONG, self._says, method, self.interface, 2) or None
        self._check_direction(method, direction)
        self.check(method)
        return self._read(self._range_of(query, method), direction, limit, values, convert)

    def _is_options(self, query: Any, method: str) -> bool:
        """https://w3c.github.io/IndexedDB/#create-a-request-to-retrieve-multiple-items"""
        behaviour = self._tx.behaviour
        if behaviour.primitives_are_options and isinstance(query, bool | BigInt):
            raise self._says.type_error("not-options", method, self.interface)
        return isinstance(query, dict) and (behaviour.has_get_all_options or method == "getAllRecords")

    def _open(self, method: str, query: Any, direction: Direction, kind: type[IDBCursor]) -> IDBRequest[Any]:
        self._check_direction(method, direction)
        self.check(method)
        bounds = self._range_of(query, method)
        request = self._tx.request(self, _as_it_is)
        cursor = kind(self, request, bounds, direction)
        request.convert = cursor.arrived
        if direction.endswith("unique") and not self._tx.behaviour.opens_empty_unique_cursors:
            request.convert = partial(self._opened, cursor)
        cursor.read_from(bounds, 1)
        return request

    def _opened(self, cursor: IDBCursor, rows: list[Row]) -> Any:
        """What a cursor's first read gives where there has to be a record. Raises UnknownError."""
        if not rows:
            raise self._says.error("cursor-not-opened")
        cursor.request.convert = cursor.arrived
        return cursor.arrived(rows)

    def _check_direction(self, method: str, direction: str) -> None:
        if direction not in DIRECTIONS:
            shown = "null" if direction is None else direction
            raise self._says.type_error("direction", method, self.interface, value=shown)

    def _values(self, rows: list[Row]) -> list[Any]:
        try:
            return decode_all([value for _, _, value in rows if value is not None], self._tx.open_blob)
        except CorruptionError as damage:
            raise self._named(damage) from damage

    def _rows(self, rows: list[Row]) -> list[IDBRecord]:
        return [IDBRecord(decode_key(key), decode_key(primary), self.value_of(value)) for key, primary, value in rows]


def _first_primary_key(rows: list[Row]) -> Any:
    return decode_key(rows[0][1]) if rows else UNDEFINED


def _primary_keys(rows: list[Row]) -> list[Any]:
    return [decode_key(primary) for _, primary, _ in rows]


def _as_it_is(result: Any) -> Any:
    return result
