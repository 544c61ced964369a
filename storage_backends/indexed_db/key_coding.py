"""IndexedDB keys as bytes whose order is IndexedDB's order.

    number  10, 8 bytes            date  20, 8 bytes            string  30, text, 00
    binary  40, bytes, 00          array 50, keys, 00

Doubles are big-endian with the sign bit turned (negative ones: all bits), so that they sort as numbers do. Text is
the UTF-8 of each UTF-16 code unit by itself (CESU-8), which sorts as code units do and keeps lone surrogates. In text
and binary, 00 is written 01 01 and 01 is written 01 02: no key is the beginning of another, and 00 ends before all
else. -0 and 0 are one key and have one encoding; ``exact_form`` tells them apart and takes no part in the order.
https://w3c.github.io/IndexedDB/#key-construct
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Callable, Iterator
from datetime import datetime
from numbers import Integral, Rational, Real
from typing import Any, Final

from ...errors import CorruptionError
from ..script_types import BigInt, BinaryView, Date, milliseconds_of, moment_of
from ..typed_arrays import is_array

NUMBER: Final = 0x10
DATE: Final = 0x20
STRING: Final = 0x30
BINARY: Final = 0x40
ARRAY: Final = 0x50
END: Final = b"\x00"
AFTER: Final = b"\xff"
"""Appended to a key: sorts after everything that begins with that key, and before every greater key."""

MAX_DEPTH: Final = 2000
"""Arrays in arrays that Chromium takes."""

_TEXT = bytes((STRING,))
_LARGEST_INTEGER = 1 << 53
_SIGN = 1 << 63
_ALL = (1 << 64) - 1
_pack_double = struct.Struct(">d").pack
_unpack_double = struct.Struct(">d").unpack
_unpack_double_from = struct.Struct(">d").unpack_from
_pack_ordered = struct.Struct(">Bd").pack
_pack_bits = struct.Struct(">BQ").pack
_unpack_bits = struct.Struct(">Q").unpack
_NUMBER_BYTES = 9
_NEGATIVE_ZERO = bytes((NUMBER,)) + (_SIGN - 1).to_bytes(8, "big")
ZERO: Final = bytes((NUMBER,)) + _SIGN.to_bytes(8, "big")
"""The encoding of 0, and of -0."""


class InvalidKeyError(ValueError):
    """A value that is not a valid key."""


def encode_key(value: Any, max_depth: int = MAX_DEPTH) -> bytes:
    """Converts a value to a key, in its encoding. Raises InvalidKeyError.

    https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    if isinstance(value, list | tuple):
        return _encode_array(value, max_depth, _encode_one)
    return _encode_one(value)


def exact_form(value: Any) -> bytes | None:
    """The encoding that keeps -0 apart from 0, for a key that holds a -0; else None."""
    if type(value) is float:
        return _NEGATIVE_ZERO if _is_negative_zero(value) else None
    if isinstance(value, list | tuple):
        exact = _encode_array(value, MAX_DEPTH, _encode_exactly)
        return exact if exact != encode_key(value) else None
    return None


def key_forms(value: Any, max_depth: int = MAX_DEPTH) -> tuple[bytes, bytes | None]:
    """What ``encode_key`` and ``exact_form`` give. Raises InvalidKeyError."""
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        return encode_key(value, max_depth), exact_form(value)
    key = encoder(value)
    return key, exact_form(value) if key == ZERO else None


def canonical_form(exact: bytes) -> bytes:
    """The encoding that takes part in the order, of a key that may hold a -0."""
    if exact[:1] == _TEXT or _NEGATIVE_ZERO not in exact:
        return exact
    return encode_key(decode_key(exact))


def decode_key(data: bytes) -> Any:
    """The key as a Python value. Raises CorruptionError where the bytes are no key."""
    if len(data) == _NUMBER_BYTES and data[0] == NUMBER and data[1] & 0x80:  # no other key is as usual
        number: float = -_unpack_double_from(data, 1)[0]
        return int(number) if number < _LARGEST_INTEGER and number.is_integer() else number
    key, at = read_key(data, 0)
    if at != len(data):
        raise CorruptionError("a stored key is damaged: bytes are left over")
    return key


def read_key(data: bytes, at: int) -> tuple[Any, int]:
    """The key that starts at a position, and the position after it."""
    try:
        return _read_key(data, at)
    except (IndexError, KeyError, ValueError, struct.error) as problem:
        raise CorruptionError(f"a stored key is damaged: {problem}") from problem


def end_of_key(data: bytes, at: int) -> int:
    """The position after the key that starts at a position."""
    kind = data[at]
    if kind in (NUMBER, DATE):
        return at + 9
    if kind != ARRAY:
        return data.index(0, at) + 1
    depth, at = 1, at + 1
    while depth:
        kind = data[at]
        if kind == ARRAY:
            depth, at = depth + 1, at + 1
        elif kind == 0:
            depth, at = depth - 1, at + 1
        else:
            at = end_of_key(data, at)
    return at


def compare(one: bytes, other: bytes) -> int:
    """-1, 0 or 1. https://w3c.github.io/IndexedDB/#compare-two-keys"""
    return (one > other) - (one < other)


# -- Encoding --


def _ordered(kind: int, number: float) -> bytes:
    """``number`` is no NaN and no -0."""
    if number >= 0:
        return _pack_ordered(kind, -float(number))
    bits: int = _unpack_bits(_pack_double(number))[0]
    return _pack_bits(kind, bits ^ _ALL)


def _is_negative_zero(number: float) -> bool:
    return number == 0 and math.copysign(1, number) < 0


