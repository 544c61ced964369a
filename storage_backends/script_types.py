"""The JavaScript values that Python has no type of its own for.

They exist to be stored in IndexedDB and read back unchanged. Everything here is a small value without behaviour; the
stored form is in ``values``. https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from .abc import Buffer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_TIME = 8.64e15
"""https://tc39.es/ecma262/#sec-time-values-and-time-range"""


class _Singleton:
    """A value that is only itself: copying and pickling give the same object."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __bool__(self) -> bool:
        return False

    def __copy__(self) -> _Singleton:
        return self

    def __deepcopy__(self, _memo: object) -> _Singleton:
        return self

    def __reduce__(self) -> str:
        return self._name


UNDEFINED: Final = _Singleton("UNDEFINED")
"""JavaScript's ``undefined``; falsy. ``None`` is ``null``."""

HOLE: Final = _Singleton("HOLE")
"""A missing element of a list: JavaScript's ``[1, , 3]`` is ``[1, HOLE, 3]``."""


class BigInt(int):
    """A BigInt that is small enough to be mistaken for a Number: ``BigInt(5)``. Larger ints are BigInts anyway."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"BigInt({int(self)})"


@dataclass(frozen=True, slots=True)
class Date:
    """A Date in milliseconds since the epoch, for instants that ``datetime`` cannot hold; ``Date(nan)`` is invalid.

    The value is clipped as JavaScript clips it: whole milliseconds, at most 8.64e15 from the epoch, else NaN.
    """

    ms: float

    def __post_init__(self) -> None:
        clipped = math.nan
        if math.isfinite(self.ms) and abs(self.ms) <= _MAX_TIME:
            clipped = float(int(self.ms))
        object.__setattr__(self, "ms", clipped)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Date):
            return NotImplemented
        return self.ms == other.ms or (math.isnan(self.ms) and math.isnan(other.ms))

    def __hash__(self) -> int:
        return hash(("Date", None if math.isnan(self.ms) else self.ms))

    def to_datetime(self) -> datetime:
        """The same instant as an aware datetime. Raises OverflowError or ValueError where datetime cannot hold it."""
        return _EPOCH + timedelta(milliseconds=self.ms)


def milliseconds_of(moment: datetime) -> float:
    """Milliseconds since the epoch of an aware datetime, rounded down.

    Raises ValueError for a naive one: it does not say which instant it means.
    """
    if moment.tzinfo is None:
        raise ValueError("a datetime without time zone does not name an instant")
    gap = moment - _EPOCH
    return float((gap.days * 86_400 + gap.seconds) * 1000 + gap.microseconds // 1000)


def moment_of(ms: float) -> datetime | Date:
    """The datetime of a time value, or a Date where datetime cannot hold it."""
    if math.isnan(ms):
        return Date(ms)
    try:
        return _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return Date(ms)


@dataclass(frozen=True, slots=True)
class RegExp:
    """A regular expression: ``RegExp("a+", "gi")`` is ``/a+/gi``. It is stored, never executed."""

    source: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class ScriptError:
    """An Error object: its name (``TypeError``, …) and message."""

    name: str = "Error"
    message: str = ""


@dataclass(slots=True)
class Boxed:
    """A primitive in an object: ``new Number(5)`` is ``Boxed(5)``."""

    value: Any


@dataclass(slots=True)
class BinaryView:
    """A view on bytes that numpy has no type for: ``DataView`` and ``Uint8ClampedArray``."""

    kind: str
    data: Buffer

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BinaryView):
            return NotImplemented
        return self.kind == other.kind and bytes(self.data) == bytes(other.data)

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Blob:
    """The File API's Blob: bytes with a media type. https://w3c.github.io/FileAPI/#blob-section"""

    data: Buffer
    type: str = ""

    @property
    def size(self) -> int:
        return memoryview(self.data).nbytes


@dataclass(slots=True)
class File(Blob):
    """The File API's File. https://w3c.github.io/FileAPI/#file-section"""

    name: str = ""
    last_modified: float = field(default=0)


class Array(list[Any]):
    """A list with named properties besides its elements, as a JavaScript array may have."""

    __slots__ = ("properties",)

    def __init__(self, items: Iterable[Any] = (), properties: dict[str, Any] | None = None) -> None:
        super().__init__(items)
        self.properties = {} if properties is None else properties

    def __eq__(self, other: object) -> bool:
        theirs = other.properties if isinstance(other, Array) else {}
        return list.__eq__(self, other) is True and self.properties == theirs

    __hash__ = None
