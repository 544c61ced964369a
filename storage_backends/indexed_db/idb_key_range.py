"""IDBKeyRange. https://w3c.github.io/IndexedDB/#idbkeyrange"""

from __future__ import annotations

from typing import Any, Final

from ..script_types import UNDEFINED
from .key_coding import AFTER, InvalidKeyError, compare, decode_key, encode_key, exact_form
from .key_range_words import exceptions
from .layout import Bounds

_INTERFACE: Final = "IDBKeyRange"
_UNBOUNDED = (b"", AFTER)


class IDBKeyRange:
    """A continuous interval of keys. Immutable; made by ``only``, ``lower_bound``, ``upper_bound`` and ``bound``."""

    __slots__ = ("_bounds", "lower", "lower_open", "upper", "upper_open")

    def __init__(self, *_: object) -> None:
        raise TypeError("Illegal constructor")

    lower: Any
    """The lower bound, or UNDEFINED."""
    upper: Any
    """The upper bound, or UNDEFINED."""
    lower_open: bool
    upper_open: bool
    _bounds: Bounds

    @classmethod
    def only(cls, value: Any) -> IDBKeyRange:
        """The range that holds one key. Raises DataError. https://w3c.github.io/IndexedDB/#dom-idbkeyrange-only"""
        key = _key(value, "only")
        return cls._make((value, key), (value, key), False, False)

    @classmethod
    def lower_bound(cls, lower: Any, open: bool = False) -> IDBKeyRange:  # noqa: A002 (the specification's name)
        """All keys from ``lower`` on. Raises DataError. https://w3c.github.io/IndexedDB/#dom-idbkeyrange-lowerbound"""
        return cls._make((lower, _key(lower, "lowerBound")), None, open, True)

    @classmethod
    def upper_bound(cls, upper: Any, open: bool = False) -> IDBKeyRange:  # noqa: A002 (the specification's name)
        """All keys up to ``upper``. Raises DataError. https://w3c.github.io/IndexedDB/#dom-idbkeyrange-upperbound"""
        return cls._make(None, (upper, _key(upper, "upperBound")), True, open)

    @classmethod
    def bound(cls, lower: Any, upper: Any, lower_open: bool = False, upper_open: bool = False) -> IDBKeyRange:
        """All keys from ``lower`` to ``upper``. Raises DataError, also where nothing would be in it.

        https://w3c.github.io/IndexedDB/#dom-idbkeyrange-bound
        """
        low, high = _key(lower, "bound"), _key(upper, "bound")
        if low > high:
            raise exceptions().error("lower-greater", "bound", _INTERFACE)
        if low == high and (lower_open or upper_open):
            raise exceptions().error("empty-range", "bound", _INTERFACE)
        return cls._make((lower, low), (upper, high), lower_open, upper_open)

    @classmethod
    def _make(
        cls, lower: tuple[Any, bytes] | None, upper: tuple[Any, bytes] | None, lower_open: bool, upper_open: bool
    ) -> IDBKeyRange:
        made = object.__new__(cls)
        made.lower = UNDEFINED if lower is None else _as_read(*lower)
        made.upper = UNDEFINED if upper is None else _as_read(*upper)
        made.lower_open = bool(lower_open)
        made.upper_open = bool(upper_open)
        start, stop = _UNBOUNDED
        if lower is not None:
            start = lower[1] + AFTER if lower_open else lower[1]
        if upper is not None:
            stop = upper[1] if upper_open else upper[1] + AFTER
        made._bounds = (start, stop)
        return made

    @property
    def bounds(self) -> Bounds:
        """The range in encoded keys: from the first, up to but without the second."""
        return self._bounds

    def includes(self, key: Any) -> bool:
        """Whether a key is in the range. Raises DataError. https://w3c.github.io/IndexedDB/#dom-idbkeyrange-includes"""
        encoded = _key(key, "includes")
        return self._bounds[0] <= encoded < self._bounds[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IDBKeyRange) and self._bounds == other._bounds

    def __hash__(self) -> int:
        return hash(self._bounds)

    def __repr__(self) -> str:
        low = "(" if self.lower_open else "["
        high = ")" if self.upper_open else "]"
        lower = "" if self.lower is UNDEFINED else repr(self.lower)
        upper = "" if self.upper is UNDEFINED else repr(self.upper)
        return f"<IDBKeyRange {low}{lower}, {upper}{high}>"

    def __reduce__(self) -> tuple[Any, ...]:
        lower = None if self.lower is UNDEFINED else self.lower
        upper = None if self.upper is UNDEFINED else self.upper
        return (_rebuild, (lower, upper, self.lower_open, self.upper_open))


def _rebuild(lower: Any, upper: Any, lower_open: bool, upper_open: bool) -> IDBKeyRange:
    low = None if lower is None else (lower, encode_key(lower))
    high = None if upper is None else (upper, encode_key(upper))
    return IDBKeyRange._make(low, high, lower_open, upper_open)


def _as_read(value: Any, key: bytes) -> Any:
    return decode_key(exact_form(value) or key)


def _key(value: Any, method: str) -> bytes:
    try:
        return encode_key(value)
    except InvalidKeyError as problem:
        raise exceptions().error("invalid-key", method, _INTERFACE, hint=str(problem)) from None


def compare_values(one: Any, other: Any) -> int:
    """Raises InvalidKeyError. https://w3c.github.io/IndexedDB/#dom-idbfactory-cmp"""
    return compare(encode_key(one), encode_key(other))
