"""WebKit's order: WTF's hash table over SuperFastHash.

Sources: Source/WTF/wtf/text/SuperFastHash.h, Source/WTF/wtf/HashTable.h.
"""

from __future__ import annotations

from struct import unpack

from .wtf_hash_table import WTFHashTable

_MASK32 = 0xFFFFFFFF
_SEED = 0x9E3779B9
_HASH_BITS = 0xFFFFFF
_INSTEAD_OF_ZERO = 0x800000  # zero means "not computed yet" in a StringImpl
_LARGE = 1024


def webkit_table() -> WTFHashTable:
    """An empty table: three quarters of its slots may be taken, half of them in one of more than 1,024."""
    return WTFHashTable(string_hash, _is_full)


def _is_full(taken: int, slots: int) -> bool:
    return taken * 4 >= slots * 3 if slots <= _LARGE else taken * 2 >= slots


def string_hash(text: str) -> int:
    """24 bits of SuperFastHash over the UTF-16 code units (http://www.azillionmonkeys.com/qed/hash.html)."""
    units = _code_units(text)
    value = _SEED
    for first, second in zip(units[::2], units[1::2], strict=False):
        value = (value + first) & _MASK32
        value = (value << 16 & _MASK32) ^ (second << 11) ^ value
        value = (value + (value >> 11)) & _MASK32
    if len(units) & 1:
        value = (value + units[-1]) & _MASK32
        value ^= value << 11 & _MASK32
        value = (value + (value >> 17)) & _MASK32
    value ^= value << 3 & _MASK32
    value = (value + (value >> 5)) & _MASK32
    value ^= value << 2 & _MASK32
    value = (value + (value >> 15)) & _MASK32
    value ^= value << 10 & _MASK32
    return value & _HASH_BITS or _INSTEAD_OF_ZERO


def _code_units(text: str) -> bytes | tuple[int, ...]:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        data = text.encode("utf-16-le", "surrogatepass")
        return unpack(f"<{len(data) // 2}H", data)
