"""Key paths: which are valid, and what they find in a value. https://w3c.github.io/IndexedDB/#key-path-construct"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any, Final

from ..json_text import JsonText
from ..script_types import HOLE, Array, BigInt, Blob, Boxed, Date, File
from ..typed_arrays import is_array

ABSENT: Final = object()
"""Evaluation found nothing."""

_JOINERS = "\u200c\u200d"
_START = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nl"))
_PART = _START | {"Mn", "Mc", "Nd", "Pc"}


def is_valid_key_path(key_path: object) -> bool:
    """https://w3c.github.io/IndexedDB/#valid-key-path"""
    if isinstance(key_path, str):
        return not key_path or all(map(_is_identifier, key_path.split(".")))
    if not isinstance(key_path, list | tuple) or not key_path:
        return False
    return all(isinstance(path, str) and is_valid_key_path(path) for path in key_path)


@lru_cache(1024)
def _is_identifier(name: str) -> bool:
    """https://tc39.es/ecma262/#prod-IdentifierName, without escapes and by UTF-16 code units' characters."""
    if not name or not _may_start(name[0]):
        return False
    return all(_may_start(character) or _may_follow(character) for character in name[1:])


def _may_start(character: str) -> bool:
    return character in "$_" or unicodedata.category(character) in _START


def _may_follow(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) in _PART


def evaluate(value: Any, key_path: str | list[str]) -> Any:
    """What the path finds in the value, or ABSENT. https://w3c.github.io/IndexedDB/#evaluate-a-key-path-on-a-value"""
    if isinstance(key_path, list):
        found = [evaluate(value, path) for path in key_path]
        return ABSENT if any(item is ABSENT for item in found) else found
    if type(value) is dict and key_path in value and "." not in key_path and key_path:
        return value[key_path] if _is_plain(value) else ABSENT
    if not key_path:
        return value
    for name in key_path.split("."):
        value = own_property(value, name)
        if value is ABSENT:
            return ABSENT
    return value


def _is_plain(value: dict[Any, Any]) -> bool:
    for key in value:  # noqa: SIM110 (a generator would cost more than the loop)
        if type(key) is not str:
            return False
    return True


def own_property(value: Any, name: str) -> Any:
    """A property that the stored form of the value has of itself, or that the specification names; else ABSENT."""
    if isinstance(value, JsonText):
        value = value.parse()
    if isinstance(value, dict):
        return value.get(name, ABSENT) if _is_plain(value) else ABSENT
    if isinstance(value, str):
        return _units(value) if name == "length" else ABSENT
    if isinstance(value, list | tuple):
        if name == "length":
            return len(value)
        return value.properties.get(name, ABSENT) if isinstance(value, Array) else ABSENT
    if isinstance(value, Boxed):
        return own_property(value.value, name) if isinstance(value.value, str) else ABSENT
    if isinstance(value, Blob):
        return _file_property(value, name)
    return ABSENT


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _file_property(value: Blob, name: str) -> Any:
    if name == "size":
        return value.size
    if name == "type":
        return value.type
    if isinstance(value, File):
        if name == "name":
            return value.name
        if name == "lastModified":
            return value.last_modified
    return ABSENT


def is_primitive(value: Any) -> bool:
    """Whether a value is no object in JavaScript: it can have no properties."""
    if value is None or isinstance(value, bool | int | float | str | BigInt) or type(value) is type(HOLE):
        return True
    return not isinstance(value, Date | JsonText) and _is_number(value)


def _is_number(value: Any) -> bool:
    return hasattr(value, "__index__") and not is_array(value)