def _encode_integer(number: int) -> bytes:
    if 0 <= number <= _LARGEST_INTEGER:
        return _pack_ordered(NUMBER, -float(number))
    if not -_LARGEST_INTEGER <= number <= _LARGEST_INTEGER:
        raise InvalidKeyError("an int beyond 2^53 is a BigInt, which is no key")
    return _ordered(NUMBER, number)


def _encode_float(number: float) -> bytes:
    if number != number:
        raise InvalidKeyError("NaN is no key")
    return _ordered(NUMBER, number or 0.0)


def _encode_date(moment: datetime | Date) -> bytes:
    try:
        ms = moment.ms if isinstance(moment, Date) else milliseconds_of(moment)
    except ValueError as problem:
        raise InvalidKeyError(str(problem)) from problem
    if ms != ms:
        raise InvalidKeyError("an invalid Date is no key")
    return _ordered(DATE, ms or 0.0)


def _escaped(data: bytes) -> bytes:
    return data.replace(b"\x01", b"\x01\x02").replace(b"\x00", b"\x01\x01")


def _unescaped(data: bytes) -> bytes:
    return data.replace(b"\x01\x01", b"\x00").replace(b"\x01\x02", b"\x01") if 1 in data else data


def _encode_text(text: str) -> bytes:
    if text.isascii() and text.isprintable():  # as most are: nothing to be escaped
        return b"\x30%b\x00" % text.encode()
    if not text.isascii() and max(text) > "\uffff":
        units = array("H", text.encode("utf-16", "surrogatepass")[2:])
        text = "".join(map(chr, units))
    data = text.encode("utf-8", "surrogatepass")
    return b"\x30%b\x00" % _escaped(data)


def _encode_binary(data: Any) -> bytes:
    return b"\x40" + _escaped(bytes(data)) + END


def _encode_view(view: memoryview) -> bytes:
    try:
        return _encode_binary(view.tobytes())
    except ValueError as problem:  # JavaScript: a detached buffer
        raise InvalidKeyError("a released memoryview is no key") from problem


def _encode_one(value: Any) -> bytes:
    """A key that is no array, of any class that is one of the key types."""
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    if isinstance(value, BinaryView):
        return _encode_binary(value.data)
    if is_array(value):
        return _encode_binary(value.tobytes())
    for kind, general in _BASES:
        if isinstance(value, kind) and not isinstance(value, BigInt):
            return general(value)
    raise InvalidKeyError(f"{type(value).__name__} is no key")


def _encode_exactly(value: Any) -> bytes:
    if type(value) is float and _is_negative_zero(value):
        return _NEGATIVE_ZERO
    return _encode_one(value)


def _encode_array(value: Any, max_depth: int, encode_one: Callable[[Any], bytes]) -> bytes:
    parts = [b"\x50"]
    stack: list[tuple[int, Iterator[Any]]] = [(id(value), iter(value))]
    while stack:
        for item in stack[-1][1]:
            if not isinstance(item, list | tuple):
                parts.append(encode_one(item))
                continue
            if len(stack) >= max_depth or any(item_id == id(item) for item_id, _ in stack):
                raise InvalidKeyError("an array that holds itself, or too deep a one, is no key")
            parts.append(b"\x50")
            stack.append((id(item), iter(item)))
            break
        else:
            stack.pop()
            parts.append(END)
    return b"".join(parts)


def _refuse(value: object) -> bytes:
    raise InvalidKeyError(f"{type(value).__name__} is no key")


_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {
    int: _encode_integer,
    str: _encode_text,
    float: _encode_float,
    bytes: _encode_binary,
    bytearray: _encode_binary,
    memoryview: _encode_view,
    datetime: _encode_date,
    Date: _encode_date,
    bool: _refuse,
    BigInt: _refuse,
    type(None): _refuse,
}
_BASES: Final[tuple[tuple[type, Callable[[Any], bytes]], ...]] = (
    (str, lambda text: _encode_text(str(text))),
    (datetime, _encode_date),
    (bytes, _encode_binary),
    (bytearray, _encode_binary),
    (Integral, lambda number: _encode_integer(int(number))),
    (Rational, _refuse),  # as a float it would be another key
    (Real, lambda number: _encode_float(float(number))),
)

# -- Decoding --


def _read_key(data: bytes, at: int) -> tuple[Any, int]:
    stack: list[list[Any]] = []
    while True:
        kind = data[at]
        key: Any
        if kind == ARRAY:
            stack.append([])
            at += 1
            continue
        if kind == 0:
            key = stack.pop()
            at += 1
        else:
            key, at = _read_one(data, at, kind)
        if not stack:
            return key, at
        stack[-1].append(key)


def _read_one(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == NUMBER:
        return _number(_read_double(data, at)), at + 9
    if kind == DATE:
        return moment_of(_read_double(data, at)), at + 9
    end = data.index(0, at)
    if kind == STRING:
        return _text(_unescaped(data[at + 1 : end])), end + 1
    if kind == BINARY:
        return _unescaped(data[at + 1 : end]), end + 1
    raise ValueError(f"no key begins with {kind:#04x}")


def _read_double(data: bytes, at: int) -> float:
    number: float
    if data[at + 1] & 0x80:
        (number,) = _unpack_double_from(data, at + 1)
        return -number
    bits: int = _unpack_bits(data[at + 1 : at + 9])[0] ^ _ALL
    (number,) = _unpack_double(bits.to_bytes(8, "big"))
    return number


def _number(number: float) -> int | float:
    if number.is_integer() and -_LARGEST_INTEGER < number < _LARGEST_INTEGER and not _is_negative_zero(number):
        return int(number)
    return number


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "surrogatepass")
    if 0xED in data:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text
