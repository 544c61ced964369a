"""Chromium's order: Blink's hash table over rapidhash.

Sources: third_party/rapidhash/rapidhash.h and third_party/blink/renderer/platform/wtf/text/string_hasher.h.
"""

from __future__ import annotations

from struct import unpack_from

from .wtf_hash_table import WTFHashTable

_MASK64 = (1 << 64) - 1
_SEED = 0xBDD89AA982704029
_SECRET_0 = 0x2D358DCCAA6C78A5
_SECRET_1 = 0x8BB84B93962EACC9
_SECRET_2 = 0x4B33A62ED433D4A3
_HASH_BITS = 0xFFFFFF
_INSTEAD_OF_ZERO = 0x800000  # zero means "not computed yet" in a StringImpl


def blink_table() -> WTFHashTable:
    """An empty table: at most half of its slots are taken."""
    return WTFHashTable(string_hash, lambda taken, slots: taken * 2 >= slots)


def string_hash(text: str) -> int:
    """24 bits of rapidhash over the bytes of the string, one a unit where all fit in Latin-1, else UTF-16LE."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = text.encode("utf-16-le", "surrogatepass")
    return rapidhash(data) & _HASH_BITS or _INSTEAD_OF_ZERO


def rapidhash(data: bytes) -> int:
    """rapidhash v1 (https://github.com/Nicoshev/rapidhash) with Blink's seed: 64 bits."""
    length = len(data)
    seed = _SEED ^ _mix(_SEED ^ _SECRET_0, _SECRET_1) ^ length
    if length <= 16:
        first, second = _short(data, length)
    else:
        seed = _absorb(data, length, seed)
        first, second = unpack_from("<2Q", data, length - 16)
    product = (first ^ _SECRET_1) * (second ^ seed)
    return _mix((product & _MASK64) ^ _SECRET_0 ^ length, (product >> 64) ^ _SECRET_1)


def _mix(a: int, b: int) -> int:
    product = a * b
    return (product & _MASK64) ^ (product >> 64)


def _short(data: bytes, length: int) -> tuple[int, int]:
    """The two words of an input of at most 16 bytes."""
    if length >= 4:
        delta = (length & 24) >> (length >> 3)
        last = length - 4
        (head,) = unpack_from("<I", data)
        (tail,) = unpack_from("<I", data, last)
        (inner,) = unpack_from("<I", data, delta)
        (outer,) = unpack_from("<I", data, last - delta)
        return head << 32 | tail, inner << 32 | outer
    if length:
        return data[0] << 56 | data[length >> 1] << 32 | data[length - 1], 0
    return 0, 0


def _absorb(data: bytes, length: int, seed: int) -> int:
    """All but the last 16 bytes of a longer input: blocks of 48 in three lanes, then up to two of 16."""
    position = 0
    left = length
    if left > 48:
        second = third = seed
        while left >= 48:
            a, b, c, d, e, f = unpack_from("<6Q", data, position)
            seed = _mix(a ^ _SECRET_0, b ^ seed)
            second = _mix(c ^ _SECRET_1, d ^ second)
            third = _mix(e ^ _SECRET_2, f ^ third)
            position += 48
            left -= 48
        seed ^= second ^ third
    if left > 16:
        a, b = unpack_from("<2Q", data, position)
        seed = _mix(a ^ _SECRET_2, b ^ seed ^ _SECRET_1)
        if left > 32:
            a, b = unpack_from("<2Q", data, position + 16)
            seed = _mix(a ^ _SECRET_2, b ^ seed)
    return seed
