"""Structured values into their stored form. https://html.spec.whatwg.org/multipage/structured-data.html"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from numbers import Integral, Rational, Real
from typing import Any

from ..errors import DataCloneError
from . import value_format as tag
from .abc import INLINE_LIMIT, Buffer
from .abc import Blob as StagedBlob
from .json_text import JsonText
from .script_collections import Map, Set
from .script_types import (
    HOLE,
    UNDEFINED,
    Array,
    BigInt,
    BinaryView,
    Blob,
    Boxed,
    Date,
    File,
    RegExp,
    ScriptError,
    milliseconds_of,
)
from .typed_arrays import is_array, typed_array_of
from .value_format import varint

_LARGEST_NUMBER = 1 << 53
_double = struct.Struct("<d").pack
_SMALL = [bytes((tag.SMALL_INTEGER | number,)) for number in range(128)]
_SHORT_TEXT = [bytes((tag.LATIN1, length)) for length in range(128)]


@dataclass(frozen=True, slots=True)
class Injection:
    """A property that a value gets while it is written, and that keeps room for a number to be filled in later.

    ``target`` is the object (a dict, a list or JsonText), or None for one that keeps no properties when it is stored;
    ``names`` are the property's name and those of the objects to be made inside it.
    """

    target: Any
    names: tuple[str, ...]


class _Room:
    """Stands for the number that comes later."""


_ROOM = _Room()

Stage = Callable[[Buffer], StagedBlob]
Children = Iterator[Any] | None


def not_cloneable(value: object) -> DataCloneError:
    """The error for a value that has no stored form; it names the value as Chromium does."""
    if callable(value) and not isinstance(value, type):
        name = getattr(value, "__name__", "")
        shown = f"function{' ' + name if name.isidentifier() else ''}(){{}}"
    else:
        shown = f"#<{type(value).__name__}>"
    return DataCloneError(f"{shown} could not be cloned.")


class ValueWriter:
    """Writes one value. Containers are walked with a stack of our own, so depth is bounded by memory only."""

    __slots__ = ("_inject", "_objects", "_parts", "_room", "_seen", "_stage", "blobs")

    def __init__(self, stage: Stage, inject: Injection | None = None) -> None:
        self._stage = stage
        self._inject = inject
        self._room: int | None = None
        self._parts: list[bytes] = []
        self._seen: dict[int, int] = {}
        self._objects = 0
        self.blobs: dict[str, tuple[int, StagedBlob]] = {}

    def write(self, value: object) -> bytes:
        """The item of the value. Raises DataCloneError; what was staged until then is the caller's to unpin."""
        append = self._parts.append
        leaves, rest = _LEAVES, self._other
        stack: list[Iterator[Any]] = [iter((value,))]
        while stack:
            for item in stack[-1]:
                kind = type(item)
                if kind is str and len(item) < 128 and item.isascii():
                    append(_SHORT_TEXT[len(item)] + item.encode())
                    continue
                leaf = leaves.get(kind)
                if leaf is not None:
                    append(leaf(item))
                    continue
                children = rest(item)
                if children is not None:
                    stack.append(children)
                    break
            else:
                stack.pop()
        return b"".join(self._parts)

    def room(self) -> int | None:
        """Where in what ``write`` gave the 8 bytes of the injected number are."""
        return None if self._room is None else sum(map(len, self._parts[: self._room])) + 1

    def _other(self, item: Any) -> Children:
        """Everything that is not a plain leaf; gives the items that follow, where some do."""
        container = _CONTAINERS.get(type(item))
        if container is not None:
            return container(self, item)
        return self._by_class(item)

    # -- Text and bytes --

    def _text(self, text: str) -> Children:
        try:
            data, short, long = text.encode("latin-1"), tag.LATIN1, tag.LONG_LATIN1
        except UnicodeEncodeError:
            data, short, long = text.encode("utf-16-le", "surrogatepass"), tag.UTF16, tag.LONG_UTF16
        self._sized(data, short, long)
        return None

    def _sized(self, data: Buffer, short: int, long: int) -> None:
        size = memoryview(data).nbytes
        if size > INLINE_LIMIT:
            self._out_of_line(self._stage(data), long)
        else:
            self._parts.append(bytes((short,)) + varint(size) + bytes(data))

    def _out_of_line(self, blob: StagedBlob, long: int) -> None:
        place, _ = self.blobs.setdefault(blob.digest, (len(self.blobs), blob))
        self._parts.append(bytes((long,)) + varint(place))

    def _bytes(self, data: Buffer) -> Children:
        self._sized(data, tag.BYTES, tag.LONG_BYTES)
        return None

    def _staged(self, blob: StagedBlob) -> Children:
        self._out_of_line(blob, tag.LONG_BYTES)
        return None

    def _payload(self, data: Buffer | StagedBlob) -> None:
        if isinstance(data, StagedBlob):
            self._staged(data)
        else:
            self._bytes(data if isinstance(data, bytes) else _flat(data))

    def _json(self, text: JsonText) -> Children:
        if self._inject is not None and self._inject.target is text:
            parsed = text.parse()
            self._inject = Injection(parsed, self._inject.names)
            return iter((parsed,))
        self._sized(text.text.encode("utf-8", "surrogatepass"), tag.JSON, tag.LONG_JSON)
        return None

    # -- Objects --

    def _first_time(self, item: object) -> bool:
        """Whether the object comes for the first time; a later time is written as a back reference."""
        known = self._seen.setdefault(id(item), self._objects)
        if known != self._objects:
            self._parts.append(bytes((tag.REFERENCE,)) + varint(known))
            return False
        self._objects += 1
        return True

    def _array(self, item: list[Any]) -> Children:
        if self._inject is not None and self._inject.target is item:
            return self._named_array(Array(item), item)
        if not self._first_time(item):
            return None
        self._parts.append(bytes((tag.ARRAY,)) + varint(len(item)))
        return iter(tuple(item))

    def _tuple(self, item: tuple[Any, ...]) -> Children:
        self._objects += 1  # a tuple has no identity worth keeping: () is one object everywhere
        self._parts.append(bytes((tag.ARRAY,)) + varint(len(item)))
        return iter(item)

    def _named_array(self, item: Array, original: list[Any] | None = None) -> Children:
        if not self._first_time(item if original is None else original):
            return None
        properties = list(item.properties.items()) + self._injected(item if original is None else original)
        kind = bytes((tag.NAMED_ARRAY,)) if properties else bytes((tag.ARRAY,))
        self._parts.append(kind + varint(len(item)) + (varint(len(properties)) if properties else b""))
        return _chain(tuple(item), _pairs(properties))

    def _object(self, item: dict[Any, Any]) -> Children:
        if not self._first_time(item):
            return None
        kind = tag.OBJECT
        for key in item:
            if type(key) is not str:
                kind = tag.MAP
                break
        pairs = list(item.items())
        if self._inject is not None:
            pairs += self._injected(item)
        self._parts.append(bytes((kind,)) + varint(len(pairs)))
        return _pairs(pairs)

    def _injected(self, item: object) -> list[tuple[str, Any]]:
        """The property that the object gets, if it is the one."""
        if self._inject is None or self._inject.target is not item:
            return []
        name, *inner = self._inject.names
        value: Any = _ROOM
        for made in reversed(inner):
            value = {made: value}
        return [(name, value)]

    def _map(self, item: Map) -> Children:
        if not self._first_time(item):
            return None
        self._parts.append(bytes((tag.MAP,)) + varint(len(item)))
        return _pairs(list(item.items()))

    def _set(self, item: Iterable[Any]) -> Children:
        if not self._first_time(item):
            return None
        members = tuple(item)
        self._parts.append(bytes((tag.SET,)) + varint(len(members)))
        return iter(members)

    def _error(self, item: ScriptError) -> Children:
        if not self._first_time(item):
            return None
        self._parts.append(bytes((tag.ERROR,)))
        return iter((item.name, item.message))

    def _regexp(self, item: RegExp) -> Children:
        if not self._first_time(item):
            return None
        self._parts.append(bytes((tag.REGEXP,)))
        return iter((item.source, item.flags))

    def _boxed(self, item: Boxed) -> Children:
        if type(item.value) not in (bool, int, float, str, BigInt):
            raise not_cloneable(item)
        if not self._first_time(item):
            return None
        self._parts.append(bytes((tag.BOXED,)))
        return iter((item.value,))

    def _binary_view(self, item: BinaryView) -> Children:
        if item.kind not in ("DataView", "Uint8ClampedArray"):
            raise not_cloneable(item)
        if self._first_time(item):
            self._parts.append(bytes((tag.VIEW, tag.VIEW_KINDS.index(item.kind), 0)))
            self._payload(item.data)
        return None

    def _blob(self, item: Blob) -> Children:
        if self._first_time(item):
            self._parts.append(bytes((tag.BLOB,)))
            self._text(item.type)
            self._payload(item.data)
        return None

    def _file(self, item: File) -> Children:
        if self._first_time(item):
            self._parts.append(bytes((tag.FILE,)))
            self._text(item.type)
            self._text(item.name)
            self._parts.append(_double(item.last_modified))
            self._payload(item.data)
        return None

    def _typed_array(self, item: object) -> Children:
        array = typed_array_of(item)
        if array is None:
            raise not_cloneable(item)
        if self._first_time(item):
            sizes = b"".join(varint(size) for size in array.shape)
            kind = tag.VIEW_KINDS.index(array.kind)
            self._parts.append(bytes((tag.VIEW, kind)) + varint(len(array.shape) + 1) + sizes)
            self._payload(array.data)
        return None

    # -- The rest --

    def _by_class(self, item: Any) -> Children:
        """Subclasses of the known types (datetime's, str's, dict's …) and numpy's scalars."""
        if is_array(item):
            return self._typed_array(item)
        for kind, write in _BASES:
            if isinstance(item, kind):
                return write(self, item)
        if isinstance(item, Rational) and not isinstance(item, Integral):
            raise not_cloneable(item)  # as a float it would be another number
        for plain, convert in _PLAIN:
            if isinstance(item, plain):
                self._parts.append(_LEAVES[convert](convert(item)))
                return None
        raise not_cloneable(item)


