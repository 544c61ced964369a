"""Objects that hold nothing but JSON's primitives, as JSON text: what most records are, and what C writes and reads.

The text is the object as it is (names in their order, -0 kept), not canonical JSON; ``value_format.PLAIN`` tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring
from typing import Any, Final

from ..errors import CorruptionError
from .abc import INLINE_LIMIT
from .value_format import PLAIN, VERSION

HEAD: Final = bytes((VERSION, 0, PLAIN))
"""What the stored form begins with."""

_LARGEST_NUMBER: Final = 1 << 53
_LARGEST_FLOAT: Final = 1.7976931348623157e308
_NAMES_KEPT: Final = 4096
_WORDS: Final = {None: "null", True: "true", False: "false"}
_START: Final = len(HEAD)
_scan: Final[Callable[[str, int], tuple[Any, int]]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


class _Names(dict[str, str]):
    """A property's name as it begins its member; the most usual ones are kept."""

    def __missing__(self, name: str) -> str:
        member = encode_basestring(name) + ":"
        if len(self) < _NAMES_KEPT and len(name) < 64:
            self[name] = member
        return member


_members = _Names()


def write(value: dict[Any, Any]) -> bytes | None:
    """The stored form; None for an object that has to be written in another way."""
    parts = []
    for name, item in value.items():
        if type(name) is not str:
            return None
        kind = type(item)
        if kind is str:
            parts.append(_members[name] + encode_basestring(item))
        elif kind is int and -_LARGEST_NUMBER <= item <= _LARGEST_NUMBER:
            parts.append(f"{_members[name]}{item}")
        elif kind is float and -_LARGEST_FLOAT <= item <= _LARGEST_FLOAT and not item.is_integer():
            parts.append(f"{_members[name]}{item!r}")
        else:
            text = _primitive(kind, item)
            if text is None:
                return None
            parts.append(_members[name] + text)
    try:
        text = "{" + ",".join(parts) + "}"
        return HEAD + text.encode() if len(text) <= INLINE_LIMIT // 4 else None
    except UnicodeEncodeError:  # a lone surrogate
        return None


def _primitive(kind: type, item: Any) -> str | None:
    if kind is float and -_LARGEST_FLOAT <= item <= _LARGEST_FLOAT:
        # An integral Number reads back as an int.
        is_integer = item.is_integer() and -_LARGEST_NUMBER < item < _LARGEST_NUMBER and repr(item) != "-0.0"
        return repr(int(item) if is_integer else item)
    if item is None or kind is bool:
        return _WORDS[item]
    return None


def read(data: bytes) -> Any:
    """Raises CorruptionError where what follows the head is no text of an object."""
    try:
        text = str(data[_START:], "utf-8")
        value, end = _scan(text, 0)
    except (StopIteration, ValueError, RecursionError) as problem:
        raise CorruptionError(f"a stored value is damaged: {problem}") from problem
    if end != len(text) or type(value) is not dict:
        raise CorruptionError("a stored value is damaged: it is no object")
    return value


def read_all(values: Sequence[bytes]) -> list[Any]:
    """The objects of many stored forms: one parse for all costs half, and equal names are one string."""
    try:
        found, _ = _scan((b"[" + b",".join([data[_START:] for data in values]) + b"]").decode(), 0)
    except (StopIteration, ValueError, RecursionError):
        found = []
    if len(found) != len(values):  # one is damaged: which, the texts by themselves tell
        return [read(data) for data in values]
    return list(found)
