"""IDBCursor and IDBCursorWithValue. https://w3c.github.io/IndexedDB/#cursor-interface"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from ..script_types import UNDEFINED
from ..values import blobs_of
from .abc import Direction, Query, Row
from .idb_request import IDBRequest
from .key_coding import AFTER, InvalidKeyError, canonical_form, decode_key, encode_key
from .layout import STORE_ITSELF, Bounds
from .web_idl import UNSIGNED_LONG, unsigned

if TYPE_CHECKING:
    from .idb_object_store import IDBObjectStore
    from .record_source import RecordSource

_INTERFACE: Final = "IDBCursor"
_UNKNOWN: Final = object()
_MAX_BATCH: Final = 64
_MAX_AHEAD: Final = 1 << 20
"""Bytes of records that are read ahead, what lies out of line included."""


class IDBCursor:
    """A place in a range of records. The same object moves on; its ``request`` settles with it, or None at the end."""

    has_values: ClassVar[bool] = False

    def __init__(self, source: RecordSource, request: IDBRequest[Any], bounds: Bounds, direction: Direction) -> None:
        self._source = source
        self._tx = source.transaction
        self._says = self._tx.says
        self._request = request
        self._bounds = bounds
        self._direction: Direction = direction
        self._is_index = source.source_id[1] != STORE_ITSELF
        self._position: tuple[bytes, bytes] | None = None
        self._row: Row | None = None
        self._key: Any = UNDEFINED
        self._primary_key: Any = UNDEFINED
        self._has_value = False
        self._ahead: deque[Row] = deque()
        self._batch = 1

    # -- Attributes --

    @property
    def source(self) -> Any:
        return self._source

    @property
    def direction(self) -> Direction:
        return self._direction

    @property
    def request(self) -> IDBRequest[Self | None]:
        return self._request

    @property
    def key(self) -> Any:
        """The key at the cursor; the same object until it moves. UNDEFINED at the end."""
        if self._key is _UNKNOWN and self._row is not None:
            self._key = decode_key(self._row[0])
        return self._key

    @property
    def primary_key(self) -> Any:
        if self._primary_key is _UNKNOWN and self._row is not None:
            self._primary_key = decode_key(self._row[1])
        return self._primary_key

    @property
    def has_value(self) -> bool:
        """Whether the cursor is on a record: it is not moving and has not come to its end."""
        return self._has_value

    # -- Moving --

    def continue_(self, key: Any = None) -> IDBRequest[Self | None]:
        """Goes to the next record, or to the first one at or beyond ``key``.

        Raises TransactionInactiveError, InvalidStateError, DataError.
        https://w3c.github.io/IndexedDB/#dom-idbcursor-continue
        """
        self._check("continue")
        self._check_has_value("continue")
        target = None
        if key is not None and key is not UNDEFINED:
            target = self._key_of(key, "continue")
            self._check_beyond(target, "continue")
        return self._go_on() if target is None else self._go(self._from(target), 1)

    def advance(self, count: int) -> IDBRequest[Self | None]:
        """Goes on by ``count`` records. Raises TypeError, TransactionInactiveError, InvalidStateError.

        https://w3c.github.io/IndexedDB/#dom-idbcursor-advance
        """
        steps = unsigned(count, UNSIGNED_LONG, self._says, "advance", _INTERFACE, 1)
        if not steps:
            raise self._says.type_error("advance-zero", "advance", _INTERFACE)
        self._check("advance")
        self._check_has_value("advance")
        return self._go(self._after(), steps)

    def continue_primary_key(self, key: Any, primary_key: Any) -> IDBRequest[Self | None]:
        """Goes to the first record at or beyond ``key`` and, under that key, ``primary_key``.

        Raises TransactionInactiveError, InvalidStateError, InvalidAccessError, DataError.
        https://w3c.github.io/IndexedDB/#dom-idbcursor-continueprimarykey
        """
        method = "continuePrimaryKey"
        self._check(method)
        if not self._is_index:
            raise self._says.error("not-an-index", method, _INTERFACE)
        if self._direction not in ("next", "prev"):
            raise self._says.error("unique-direction", method, _INTERFACE)
        self._check_has_value(method)
        target = self._key_of(key, method)
        primary = self._key_of(primary_key, method, "invalid-primary-key")
        self._check_pair_beyond(target, primary)
        start, stop = self._bounds
        if self._direction == "next":
            return self._go((max(start, target + primary), stop), 1)
        return self._go((start, min(stop, target + primary + AFTER)), 1)

    def _after(self) -> Bounds:
        """What is left of the range beyond the position."""
        assert self._position is not None
        start, stop = self._bounds
        key, primary = self._position
        entry = key + primary if self._is_index else key
        if self._direction == "next":
            return max(start, entry + AFTER), stop
        if self._direction == "nextunique":
            return max(start, key + AFTER), stop
        if self._direction == "prev":
            return start, min(stop, entry)
        return start, min(stop, key)

    def _from(self, target: bytes) -> Bounds:
        start, stop = self._bounds
        if self._direction in ("next", "nextunique"):
            return max(start, target), stop
        return start, min(stop, target + AFTER)

    def _go(self, bounds: Bounds, steps: int) -> IDBRequest[Any]:
        self._has_value = False
        self._ahead.clear()
        self._batch = 1
        self._tx.request_again(self._request)
        self.read_from(bounds, steps)
        return self._request

    def _go_on(self) -> IDBRequest[Any]:
        """The next record: in a read-only transaction it may have been read ahead, since nothing can change."""
        if self._tx.mode != "readonly" or self._tx.has_pending:
            return self._go(self._after(), 1)
        self._has_value = False
        self._tx.request_again(self._request)
        if self._ahead:
            self._request.answered([self._ahead.popleft()], None)
        else:
            self._batch = min(4 * self._batch, _MAX_BATCH)
            self.read_from(self._after(), 1)
        return self._request

    def read_from(self, bounds: Bounds, steps: int) -> None:
        """Asks the backing store for the record that is ``steps`` on from the beginning of what is left."""
        reply = self._request.answered
        limit, room = self._batch, None if self._batch == 1 else _MAX_AHEAD
        query = Query(self._source.source_id, bounds, self._direction, limit, steps - 1, self.has_values, room)
        self._tx.backend.read(query, reply)

    def arrived(self, rows: list[Row]) -> IDBCursor | None:
        """The cursor is where it was sent; the request's result. https://w3c.github.io/IndexedDB/#iterate-a-cursor"""
        if not rows:
            self._row = None
            self._key = self._primary_key = UNDEFINED
            self._clear_value()
            return None
        self._row = rows[0]
        if len(rows) > 1:
            self._ahead.extend(rows[1:])
        self._key = self._primary_key = _UNKNOWN
        self._position = (canonical_form(self._row[0]), canonical_form(self._row[1]))
        self._has_value = True
        self._clear_value()
        return self

    def _clear_value(self) -> None:
        """For the subclass that has one."""

    # -- Writing --

    def update(self, value: Any) -> IDBRequest[Any]:
        """Replaces the record at the cursor. Raises TransactionInactiveError, ReadOnlyError, InvalidStateError,
        DataCloneError, DataError. https://w3c.github.io/IndexedDB/#dom-idbcursor-update
        """
        self._check_write("update")
        assert self._row is not None
        assert self._position is not None
        return self._store.replace(self, value, self._row[1], self._position[1])

    def delete(self) -> IDBRequest[None]:
        """Deletes the record at the cursor; the cursor stays where it is.

        Raises TransactionInactiveError, ReadOnlyError, InvalidStateError.
        https://w3c.github.io/IndexedDB/#dom-idbcursor-delete
        """
        self._check_write("delete")
        assert self._position is not None
        primary = self._position[1]
        request = self._tx.request(self, lambda _: UNDEFINED)
        store, _ = self._source.source_id
        self._tx.backend.delete(store, (primary, primary + AFTER), request.answered)
        return request

    @property
    def _store(self) -> IDBObjectStore:
        return self._source.record_store

    # -- Checks --

    def _check(self, method: str) -> None:
        if not self._tx.is_active:
            raise self._says.error("finished" if self._tx.is_finished else "inactive", method, _INTERFACE)
        if self._source.is_deleted:
            raise self._says.error("cursor-deleted", method, _INTERFACE)

    def _check_has_value(self, method: str) -> None:
        if not self._has_value:
            raise self._says.error("cursor-busy", method, _INTERFACE)

    def _check_write(self, method: str) -> None:
        if not self._tx.is_active:
            raise self._says.error("finished" if self._tx.is_finished else "inactive", method, _INTERFACE)
        if self._tx.mode == "readonly":
            raise self._says.error("read-only", method, _INTERFACE)
        if self._source.is_deleted:
            raise self._says.error("cursor-deleted", method, _INTERFACE)
        self._check_has_value(method)
        if not self.has_values:
            raise self._says.error("key-cursor", method, _INTERFACE)

    def _key_of(self, value: Any, method: str, reason: str = "invalid-key") -> bytes:
        try:
            return encode_key(value, self._tx.behaviour.key_depth)
        except InvalidKeyError as problem:
            raise self._says.error(reason, method, _INTERFACE, hint=str(problem)) from None

    def _check_beyond(self, target: bytes, method: str) -> None:
        assert self._position is not None
        if self._direction in ("next", "nextunique"):
            if target <= self._position[0]:
                raise self._says.error("not-after", method, _INTERFACE)
        elif target >= self._position[0]:
            raise self._says.error("not-before", method, _INTERFACE)

    def _check_pair_beyond(self, target: bytes, primary: bytes) -> None:
        assert self._position is not None
        method = "continuePrimaryKey"
        position, forward = self._position, self._direction == "next"
        if target != position[0] and (target < position[0]) == forward:
            raise self._says.error("key-before" if forward else "key-after", method, _INTERFACE)
        if target == position[0] and (primary <= position[1] if forward else primary >= position[1]):
            raise self._says.error("not-after" if forward else "not-before", method, _INTERFACE)

    def __repr__(self) -> str:
        where = f"at {self.key!r}" if self._has_value else "moving or at its end"
        return f"<{type(self).__name__} {self._direction} {where}>"


class IDBCursorWithValue(IDBCursor):
    """A cursor that reads values. https://w3c.github.io/IndexedDB/#idbcursorwithvalue"""

    has_values = True

    def __init__(self, source: RecordSource, request: IDBRequest[Any], bounds: Bounds, direction: Direction) -> None:
        super().__init__(source, request, bounds, direction)
        self._value: Any = UNDEFINED

    @property
    def value(self) -> Any:
        """The value at the cursor; the same object until it moves. UNDEFINED at the end."""
        if self._value is _UNKNOWN and self._row is not None:
            self._value = self._source.value_of(self._row[2])
        return self._value

    def _clear_value(self) -> None:
        data = None if self._row is None else self._row[2]
        if data is None:
            self._value = UNDEFINED
        else:  # what lies out of line is mapped while the transaction keeps it there
            self._value = self._source.value_of(data) if blobs_of(data) else _UNKNOWN
