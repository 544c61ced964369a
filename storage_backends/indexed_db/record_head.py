"""The head of a stored record, before its value.

    record = length:varint { item } value
    item   = 01 length:varint key                        the exact key, where it holds a -0
           | 02 index:u32 length:varint key              an entry that the record has in an index

With the entries in the record, replacing or deleting it needs neither its value nor the key paths.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

from ...errors import CorruptionError
from ..abc import Blob
from ..value_format import VERSION, read_varint, varint
from ..values import blobs_of
from .layout import RECORDS, pack_id, unpack_id

_EXACT_KEY = b"\x01"
_ENTRY = b"\x02"
PLAIN: Final = b"\x00"
"""The head that says nothing."""

_SIZES = [varint(size) for size in range(0x80)]
_short_entry = struct.Struct(">cIB").pack
_INDEX = slice(9, 13)
_NO_INDEX = bytes(4)
_VERSION = bytes((VERSION,))

Entry = tuple[int, bytes]
"""An index and the key under which the record lies in it."""


def write_head(entries: Iterable[Entry], exact_key: bytes | None) -> bytes:
    items = b"" if exact_key is None else _EXACT_KEY + varint(len(exact_key)) + exact_key
    for index, key in entries:
        size = len(key)
        short = _short_entry(_ENTRY, index, size) if size < 0x80 else _ENTRY + pack_id(index) + varint(size)
        items += short + key
    size = len(items)
    return (_SIZES[size] if size < 0x80 else varint(size)) + items


def read_head(record: bytes) -> tuple[list[Entry], bytes | None, int]:
    """The entries, the exact key if it differs, and where the value starts. Raises CorruptionError."""
    try:
        length, at = read_varint(record, 0)
        end = at + length
        entries: list[Entry] = []
        exact = None
        while at < end:
            kind = record[at]
            index = unpack_id(record[at + 1 : at + 5]) if kind == _ENTRY[0] else None
            size, at = read_varint(record, at + (1 if index is None else 5))
            key = record[at : at + size]
            at += size
            if index is None:
                exact = key
            else:
                entries.append((index, key))
    except (IndexError, ValueError) as problem:
        raise CorruptionError("a stored record is cut short") from problem
    return entries, exact, end


def value_of(record: bytes) -> bytes:
    """The value alone."""
    try:
        length, at = record[0], 1
        if length >= 0x80:
            length, at = read_varint(record, 0)
    except IndexError as problem:
        raise CorruptionError("a stored record is cut short") from problem
    return record[at + length :]


def stored_blobs(key: bytes, stored: bytes) -> list[Blob]:
    """The blobs of what is stored under a key of the bucket, each once: those of a record, none of anything else."""
    if key[:1] != RECORDS or key[_INDEX] != _NO_INDEX:
        return []
    return list(dict.fromkeys(_blobs_of(value_of(stored))))


def named_entries(record: bytes) -> list[Entry]:
    """The entries that a record's head names. Raises CorruptionError, also where no value of a known version follows.

    That none are named is believed only where the table of the value's blobs can be read, too.
    """
    entries, _, start = ([], None, 1) if record[:1] == PLAIN else read_head(record)
    if not entries:
        _blobs_of(record[start:])
    elif record[start : start + 1] != _VERSION:
        raise CorruptionError("a stored value has an unknown version")
    return entries


def _blobs_of(value: bytes) -> list[Blob]:
    """Raises CorruptionError, also for zeros, which would seem to have neither a head nor a table."""
    if value[:1] != _VERSION:
        raise CorruptionError("a stored value has an unknown version")
    return blobs_of(value)


def is_damaged(record: bytes) -> bool:
    """Whether ``named_entries`` cannot tell."""
    try:
        named_entries(record)
    except CorruptionError:
        return True
    return False


def exact_key_of(record: bytes) -> bytes | None:
    """The exact key, if it differs: it is the first item then. Raises CorruptionError."""
    if record[:1] == PLAIN or (record[1:2] == _ENTRY and record[0] < 0x80):
        return None
    return read_head(record)[1]
