"""The entries that the records of one object store have in its indexes, as one transaction sees and changes them.

A record's head names the entries that were made with it. Those in indexes that came later are named beside it, so that
an index on a large store takes no record's value into the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...errors import CorruptionError
from .constraint_violation import ConstraintViolation
from .key_coding import AFTER, ZERO, canonical_form, end_of_key
from .layout import LATER, prefix_of
from .record_head import Entry, exact_key_of, is_damaged, named_entries, read_head, value_of, write_head
from .schema import IndexSchema, StoreSchema
from .write_set import WriteSet

IndexEntries = Callable[[bytes, bytes], list[bytes]]
"""The exact keys of a stored value in an index; the value and the record's key are given."""


class StoreIndexes:
    """The indexes of a store whose records lie at one place."""

    __slots__ = ("_database", "_has_later", "_later", "_live", "_place", "_prefixes", "_schema", "_unique", "_writes")

    def __init__(self, writes: WriteSet, database: int, place: int, schema: StoreSchema) -> None:
        self._writes = writes
        self._database = database
        self._place = place
        self._schema = schema
        self._prefixes: dict[int, bytes] = {}
        self._later = prefix_of(database, place, LATER)
        self._has_later: bool | None = None  # not looked at yet
        self.learn()

    def learn(self) -> None:
        """The schema has other indexes."""
        self._live = frozenset(index.id for index in self._schema.indexes.values())
        self._unique = frozenset(index.id for index in self._schema.indexes.values() if index.unique)

    def prefix_of(self, index: int) -> bytes:
        """What the entries of an index begin with."""
        prefix = self._prefixes.get(index)
        if prefix is None:
            prefix = self._prefixes[index] = prefix_of(self._database, self._place, index)
        return prefix

    # -- A record's entries --

    def replace(self, old: bytes | None, key: bytes, exact_key: bytes | None, exact: Sequence[Entry]) -> bytes:
        """Writes what differs of a record's entries from those of the old record; gives the head that names them."""
        canonical = [(index, canonical_form(index_key)) for index, index_key in exact]
        if self._unique:
            self._check_unique(canonical, key)
        head = write_head(canonical, exact_key)
        if old is not None:
            is_believed = bool(canonical) or not is_damaged(old)
            if is_believed and _has_entries(old, canonical, head) and self._named_later(key) is None:
                return head
            self.remove(old, key)
        self._write(canonical, exact, key, exact_key or key, is_new=old is None)
        return head

    def remove(self, record: bytes, key: bytes) -> None:
        """Removes all entries of a record, which may be damaged."""
        later = self._named_later(key)
        if later is not None:
            self._writes.delete(self._later + key)
        if self._live and not self._delete_named(record, later, key):
            for place in self._search(key):
                self._writes.delete(place)

    def _delete_named(self, record: bytes, later: bytes | None, key: bytes) -> bool:
        """Deletes the entries that its heads name; False where they are damaged, or name what is not there. Heads may
        name indexes that are gone: their entries are the reclaimer's, which deletes without locks.
        """
        try:
            named = named_entries(record)
            if later is not None:
                named += read_head(later)[0]
        except CorruptionError:
            return False
        for index, index_key in named:
            if index in self._live:
                place = self.prefix_of(index) + index_key + key
                if self._writes.get(place) is None:
                    return False
                self._writes.delete(place)
        return True

    def _search(self, key: bytes) -> list[bytes]:
        """Where a record's entries lie, looked for among all that the indexes have."""
        prefixes = [self.prefix_of(index) for index in self._live]
        return [
            place
            for prefix in prefixes
            for place, _ in self._writes.scan(prefix, prefix + AFTER)
            if place[end_of_key(place, len(prefix)) :] == key
        ]

    def _write(
        self, canonical: list[Entry], exact: Sequence[Entry], key: bytes, exact_key: bytes, *, is_new: bool
    ) -> None:
        """``is_new``: the record is, or the index, so that the base has none of these entries."""
        for (index, index_key), (_, exact_index_key) in zip(canonical, exact, strict=True):
            is_exact = index_key == exact_index_key and key == exact_key
            pair = b"" if is_exact else exact_index_key + exact_key
            self._writes.put(self.prefix_of(index) + index_key + key, pair, is_new=is_new)

    def _check_unique(self, canonical: list[Entry], key: bytes) -> None:
        for index, index_key in canonical:
            if index in self._unique and self._is_taken(index, index_key, key):
                raise ConstraintViolation("index", self._schema.index(index).name)

    def _is_taken(self, index: int, index_key: bytes, key: bytes) -> bool:
        prefix = self.prefix_of(index) + index_key
        return any(entry != prefix + key for entry, _ in self._writes.scan(prefix, prefix + AFTER))

    # -- An index on records that are there --

    def add(self, index: IndexSchema, entries_of: IndexEntries, records: bytes) -> None:
        """Fills an index that was just created from the store's records, which lie under the prefix ``records``.

        Holds one record at a time. Raises ConstraintViolation where two records have one unique key.
        """
        self.learn()
        seen: set[bytes] = set()
        for place, record in self._writes.scan(records, records + AFTER):
            key = place[len(records) :]
            exact = entries_of(value_of(record), key)
            canonical = [canonical_form(index_key) for index_key in exact]
            if index.unique:
                if not seen.isdisjoint(canonical):
                    raise ConstraintViolation("index", index.name)
                seen.update(canonical)
            if exact:
                entries = [(index.id, index_key) for index_key in canonical]
                self._name_later(key, entries)
                exact_entries = [(index.id, index_key) for index_key in exact]
                self._write(entries, exact_entries, key, exact_key_of(record) or key, is_new=True)
        self._has_later = None

    def _name_later(self, key: bytes, entries: list[Entry]) -> None:
        known = self._named_later(key)
        if known is not None:
            entries = [*(entry for entry in read_head(known)[0] if entry[0] in self._live), *entries]
        self._writes.put(self._later + key, write_head(entries, None), is_new=known is None)

    def _named_later(self, key: bytes) -> bytes | None:
        """The head that names the entries of a record in indexes that were made after it."""
        if self._has_later is None:
            self._has_later = self._writes.first(self._later, self._later + AFTER) is not None
        return self._writes.peek(self._later + key) if self._has_later else None


def _has_entries(record: bytes, entries: list[Entry], head: bytes) -> bool:
    """Whether a record's entries are there already as a new head has them. Those of keys that may hold a -0 differ in
    what they hold, which is not looked at here.
    """
    return record.startswith(head) and exact_key_of(record) is None and not any(ZERO in key for _, key in entries)
