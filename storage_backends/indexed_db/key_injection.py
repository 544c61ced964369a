"""Where a generated key goes into a value. https://w3c.github.io/IndexedDB/#inject-a-key-into-a-value-using-a-key-path"""

from __future__ import annotations

from typing import Any

from ..json_text import JsonText
from ..values import Injection
from .key_path import ABSENT, is_primitive, own_property


def injection_into(value: Any, key_path: str) -> Injection | None:
    """None where no key can be injected.

    https://w3c.github.io/IndexedDB/#check-that-a-key-could-be-injected-into-a-value
    """
    names = key_path.split(".")
    for depth, name in enumerate(names):
        if is_primitive(value):
            return None
        if depth == len(names) - 1:
            break
        inner = own_property(value, name)
        if inner is ABSENT:
            return Injection(_target(value), tuple(names[depth:]))
        value = inner
    return Injection(_target(value), (names[-1],))


def _target(value: Any) -> Any:
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return value
    return value if isinstance(value, list | JsonText) else None
