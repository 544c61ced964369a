"""The stored form of structured values, version 1: what ``value_writer`` writes and ``value_reader`` reads.

    value  = version:u8 flags:u8 [table] item
    table  = count:varint { digest:32 bytes, size:varint }          present when flag 0x01 is set
    item   = tag:u8 …                                                as below

``docs/on-disk-format.md`` is the reference. A tag never changes its meaning; a new meaning takes a new tag, a new
arrangement a new version.
"""

from __future__ import annotations

from typing import Final

from ..errors import CorruptionError
from .abc import Blob

VERSION: Final = 1
HAS_BLOBS: Final = 0x01

UNDEFINED: Final = 0x75  # u
NULL: Final = 0x30  # 0
TRUE: Final = 0x54  # T
FALSE: Final = 0x46  # F
HOLE: Final = 0x68  # h
INTEGER: Final = 0x69  # i zigzag varint; a Number
DOUBLE: Final = 0x64  # d 8 bytes, little-endian
BIGINT: Final = 0x49  # I length, two's complement, little-endian
LATIN1: Final = 0x73  # s length, bytes
UTF16: Final = 0x53  # S length in bytes, UTF-16LE
LONG_LATIN1: Final = 0x6C  # l index into the table
LONG_UTF16: Final = 0x4C  # L index into the table
BYTES: Final = 0x62  # b length, bytes: an ArrayBuffer
LONG_BYTES: Final = 0x42  # B index into the table
VIEW: Final = 0x76  # v kind:u8, dimensions + 1 (0: none), each size, then BYTES or LONG_BYTES
DATE: Final = 0x44  # D 8 bytes, little-endian double
REGEXP: Final = 0x52  # R source item, flags item
ARRAY: Final = 0x41  # A count, items
NAMED_ARRAY: Final = 0x61  # a count, count of properties, items, then name item and item of each property
OBJECT: Final = 0x4F  # O count, then name item and item of each property
MAP: Final = 0x4D  # M count, then key item and item of each entry
SET: Final = 0x5A  # Z count, items
ERROR: Final = 0x45  # E name item, message item
BOXED: Final = 0x58  # X item
BLOB: Final = 0x66  # f type item, then BYTES or LONG_BYTES
FILE: Final = 0x6E  # n type item, name item, last modified (double), then BYTES or LONG_BYTES
REFERENCE: Final = 0x5E  # ^ number of an earlier object, in order of appearance
JSON: Final = 0x6A  # j length, UTF-8 of canonical JSON text
LONG_JSON: Final = 0x4A  # J index into the table
PLAIN: Final = 0x70  # p to the end: UTF-8 JSON text of an object of primitives; only as a whole value without a table
SMALL_INTEGER: Final = 0x80  # 0x80 to 0xff: the Numbers 0 to 127

VIEW_KINDS: Final = (
    "DataView",
    "Uint8ClampedArray",
    "Int8Array",
    "Uint8Array",
    "Int16Array",
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "BigInt64Array",
    "BigUint64Array",
)
"""The number of a kind is its place."""

_DIGEST_BYTES = 32
_SHORT: Final = tuple(bytes((number,)) for number in range(0x80))


def varint(number: int) -> bytes:
    """Seven bits a byte, lowest first, the high bit saying that more follow."""
    if number < 0x80:
        return _SHORT[number]
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number and the position after it."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def write_table(blobs: tuple[Blob, ...]) -> bytes:
    """The head of a value: version, flags and the table of what lies out of line."""
    if not blobs:
        return bytes((VERSION, 0))
    rows = b"".join(bytes.fromhex(blob.digest) + varint(blob.size) for blob in blobs)
    return bytes((VERSION, HAS_BLOBS)) + varint(len(blobs)) + rows


def read_table(data: bytes) -> tuple[list[Blob], int]:
    """The out-of-line table and where the item starts. Raises CorruptionError for another version or a cut value."""
    if len(data) < 2 or data[0] != VERSION:
        raise CorruptionError("a stored value has an unknown version")
    if not data[1] & HAS_BLOBS:
        return [], 2
    try:
        count, at = read_varint(data, 2)
        blobs = []
        for _ in range(count):
            digest = data[at : at + _DIGEST_BYTES].hex()
            size, at = read_varint(data, at + _DIGEST_BYTES)
            blobs.append(Blob(digest, size))
    except IndexError as problem:
        raise CorruptionError("a stored value is cut short") from problem
    return blobs, at
