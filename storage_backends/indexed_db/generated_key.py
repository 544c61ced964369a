"""The place that a value keeps for a key that is generated later.

The front end encodes a value before the backing store makes its key. Where the key path points it writes a number that
takes 8 bytes, wherever the key appears in an index key it writes NaN, which is no key; both are replaced here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any, Final

from .key_coding import NUMBER, encode_key, read_key

PLACEHOLDER_KEY: Final = bytes((NUMBER,)) + b"\xff" * 8
"""NaN, as a key would be encoded."""

_double = struct.Struct("<d").pack


def with_generated_key(
    data: bytes, entries: Iterable[tuple[int, bytes]], room: int | None, number: int
) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The value and its index keys with the generated number in place; a value that keeps no properties has no room."""
    value = data if room is None else data[:room] + _double(number) + data[room + 8 :]
    return value, [(index, filled(key, number)) for index, key in entries]


def filled(key: bytes, number: float) -> bytes:
    """An index key with the generated number in place."""
    if PLACEHOLDER_KEY not in key:
        return key
    return encode_key(_replaced(read_key(key, 0)[0], number))


def _replaced(key: Any, number: float) -> Any:
    if isinstance(key, list):
        return [_replaced(item, number) for item in key]
    return number if isinstance(key, float) and math.isnan(key) else key
