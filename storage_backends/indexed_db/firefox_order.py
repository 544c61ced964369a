"""The order in which Firefox has the stores of a database, and the indexes of a store: its error texts tell the place.

Those that were there when the database was opened are in the order of its hash table
(mfbt/HashFunctions.h, xpcom/ds/PLDHashTable.cpp), what the upgrade made comes after them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from .schema import DatabaseSchema, StoreSchema

_GOLDEN_RATIO: Final = 0x9E3779B9
_WORD: Final = 0xFFFFFFFF
_BITS: Final = 32
_SMALLEST_TABLE: Final = 8


def place_of_store(name: str, database: DatabaseSchema, opened: DatabaseSchema) -> int:
    """The place of a store; ``opened`` is the database as it was when it was opened."""
    read = [store.id for store in opened.stores.values()]
    return _place(database.stores[name].id, [store.id for store in database.stores.values()], read, read)


def place_of_index(name: str, store: StoreSchema, opened: DatabaseSchema) -> int:
    """The place of an index of a store."""
    known = [index.id for each in opened.stores.values() for index in each.indexes.values()]
    read = [index.id for each in opened.stores.values() if each.id == store.id for index in each.indexes.values()]
    return _place(store.indexes[name].id, [index.id for index in store.indexes.values()], read, known)


def _place(wanted: int, ids: Collection[int], read: Collection[int], known: Collection[int]) -> int:
    """Firefox numbers stores and indexes apart, from 1; what was deleted earlier is taken for never made."""
    numbers = {each: number for number, each in enumerate(sorted(known), 1)}
    slots = _slots([numbers[each] for each in sorted(read)])
    in_table = sorted(read, key=lambda each: slots[numbers[each]])
    made = sorted(set(ids) - set(read))
    return [*(each for each in in_table if each in ids), *made].index(wanted)


def _slots(keys: Sequence[int]) -> dict[int, int]:
    """Each key's slot in a table that is at most three quarters full."""
    size = _SMALLEST_TABLE
    while len(keys) > size - size // 4:
        size *= 2
    shift = _BITS - (size.bit_length() - 1)
    slots: dict[int, int] = {}
    for key in keys:
        hashed = _scrambled(key)
        slot = hashed >> shift
        step = ((hashed << (_BITS - shift) & _WORD) >> shift) | 1
        while slot in slots.values():
            slot = (slot - step) % size
        slots[key] = slot
    return slots


def _scrambled(key: int) -> int:
    """The hash of a 64-bit integer below 2^32; 0 and 1 mean free and removed, the lowest bit a collision."""
    lower = key * _GOLDEN_RATIO & _WORD
    upper = (lower << 5 | lower >> 27) * _GOLDEN_RATIO & _WORD
    hashed = upper * _GOLDEN_RATIO & _WORD
    return (hashed if hashed > 1 else hashed - 2) & _WORD & ~1
