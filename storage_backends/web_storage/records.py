"""How a storage area lies in its bucket; specified in ``docs/on-disk-format.md``.

Key: namespace 0x02, then the item's key as Chromium encodes it (0x01 and Latin-1 where that can hold it, else 0x00 and
UTF-16LE): every sequence of code units has exactly one form. Value: a tag, the number of the ``setItem`` that wrote it
(later ones are greater), then the value's bytes, or digest and size of the blob that holds them.
"""

from __future__ import annotations

from struct import Struct

from ...errors import CorruptionError
from ..abc import Blob
from .text import EncodedText, decode

NAMESPACE = b"\x02"
NAMESPACE_END = b"\x03"

_LATIN1_KEY = b"\x02\x01"
_UTF16_KEY = b"\x02\x00"
_HEAD = Struct("<BQ")
_BLOB = Struct("<32sQ")
_INLINE = 0x00
_OUT_OF_LINE = 0x10


def record_key(key: EncodedText) -> bytes:
    """The record's key for an item's (encoded, in memory) key."""
    assert isinstance(key.data, bytes)
    return (_LATIN1_KEY if key.width == 1 else _UTF16_KEY) + key.data


def item_key(record: bytes) -> tuple[str, EncodedText]:
    """The item's key, back from the record's."""
    prefix, data = record[:2], record[2:]
    if prefix == _LATIN1_KEY:
        return decode(1, data), EncodedText(1, len(data), data)
    if prefix == _UTF16_KEY and not len(data) % 2:
        return decode(2, data), EncodedText(2, len(data) // 2, data)
    raise CorruptionError(f"localStorage record {record[:64].hex()} has a key of unknown form")


def pack(sequence: int, text: EncodedText) -> bytes:
    """The record's value."""
    if isinstance(text.data, Blob):
        blob = _BLOB.pack(bytes.fromhex(text.data.digest), text.data.size)
        return _HEAD.pack(_OUT_OF_LINE | text.width, sequence) + blob
    return inline_record(sequence, text.width, text.data)


def inline_record(sequence: int, width: int, data: bytes) -> bytes:
    """The record's value for a text that lies in it."""
    return _HEAD.pack(_INLINE | width, sequence) + data


def unpack(record: bytes, value: bytes) -> tuple[int, EncodedText]:
    """Sequence number and text of a record. Raises CorruptionError that names the record where it has no such form."""
    if len(value) >= _HEAD.size:
        tag, sequence = _HEAD.unpack_from(value)
        place, width = tag & 0xF0, tag & 0x0F
        data: bytes | Blob = value[_HEAD.size :]
        size = len(value) - _HEAD.size
        is_known = width in (1, 2) and place == _INLINE
        if place == _OUT_OF_LINE and size == _BLOB.size:
            digest, size = _BLOB.unpack_from(value, _HEAD.size)
            data = Blob(digest.hex(), size)
            is_known = width in (1, 2)
        if is_known and not size % width:
            return sequence, EncodedText(width, size // width, data)
    raise CorruptionError(f"localStorage record {record[:64].hex()} has a value of unknown form")