def _chain(items: Iterable[Any], more: Iterable[Any]) -> Iterator[Any]:
    yield from items
    yield from more


def _pairs(items: Iterable[tuple[Any, Any]]) -> Iterator[Any]:
    for key, value in items:
        yield key
        yield value


def _flat(data: Buffer) -> memoryview | bytes:
    try:
        view = memoryview(data)
    except ValueError as problem:
        raise DataCloneError("An ArrayBuffer is detached and could not be cloned.", hint=str(problem)) from problem
    if view.format == "B" and view.ndim == 1 and view.c_contiguous:
        return view
    return view.tobytes()


def _integer(number: int) -> bytes:
    if 0 <= number < 128:
        return _SMALL[number]
    if -_LARGEST_NUMBER <= number <= _LARGEST_NUMBER:
        return bytes((tag.INTEGER,)) + varint(number << 1 if number >= 0 else (-number << 1) - 1)
    return _bigint(number)


def _bigint(number: int) -> bytes:
    data = int(number).to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return bytes((tag.BIGINT,)) + varint(len(data)) + data


def _number(number: float) -> bytes:
    return bytes((tag.DOUBLE,)) + _double(number)


def _date(ms: float) -> bytes:
    return bytes((tag.DATE,)) + _double(ms)


def _moment(moment: datetime) -> bytes:
    try:
        return _date(milliseconds_of(moment))
    except ValueError as problem:
        raise DataCloneError(f"{moment!r} could not be cloned.", hint=str(problem)) from problem


