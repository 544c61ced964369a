"""What a Storage can be asked to change, as data: one operation, or several that happen all or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..abc import INLINE_LIMIT
from .text import EncodedText


class SetItem(NamedTuple):
    """``setItem(key, value)``; ``named_property`` where it was the assignment ``storage[key] = value``.

    The value may be given encoded, as another area stores it; one that is a blob must be staged (pinned).
    """

    key: str
    value: str | EncodedText
    named_property: bool = False


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """``removeItem(key)``; nothing happens where there is no such item."""

    key: str


@dataclass(frozen=True, slots=True)
class Clear:
    """``clear()``: every item goes."""


Operation = SetItem | RemoveItem | Clear


class Change(NamedTuple):
    """What an operation did to one item: whether it was there before and is there now; key None: all were cleared.

    Operations that changed nothing (the same value again, nothing to remove) have no Change.
    """

    key: str | None
    existed: bool
    exists: bool


def is_large(operation: Operation) -> bool:
    """Whether the operation may have to write a blob: its value may be above the inline limit."""
    if not isinstance(operation, SetItem):
        return False
    if isinstance(operation.value, str):
        return len(operation.value) * 2 > INLINE_LIMIT
    return operation.value.byte_length > INLINE_LIMIT
