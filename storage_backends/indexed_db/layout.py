"""Where IndexedDB's records lie in a bucket. ``docs/on-disk-format.md`` is the reference.

    03 00                                      next id (u32) of databases and places, which are never reused
    03 01 name                                 a database: id, version and schema, as a structured value
    03 02 database store                       a store: its place (u32) and its key generator's next number (u64)
    03 03 prefix                               journal: everything under the prefix is dead and is being reclaimed
    04 database place 00000000 key             a record: head, value
    04 database place index key primary-key    an index entry: empty, or the exact keys where one holds a -0
    04 database place ffffffff key             a head: the entries of the record in indexes made after it

Ids are u32, big-endian; names and keys are encoded as keys are. Stores and indexes have ids within their database,
never reused either. ``clear`` gives a store a new place, deleting a store, an index or a database takes its metadata
away: the old prefix goes into the journal in the same batch.
"""

from __future__ import annotations

import struct
from typing import Final

from ...errors import CorruptionError
from .key_coding import AFTER, encode_key

METADATA: Final = b"\x03"
RECORDS: Final = b"\x04"
NEXT_ID: Final = METADATA + b"\x00"
DATABASES: Final = METADATA + b"\x01"
STORES: Final = METADATA + b"\x02"
JOURNAL: Final = METADATA + b"\x03"
STORE_ITSELF: Final = 0
"""The index number of a store's own records."""
LATER: Final = 0xFFFFFFFF
"""The index number of what names the entries of records in indexes that were made after them."""

_id = struct.Struct(">I")
_two_ids = struct.Struct(">II").pack
_three_ids = struct.Struct(">III").pack
_place = struct.Struct(">IQ")

Bounds = tuple[bytes, bytes]
"""From the first key (inclusive) to the second (exclusive), within one store or index."""

ALL: Final[Bounds] = (b"", AFTER)


def database_key(name: str) -> bytes:
    return DATABASES + encode_key(name)


def store_key(database: int, store: int) -> bytes:
    return STORES + _two_ids(database, store)


def prefix_of(database: int, place: int, index: int = STORE_ITSELF) -> bytes:
    """What the records of a store, or the entries of one of its indexes, begin with."""
    return RECORDS + _three_ids(database, place, index)


def place_prefix(database: int, place: int) -> bytes:
    """What the records of a store and the entries of all of its indexes begin with."""
    return RECORDS + _two_ids(database, place)


def database_prefix(database: int) -> bytes:
    return RECORDS + _id.pack(database)


def journal_key(prefix: bytes) -> bytes:
    return JOURNAL + prefix


def pack_id(number: int) -> bytes:
    return _id.pack(number)


def unpack_id(data: bytes) -> int:
    """Raises CorruptionError."""
    try:
        number: int = _id.unpack(data)[0]
    except struct.error as problem:
        raise CorruptionError("an id does not have four bytes") from problem
    return number


def pack_place(place: int, next_number: int) -> bytes:
    return _place.pack(place, next_number)


def unpack_place(data: bytes) -> tuple[int, int]:
    """The place and the key generator's next number. Raises CorruptionError."""
    try:
        place, next_number = _place.unpack(data)
    except struct.error as problem:
        raise CorruptionError("a place does not have twelve bytes") from problem
    return place, next_number


def end_of(prefix: bytes) -> bytes:
    """The first key after everything that begins with the prefix."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,))
