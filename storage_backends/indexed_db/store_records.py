"""The records of one object store and the entries of its indexes, as one transaction sees and changes them.

The storage operations of https://w3c.github.io/IndexedDB/#database-operations on encoded keys and values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from ...errors import CorruptionError
from ..values import Encoded
from .constraint_violation import ConstraintViolation
from .generated_key import with_generated_key
from .key_coding import AFTER, decode_key, encode_key, end_of_key
from .key_generator import FIRST, is_exhausted, next_after
from .layout import (
    ALL,
    STORE_ITSELF,
    Bounds,
    end_of,
    journal_key,
    pack_place,
    place_prefix,
    prefix_of,
    store_key,
    unpack_place,
)
from .query import Direction, Query, Row, within
from .record_head import PLAIN, Entry, exact_key_of, value_of
from .schema import IndexSchema, StoreSchema
from .store_indexes import IndexEntries, StoreIndexes
from .transaction_view import TransactionView

_CLEAR_AT_ONCE: Final = 512
_CLEAR_AT_ONCE_BYTES: Final = 1 << 20
"""Up to so many records and bytes are deleted one by one; more are left to the reclaimer."""
_DELETED_IN_A_ROW: Final = 1_000
"""So many keys of a range that is deleted are looked up at a time."""


class StoreRecords:
    """One store within one transaction."""

    __slots__ = (
        "_database",
        "_indexes",
        "_next",
        "_place",
        "_prefix",
        "_view",
        "_writes",
        "schema",
    )

    def __init__(self, view: TransactionView, database: int, schema: StoreSchema) -> None:
        self._view = view
        self._writes = view.writes
        self._database = database
        self.schema = schema
        known = self._writes.get(store_key(database, schema.id))
        if known is None:
            raise CorruptionError(f"the object store {schema.name!r} has no place")
        try:
            self._place, self._next = unpack_place(known)
        except CorruptionError as damage:
            raise CorruptionError(f"the place of the object store {schema.name!r} is damaged: {damage}") from damage
        self._learn_place()

    def _learn_place(self) -> None:
        self._prefix = prefix_of(self._database, self._place)
        self._indexes = StoreIndexes(self._writes, self._database, self._place, self.schema)

    @staticmethod
    def create(view: TransactionView, database: int, schema: StoreSchema) -> None:
        """Gives a new store its place."""
        view.writes.put(store_key(database, schema.id), pack_place(view.new_id(), FIRST))

    # -- Reading --

    @property
    def prefix(self) -> bytes:
        """What the keys of the store's records begin with, until it is cleared."""
        return self._prefix

    def read(self, query: Query) -> list[Row]:
        """Records of the store, or of one of its indexes."""
        (_, index), bounds, direction, limit, skip, values, max_bytes = query
        if limit == 1 and not skip and direction == "next":
            row = self._first(index, bounds, values)
            return [] if row is None else [row]
        return list(within(max_bytes, self.rows(query)))

    def _first(self, index: int, bounds: Bounds, values: bool) -> Row | None:
        start, stop = bounds
        prefix = self._indexes.prefix_of(index)
        found = self._writes.first(prefix + start, prefix + stop)
        if found is None:
            return None
        if index != STORE_ITSELF:
            return self._index_row(*_split(found[0], len(prefix)), found[1], values)
        return _row(found[0][len(prefix) :], found[1], values)

    def value(self, index: int, bounds: Bounds) -> bytes | None:
        """The value of the first record in a range of the store, or of one of its indexes.

        https://w3c.github.io/IndexedDB/#retrieve-a-value-from-an-object-store
        https://w3c.github.io/IndexedDB/#retrieve-a-referenced-value-from-an-index
        """
        start, stop = bounds
        if not start or stop != start + AFTER:
            row = self._first(index, bounds, True)
            return None if row is None else row[2]
        key = start
        if index != STORE_ITSELF:
            begin = self._indexes.prefix_of(index) + start
            entry = self._writes.first(begin, begin + AFTER)
            if entry is None:
                return None
            key = entry[0][len(begin) :]
        record = self._writes.get(self._prefix + key)
        return None if record is None else value_of(record)

    def rows(self, query: Query) -> Iterator[Row]:
        """What ``read`` gives, one by one: as the records are now, and nothing may be written meanwhile."""
        index = query.source[1]
        found = self._store_rows(query) if index == STORE_ITSELF else self._index_rows(index, query)
        return islice(found, query.skip, None if query.limit is None else query.skip + query.limit)

    def _index_rows(self, index: int, query: Query) -> Iterator[Row]:
        for key, primary, exact in self._entries(index, query.bounds, query.direction):
            yield self._index_row(key, primary, exact, query.values)

    def _index_row(self, key: bytes, primary: bytes, exact: bytes, values: bool) -> Row:
        record = self._writes.get(self._prefix + primary) if values else None
        value = None if record is None else value_of(record)
        return (key, primary, value) if not exact else (*_exact_pair(exact), value)

    def _store_rows(self, query: Query) -> Iterator[Row]:
        (start, stop), prefix, values = query.bounds, self._prefix, query.values
        reverse = query.direction in ("prev", "prevunique")
        length = len(prefix)
        for key, record in self._writes.scan(prefix + start, prefix + stop, reverse=reverse):
            yield _row(key[length:], record, values)

    def count(self, index: int, bounds: Bounds) -> int:
        """https://w3c.github.io/IndexedDB/#count-the-records-in-a-range"""
        prefix = self._indexes.prefix_of(index)
        return sum(1 for _ in self._writes.scan(prefix + bounds[0], prefix + bounds[1]))

    def _entries(self, index: int, bounds: Bounds, direction: Direction) -> Iterator[tuple[bytes, bytes, bytes]]:
        prefix = self._indexes.prefix_of(index)
        reverse = direction in ("prev", "prevunique")
        if not direction.endswith("unique"):
            for entry, exact in self._writes.scan(prefix + bounds[0], prefix + bounds[1], reverse=reverse):
                yield (*_split(entry, len(prefix)), exact)
            return
        start, stop = bounds
        while True:
            first = next(self._writes.scan(prefix + start, prefix + stop, reverse=reverse), None)
            if first is None:
                return
            key, _ = _split(first[0], len(prefix))
            if reverse:  # of a key's entries the one with the lowest primary key counts
                first = next(self._writes.scan(prefix + key, prefix + key + AFTER), first)
                stop = key
            else:
                start = key + AFTER
            yield (*_split(first[0], len(prefix)), first[1])

    # -- Writing --

    def put(
        self,
        key: bytes | None,
        value: Encoded,
        entries: Sequence[Entry] = (),
        *,
        overwrite: bool = True,
        exact_key: bytes | None = None,
    ) -> bytes:
        """Stores a record and gives its key. https://w3c.github.io/IndexedDB/#store-a-record-into-an-object-store

        Without a key the generator makes one and fills it into the room that the value has. ``entries`` are the
        record's exact keys, each with its index. Raises ConstraintError, UnknownError and what reading raises: what was
        written until then is to be taken back.
        """
        data, number = value.data, self._next
        if key is None:
            key, data, entries = self._generated(value, entries)
            number += 1
        elif self.schema.auto_increment:
            number = next_after(number, decode_key(key))
        place = self._prefix + key
        old = self._writes.get(place) if self.schema.indexes or not overwrite else None
        if old is not None and not overwrite:
            raise ConstraintViolation("key")
        if entries or exact_key is not None or old is not None:
            data = self._indexes.replace(old, key, exact_key, entries) + data
        else:
            data = PLAIN + data
        self._writes.put(place, data, value.blobs)
        if number != self._next:
            self._set_next(number)
        return exact_key or key

    def _generated(self, value: Encoded, entries: Sequence[Entry]) -> tuple[bytes, bytes, list[Entry]]:
        """The generator's key, and the value and index keys with it in place. Raises ConstraintError.

        https://w3c.github.io/IndexedDB/#generate-a-key
        """
        number = self._next
        if is_exhausted(number):
            raise ConstraintViolation("generator")
        return (encode_key(number), *with_generated_key(value.data, entries, value.room, number))

    def delete(self, bounds: Bounds) -> None:
        """https://w3c.github.io/IndexedDB/#delete-records-from-an-object-store"""
        start, stop = bounds
        if bounds == ALL:
            self.clear()
            return
        if stop == start + AFTER:
            self._delete_one(start)
            return
        first, end = self._prefix + start, self._prefix + stop
        while found := [key for key, _ in islice(self._writes.scan(first, end), _DELETED_IN_A_ROW)]:
            for key in found:
                self._delete_one(key[len(self._prefix) :])
            first = found[-1]

    def clear(self) -> None:
        """https://w3c.github.io/IndexedDB/#clear-an-object-store"""
        prefix = place_prefix(self._database, self._place)
        if self._delete_few(prefix):
            return
        self._place = self._view.new_id()
        self._learn_place()
        self._set_next(self._next)
        self._abandon(prefix)

    def _delete_few(self, prefix: bytes) -> bool:
        """Deletes everything under a prefix, if it is little."""
        keys, size = [], 0
        for key, value in self._writes.scan(prefix, end_of(prefix)):
            keys.append(key)
            size += len(key) + len(value)
            is_little = len(keys) <= _CLEAR_AT_ONCE and size <= _CLEAR_AT_ONCE_BYTES
            if not is_little or not self._writes.may_replace(size):
                return False
        for key in keys:
            self._writes.delete(key)
        return True

    def _abandon(self, prefix: bytes) -> None:
        """Leaves everything under a prefix dead, in the journal. Call it last: nothing of it can be taken back."""
        self._writes.put(journal_key(prefix), b"", is_new=True)  # no prefix is used twice
        self._view.left_garbage = True
        self._writes.forget(prefix, end_of(prefix))

    def _set_next(self, number: int) -> None:
        self._next = number
        self._writes.put(store_key(self._database, self.schema.id), pack_place(self._place, number))

    def _delete_one(self, key: bytes) -> None:
        record = self._writes.get(self._prefix + key)
        if record is None:
            return
        self._indexes.remove(record, key)
        self._writes.delete(self._prefix + key)

    # -- Indexes --

    def add_index(self, index: IndexSchema, entries_of: IndexEntries) -> None:
        """Fills an index that was just created. Raises ConstraintError where two records have one unique key."""
        self._indexes.add(index, entries_of, self._prefix)

    def drop_index(self, index: int) -> None:
        """Leaves an index's entries dead. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-deleteindex"""
        self._indexes.learn()
        prefix = self._indexes.prefix_of(index)
        if not self._delete_few(prefix):
            self._abandon(prefix)

    def drop(self) -> None:
        """Takes the store's records and its place away."""
        self._writes.delete(store_key(self._database, self.schema.id))
        prefix = place_prefix(self._database, self._place)
        if not self._delete_few(prefix):
            self._abandon(prefix)


def _row(key: bytes, record: bytes, values: bool) -> Row:
    if record[:1] == PLAIN:
        return key, key, record[1:] if values else None
    exact = exact_key_of(record) or key
    return exact, exact, value_of(record) if values else None


def _split(entry: bytes, start: int) -> tuple[bytes, bytes]:
    """Index key and primary key of an entry."""
    middle = end_of_key(entry, start)
    return entry[start:middle], entry[middle:]


def _exact_pair(exact: bytes) -> tuple[bytes, bytes]:
    return _split(exact, 0)
