"""JavaScript's Map and Set: in order of insertion, with any value as key.

Keys are compared as JavaScript does (SameValueZero): numbers by value, so 1 and 1.0 are one key and NaN is equal to
itself, true is not 1, and objects are themselves only. Hashable Python values that are objects there (bytes, datetime,
tuples) go by their value, which is what a Python caller means. https://tc39.es/ecma262/#sec-map-objects
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping, MutableSet
from typing import Any

from .script_types import BigInt

_LARGEST_NUMBER = 1 << 53


def _identity(value: Any) -> Hashable:
    """What makes two keys the same key."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is float:
        return ("number", "nan" if value != value else value)
    if kind is int:
        return ("number" if -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER else "bigint", value)
    if kind is BigInt:
        return ("bigint", int(value))
    if kind is bool:
        return ("bool", value)
    try:
        hash(value)
    except TypeError:
        return ("object", id(value))
    return ("value", value)


def _is_object(token: Hashable) -> bool:
    return isinstance(token, tuple) and token[0] == "object"


class Map(MutableMapping[Any, Any]):
    """A JavaScript Map."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[Any, Any] | Iterable[tuple[Any, Any]] = ()) -> None:
        self._entries: dict[Hashable, tuple[Any, Any]] = {}
        for key, value in entries.items() if isinstance(entries, Mapping) else entries:
            self[key] = value

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._entries[_identity(key)][1]
        except KeyError:
            raise KeyError(key) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        token = _identity(key)
        known = self._entries.get(token)
        self._entries[token] = (key if known is None else known[0], value)

    def __delitem__(self, key: Any) -> None:
        try:
            del self._entries[_identity(key)]
        except KeyError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[Any]:
        return iter([key for key, _ in self._entries.values()])

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        """Equal to a mapping with equal entries in any order (as Python's dict), objects as keys by their value."""
        if not isinstance(other, Mapping) or len(self) != len(other):
            return False
        theirs = other if isinstance(other, Map) else Map(other)
        for token, (key, value) in self._entries.items():
            same = theirs._entries.get(token)
            if same is None and _is_object(token):
                same = next((entry for entry in theirs._entries.values() if entry == (key, value)), None)
            if same is None or same[1] != value:
                return False
        return True

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Map({list(self._entries.values())!r})"


class Set(MutableSet[Any]):
    """A JavaScript Set, for members that a Python set cannot hold (objects, 1 beside true) or whose order matters."""

    __slots__ = ("_members",)

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members: dict[Hashable, Any] = {}
        for member in members:
            self.add(member)

    def __contains__(self, member: object) -> bool:
        return _identity(member) in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._members.values()))

    def __len__(self) -> int:
        return len(self._members)

    def add(self, value: Any) -> None:
        self._members.setdefault(_identity(value), value)

    def discard(self, value: Any) -> None:
        self._members.pop(_identity(value), None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, set | frozenset | Set) or len(self) != len(other):
            return False
        theirs = other if isinstance(other, Set) else Set(other)
        return all(
            token in theirs._members or (_is_object(token) and member in list(theirs))
            for token, member in self._members.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Set({list(self._members.values())!r})"
