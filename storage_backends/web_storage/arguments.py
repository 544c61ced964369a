"""What Storage takes as keys, values and indices.

A browser converts whatever it is given to a string. In Python that hides mistakes (``"None"``, ``"[1, 2]"``), so a
value that is not a str is a TypeError that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .operations import SetItem


def as_key(key: object) -> str:
    """The key. Raises TypeError for anything but a str."""
    if isinstance(key, str):
        return key
    raise TypeError(f"a storage key is a str, not {type(key).__name__}: convert it, for example with str()")


def as_value(value: object) -> str:
    """The value. Raises TypeError for anything but a str."""
    if isinstance(value, str):
        return value
    raise TypeError(f"a storage value is a str, not {type(value).__name__}: convert it, for example with json.dumps()")


def as_index(index: object) -> int:
    """ToUint32, as WebIDL's ``unsigned long`` has it: -1 is 4294967295, 0.9 is 0, NaN and infinities are 0.

    https://tc39.es/ecma262/#sec-touint32. Raises TypeError for what is not a number.
    """
    if isinstance(index, int):
        return index & 0xFFFFFFFF
    if isinstance(index, float):
        is_finite = index - index == 0.0
        return int(index) & 0xFFFFFFFF if is_finite else 0
    raise TypeError(f"an index is a number, not {type(index).__name__}")


def as_items(other: Mapping[str, str] | Iterable[tuple[str, str]], named: Mapping[str, str]) -> list[SetItem]:
    """The assignments that ``dict.update`` would make of the same arguments, in order."""
    pairs = other.items() if isinstance(other, Mapping) else other
    return [
        SetItem(key, value, True)
        if isinstance(key, str) and isinstance(value, str)  # spares two calls
        else SetItem(as_key(key), as_value(value), True)
        for part in (pairs, named.items())
        for key, value in part
    ]