_LEAVES: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: bytes((tag.NULL,)),
    bool: lambda value: bytes((tag.TRUE if value else tag.FALSE,)),
    int: _integer,
    float: _number,
    BigInt: _bigint,
    datetime: _moment,
    Date: lambda date: _date(date.ms),
}

_CONTAINERS: dict[type, Callable[[ValueWriter, Any], Children]] = {
    str: ValueWriter._text,
    list: ValueWriter._array,
    dict: ValueWriter._object,
    tuple: ValueWriter._tuple,
    bytes: ValueWriter._bytes,
    JsonText: ValueWriter._json,
    StagedBlob: ValueWriter._staged,
    Array: ValueWriter._named_array,
    Map: ValueWriter._map,
    RegExp: ValueWriter._regexp,
    ScriptError: ValueWriter._error,
    Boxed: ValueWriter._boxed,
    BinaryView: ValueWriter._binary_view,
    File: ValueWriter._file,
    Blob: ValueWriter._blob,
}
for _kind in (set, frozenset, Set):
    _CONTAINERS[_kind] = ValueWriter._set


def _singleton(self: ValueWriter, item: object) -> Children:
    if item is not UNDEFINED and item is not HOLE:
        raise not_cloneable(item)
    self._parts.append(bytes((tag.UNDEFINED if item is UNDEFINED else tag.HOLE,)))
    return None


def _make_room(self: ValueWriter, _item: _Room) -> Children:
    self._room = len(self._parts)
    self._parts.append(bytes((tag.DOUBLE,)) + bytes(8))
    return None


def _buffer(self: ValueWriter, item: Buffer) -> Children:
    self._payload(item)
    return None


def _late_moment(self: ValueWriter, item: datetime) -> Children:
    self._parts.append(_moment(item))
    return None


_CONTAINERS[type(UNDEFINED)] = _singleton
_CONTAINERS[_Room] = _make_room
_CONTAINERS[bytearray] = _buffer
_CONTAINERS[memoryview] = _buffer

_BASES: tuple[tuple[type, Callable[[ValueWriter, Any], Children]], ...] = (
    (str, lambda writer, item: writer._text(str(item))),
    (bytes, ValueWriter._bytes),
    (bytearray, _buffer),
    (Array, ValueWriter._named_array),
    (list, ValueWriter._array),
    (tuple, ValueWriter._tuple),
    (dict, ValueWriter._object),
    (datetime, _late_moment),
    (set, ValueWriter._set),
    (frozenset, ValueWriter._set),
)
_PLAIN: tuple[tuple[type, type], ...] = ((Integral, int), (Real, float))
