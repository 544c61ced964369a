"""The records of one object store and the entries of its indexes, as one transaction sees and changes them.

The storage operations of https://w3c.github.io/IndexedDB/#database-operations on encoded keys and values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from ...errors import CorruptionError
from ..values import Encoded, blobs_of
from .constraint_violation import ConstraintViolation
from .generated_key import PLACEHOLDER_KEY, with_generated_key
from .key_coding import AFTER, ZERO, canonical_form, decode_key, encode_key, end_of_key
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
from .query import Direction, Query, Row
from .record_head import PLAIN, Entry, exact_key_of, read_head, stored_blobs, value_of, write_head
from .schema import IndexSchema, StoreSchema
from .transaction_view import TransactionView

IndexEntries = Callable[[bytes, bytes], list[bytes]]
"""The exact keys of a stored value in an index; the value and the record's key are given."""

Entries = Iterable[tuple[int, list[bytes]]]
"""The exact keys of a record in each index."""

_ENTRY_BYTES: Final = 64
"""More than what an index entry takes besides its keys, where those are not long."""

_CLEAR_AT_ONCE: Final = 512
"""Up to so many records are deleted one by one; more are left to the reclaimer."""


class StoreRecords:
    """One store within one transaction."""

    __slots__ = ("_auto_increment", "_database", "_next", "_place", "_prefix", "_view", "_writes", "schema")

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
        self._prefix = prefix_of(database, self._place)

    @staticmethod
    def create(view: TransactionView, database: int, schema: StoreSchema) -> None:
        """Gives a new store its place."""
        view.writes.put(store_key(database, schema.id), pack_place(view.new_id(), FIRST))

    # -- Reading --

    @property
    def prefix(self) -> bytes:
        """What the keys of the store's records begin with, until it is cleared."""
        return self._prefix

    def record(self, key: bytes) -> bytes | None:
        """The stored record (head and value) under a key."""
        return self._writes.get(self._prefix + key)

    def read(self, query: Query) -> list[Row]:
        """Records of the store, or of one of its indexes."""
        index, values, limit = query.source[1], query.values, query.limit
        if index == STORE_ITSELF:
            return self._read_store(query)
        found = []
        for key, primary, exact in islice(self._entries(index, query.bounds, query.direction), query.skip, None):
            value = None
            if values:
                record = self.record(primary)
                value = None if record is None else value_of(record)
            found.append((key, primary, value) if not exact else (*_exact_pair(exact), value))
            if limit is not None and len(found) >= limit:
                break
        return found

    def rows(self, query: Query) -> Iterator[Row]:
        """What ``read`` gives, one by one: as the records are now, and nothing may be written meanwhile."""
        index = query.source[1]
        found = self._store_rows(query) if index == STORE_ITSELF else self._index_rows(index, query)
        return islice(found, query.skip, None if query.limit is None else query.skip + query.limit)

    def _index_rows(self, index: int, query: Query) -> Iterator[Row]:
        for key, primary, exact in self._entries(index, query.bounds, query.direction):
            record = self.record(primary) if query.values else None
            value = None if record is None else value_of(record)
            yield (key, primary, value) if not exact else (*_exact_pair(exact), value)

    def _store_rows(self, query: Query) -> Iterator[Row]:
        (start, stop), prefix = query.bounds, self._prefix
        reverse = query.direction in ("prev", "prevunique")
        for key, record in self._writes.scan(prefix + start, prefix + stop, reverse=reverse):
            yield _row(key[len(prefix) :], record, query.values)

    def count(self, index: int, bounds: Bounds) -> int:
        """https://w3c.github.io/IndexedDB/#count-the-records-in-a-range"""
        prefix = prefix_of(self._database, self._place, index)
        return sum(1 for _ in self._writes.scan(prefix + bounds[0], prefix + bounds[1]))

    def _read_store(self, query: Query) -> list[Row]:
        (start, stop), values, limit = query.bounds, query.values, query.limit
        if start and stop == start + AFTER:
            record = self.record(start)
            return [] if record is None or query.skip else [_row(start, record, values)]
        prefix = self._prefix
        length = len(prefix)
        reverse = query.direction in ("prev", "prevunique")
        records = self._writes.scan(prefix + start, prefix + stop, reverse=reverse)
        last = None if limit is None else query.skip + limit
        return [_row(key[length:], record, values) for key, record in islice(records, query.skip, last)]

    def _entries(self, index: int, bounds: Bounds, direction: Direction) -> Iterator[tuple[bytes, bytes, bytes]]:
        prefix = prefix_of(self._database, self._place, index)
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
        entries: Entries = (),
        *,
        overwrite: bool = True,
        exact_key: bytes | None = None,
    ) -> bytes:
        """Stores a record and gives its key. https://w3c.github.io/IndexedDB/#store-a-record-into-an-object-store

        Without a key the generator makes one and fills it into the room that the value has. ``entries`` are the
        record's exact keys in each index. Raises ConstraintError, UnknownError; nothing is changed then.
        """
        data, number = value.data, self._next
        if key is None:
            key, data, entries = self._generated(value, entries)
            number += 1
        elif self.schema.auto_increment:
            number = next_after(number, decode_key(key))
        flat = [(index, exact) for index, keys in entries for exact in keys]
        old = self.record(key) if self.schema.indexes or not overwrite else None
        if old is not None and not overwrite:
            raise ConstraintViolation("key")
        self._check_unique(flat, key)
        head = PLAIN
        canonical = [(index, canonical_form(exact)) for index, exact in flat]
        if flat or exact_key is not None:
            head = write_head(canonical, exact_key)
        self._writes.check_room(len(head) + len(data) + sum(_ENTRY_BYTES + 2 * len(exact) for _, exact in flat))
        if old is None:
            self._write_entries(flat, key, exact_key or key)
        elif not _has_entries(old, canonical, head):
            self._remove_entries(old, key)
            self._write_entries(flat, key, exact_key or key)
        self._writes.put(self._prefix + key, head + data, value.blobs)
        if number != self._next:
            self._set_next(number)
        return exact_key or key

    def _generated(self, value: Encoded, entries: Entries) -> tuple[bytes, bytes, Entries]:
        """The generator's key, and the value and index keys with it in place. Raises ConstraintError.

        https://w3c.github.io/IndexedDB/#generate-a-key
        """
        number = self._next
        if is_exhausted(number):
            raise ConstraintViolation("generator")
        return (encode_key(number), *with_generated_key(value.data, entries, value.room, number))

    def growth_of(self, key: bytes | None, value: Encoded) -> int:
        """By how many bytes the bucket would grow, without the index entries, if this were put."""
        place = self._prefix + (key or PLACEHOLDER_KEY)
        old = None if key is None else self._writes.get(place)
        added = len(place) + len(value.data) + sum(blob.size for blob in set(value.blobs))
        return added if old is None else added - len(place) - len(old) - sum(b.size for b in stored_blobs(place, old))

    def delete(self, bounds: Bounds) -> None:
        """https://w3c.github.io/IndexedDB/#delete-records-from-an-object-store"""
        start, stop = bounds
        if bounds == ALL:
            self.clear()
            return
        if stop == start + AFTER:
            self._delete_one(start)
            return
        prefix = self._prefix
        found = [key for key, _ in self._writes.scan(prefix + start, prefix + stop)]
        for key in found:
            self._delete_one(key[len(prefix) :])

    def clear(self) -> None:
        """https://w3c.github.io/IndexedDB/#clear-an-object-store"""
        if not self._abandon(place_prefix(self._database, self._place)):
            return
        self._place = self._view.new_id()
        self._prefix = prefix_of(self._database, self._place)
        self._set_next(self._next)

    def _abandon(self, prefix: bytes) -> bool:
        """Deletes everything under a prefix: at once if it is little, else (True) it is left dead in the journal."""
        keys = []
        for key, _ in self._writes.scan(prefix, end_of(prefix)):
            keys.append(key)
            if len(keys) > _CLEAR_AT_ONCE:
                self._writes.forget(prefix, end_of(prefix))
                self._writes.put(journal_key(prefix), b"")
                self._view.left_garbage = True
                return True
        for key in keys:
            self._writes.delete(key)
        return False

    def _set_next(self, number: int) -> None:
        self._next = number
        self._writes.put(store_key(self._database, self.schema.id), pack_place(self._place, number))

    def _delete_one(self, key: bytes) -> None:
        record = self.record(key)
        if record is None:
            return
        self._remove_entries(record, key)
        self._writes.delete(self._prefix + key)

    def _remove_entries(self, record: bytes, key: bytes) -> None:
        if record[:1] == PLAIN:
            return
        for index, index_key in read_head(record)[0]:
            self._writes.delete(prefix_of(self._database, self._place, index) + index_key + key)

    def _write_entries(self, flat: list[Entry], key: bytes, exact_key: bytes) -> None:
        for index, exact in flat:
            canonical = canonical_form(exact)
            pair = b"" if canonical == exact and key == exact_key else exact + exact_key
            # Of this record the base has no entry but those of its head, and these were removed.
            self._writes.put(prefix_of(self._database, self._place, index) + canonical + key, pair, is_new=True)

    def _check_unique(self, flat: list[Entry], key: bytes) -> None:
        for index, exact in flat:
            schema = self.schema.index(index)
            if schema.unique and self._is_taken(index, canonical_form(exact), key):
                raise ConstraintViolation("index", schema.name)

    def _is_taken(self, index: int, index_key: bytes, key: bytes) -> bool:
        prefix = prefix_of(self._database, self._place, index) + index_key
        return any(entry != prefix + key for entry, _ in self._writes.scan(prefix, prefix + AFTER))

    # -- Indexes --

    def add_index(self, index: IndexSchema, entries_of: IndexEntries) -> None:
        """Fills an index that was just created. Raises ConstraintError where two records have one unique key."""
        prefix = self._prefix
        seen: set[bytes] = set()
        for key, record in list(self._writes.scan(prefix, prefix + AFTER)):
            primary = key[len(prefix) :]
            old, exact, start = read_head(record)
            keys = entries_of(record[start:], primary)
            canonical = [canonical_form(index_key) for index_key in keys]
            if not keys:
                continue
            if index.unique and not seen.isdisjoint(canonical):
                raise ConstraintViolation("index", index.name)
            seen.update(canonical if index.unique else ())
            head = write_head([*old, *((index.id, index_key) for index_key in canonical)], exact)
            value = record[start:]
            blobs = self._writes.blobs.get(key, tuple(blobs_of(value)))
            self._writes.put(key, head + value, blobs)
            self._write_entries([(index.id, index_key) for index_key in keys], primary, exact or primary)

    def drop_index(self, index: int) -> None:
        """Leaves an index's entries dead. https://w3c.github.io/IndexedDB/#dom-idbobjectstore-deleteindex"""
        self._abandon(prefix_of(self._database, self._place, index))

    def drop(self) -> None:
        """Takes the store's records and its place away."""
        self._abandon(place_prefix(self._database, self._place))
        self._writes.delete(store_key(self._database, self.schema.id))


def _row(key: bytes, record: bytes, values: bool) -> Row:
    if record[:1] == PLAIN:
        return key, key, record[1:] if values else None
    exact = exact_key_of(record) or key
    return exact, exact, value_of(record) if values else None


def _has_entries(record: bytes, entries: list[Entry], head: bytes) -> bool:
    """Whether a record's entries are there already as a new head has them. Those of keys that may hold a -0 differ in
    what they hold, which is not looked at here.
    """
    return record.startswith(head) and exact_key_of(record) is None and not any(ZERO in key for _, key in entries)


def _split(entry: bytes, start: int) -> tuple[bytes, bytes]:
    """Index key and primary key of an entry."""
    middle = end_of_key(entry, start)
    return entry[start:middle], entry[middle:]


def _exact_pair(exact: bytes) -> tuple[bytes, bytes]:
    return _split(exact, 0)
