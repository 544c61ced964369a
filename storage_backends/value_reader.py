"""Stored values back into Python. The counterpart of ``value_writer``."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from ..errors import CorruptionError
from . import value_format as tag
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
    File,
    RegExp,
    ScriptError,
    moment_of,
)
from .typed_arrays import array_of
from .value_format import read_table, read_varint

_double = struct.Struct("<d").unpack_from
_LARGEST_NUMBER: Final = 1 << 53

OpenBlob = Callable[[StagedBlob], memoryview]
Finish = Callable[[Any, list[Any]], Any]


class _Frame:
    """A container whose items are being read."""

    __slots__ = ("finish", "items", "made", "place", "remaining")

    def __init__(self, made: Any, remaining: int, finish: Finish, place: int) -> None:
        self.made = made
        self.remaining = remaining
        self.finish = finish
        self.place = place
        self.items: list[Any] = made if type(made) is list else []


class ValueReader:
    """Reads one value. ``open_blob`` maps what lies out of line; large binaries are views on it, never copies."""

    __slots__ = ("_at", "_blobs", "_data", "_json_as_text", "_objects", "_open", "_referred")

    def __init__(self, data: bytes, open_blob: OpenBlob, *, json_as_text: bool = False) -> None:
        self._data = data
        self._open = open_blob
        self._json_as_text = json_as_text
        self._objects: list[Any] = []
        self._referred: set[int] = set()
        self._blobs: list[StagedBlob] = []
        self._at = 0

    def read(self) -> Any:
        """The value. Raises CorruptionError where the bytes are none of this version."""
        self._blobs, self._at = read_table(self._data)
        try:
            value = self._read()
        except (IndexError, KeyError, TypeError, ValueError, struct.error) as problem:
            raise CorruptionError(f"a stored value is damaged: {problem}") from problem
        if self._at != len(self._data):
            raise CorruptionError("a stored value is damaged: bytes are left over")
        return value

    def _read(self) -> Any:
        frames: list[_Frame] = []
        readers, data = _READERS, self._data
        while True:
            at = self._at
            kind = data[at]
            if kind >= 128:
                self._at = at + 1
                value: Any = kind & 127
            elif kind == tag.LATIN1 and data[at + 1] < 128:
                self._at = end = at + 2 + data[at + 1]
                if end > len(data):
                    raise IndexError("it is cut short")
                value = str(data[at + 2 : end], "latin-1")
            else:
                self._at = at + 1
                value = readers[kind](self)
                if type(value) is _Frame:
                    if value.remaining:
                        frames.append(value)
                        continue
                    value = self._finished(value)
            while True:
                if not frames:
                    return value
                frame = frames[-1]
                frame.items.append(value)
                frame.remaining -= 1
                if frame.remaining:
                    break
                value = self._finished(frames.pop())

    def _finished(self, frame: _Frame) -> Any:
        value = frame.finish(frame.made, frame.items)
        if value is not frame.made:
            if frame.place in self._referred:
                return frame.made
            self._objects[frame.place] = value
        return value

    def _frame(self, made: Any, remaining: int, finish: Finish) -> _Frame:
        place = len(self._objects)
        self._objects.append(made)
        return _Frame(made, remaining, finish, place)

    def _object_made(self, value: Any) -> Any:
        self._objects.append(value)
        return value

    # -- Leaves --

    def _varint(self) -> int:
        number = self._data[self._at]
        if number < 128:
            self._at += 1
            return number
        number, self._at = read_varint(self._data, self._at)
        return number

    def _take(self) -> bytes:
        size = self._varint()
        start = self._at
        self._at = start + size
        if self._at > len(self._data):
            raise IndexError("it is cut short")
        return self._data[start : self._at]

    def _mapped(self) -> memoryview:
        return self._open(self._blobs[self._varint()])

    def _integer(self) -> int:
        number = self._varint()
        return -(number >> 1) - 1 if number & 1 else number >> 1

    def _float(self) -> float:
        (number,) = _double(self._data, self._at)
        self._at += 8
        return float(number)

    def _number(self) -> int | float:
        """A double; an int where it is integral, below 2^53 and not -0, as everywhere a Number is read."""
        number = self._float()
        if number.is_integer() and -_LARGEST_NUMBER < number < _LARGEST_NUMBER:
            return number if number == 0 and str(number)[0] == "-" else int(number)
        return number

    def _bigint(self) -> int:
        number = int.from_bytes(self._take(), "little", signed=True)
        return number if abs(number) > _LARGEST_NUMBER else BigInt(number)

    def _latin1(self) -> str:
        return self._take().decode("latin-1")

    def _utf16(self) -> str:
        return self._take().decode("utf-16-le", "surrogatepass")

    def _long_latin1(self) -> str:
        return str(self._mapped(), "latin-1")

    def _long_utf16(self) -> str:
        return str(self._mapped(), "utf-16-le", "surrogatepass")

    def _long_bytes(self) -> memoryview:
        return self._mapped()

    def _reference(self) -> Any:
        place = self._varint()
        self._referred.add(place)
        return self._objects[place]

    def _json(self, text: str) -> Any:
        return JsonText(text) if self._json_as_text else JsonText(text).parse()

    def _short_json(self) -> Any:
        return self._json(self._take().decode("utf-8", "surrogatepass"))

    def _long_json(self) -> Any:
        return self._json(str(self._mapped(), "utf-8", "surrogatepass"))

    # -- Objects --

    def _payload(self) -> bytes | memoryview:
        kind = self._data[self._at]
        self._at += 1
        if kind == tag.BYTES:
            return self._take()
        if kind != tag.LONG_BYTES:
            raise ValueError("a binary was expected")
        return self._mapped()

    def _string(self) -> str:
        kind = self._data[self._at]
        self._at += 1
        if kind not in (tag.LATIN1, tag.UTF16, tag.LONG_LATIN1, tag.LONG_UTF16):
            raise ValueError("a string was expected")
        return str(_READERS[kind](self))

    def _array(self) -> _Frame:
        return self._frame([], self._varint(), _as_made)

    def _named_array(self) -> _Frame:
        count, named = self._varint(), self._varint()

        def finish(made: Array, items: list[Any]) -> Array:
            made.extend(items[:count])
            made.properties.update(zip(items[count::2], items[count + 1 :: 2], strict=True))
            return made

        return self._frame(Array(), count + 2 * named, finish)

    def _object(self) -> _Frame:
        return self._frame({}, 2 * self._varint(), _as_object)

    def _map(self) -> _Frame:
        return self._frame(Map(), 2 * self._varint(), _as_map)

    def _set(self) -> _Frame:
        return self._frame(Set(), self._varint(), _as_set)

    def _regexp(self) -> RegExp:
        return self._object_made(RegExp(self._string(), self._string()))  # type: ignore[no-any-return]

    def _error(self) -> ScriptError:
        return self._object_made(ScriptError(self._string(), self._string()))  # type: ignore[no-any-return]

    def _boxed(self) -> _Frame:
        return self._frame(Boxed(None), 1, _as_boxed)

    def _view(self) -> Any:
        kind = tag.VIEW_KINDS[self._data[self._at]]
        self._at += 1
        dimensions = self._varint()
        shape = tuple(self._varint() for _ in range(dimensions - 1))
        data = self._payload()
        if not dimensions:
            return self._object_made(BinaryView(kind, data))
        return self._object_made(array_of(kind, shape, bytearray(data) if isinstance(data, bytes) else data))

    def _blob(self) -> Blob:
        media_type = self._string()
        return self._object_made(Blob(self._payload(), media_type))  # type: ignore[no-any-return]

    def _file(self) -> File:
        media_type, name, modified = self._string(), self._string(), self._float()
        return self._object_made(File(self._payload(), media_type, name, modified))  # type: ignore[no-any-return]


def _as_made(made: Any, _items: list[Any]) -> Any:
    return made


def _as_object(made: dict[Any, Any], items: list[Any]) -> Any:
    made.update(zip(items[::2], items[1::2], strict=True))
    return made


def _as_map(made: Map, items: list[Any]) -> Map:
    for key, value in zip(items[::2], items[1::2], strict=True):
        made[key] = value
    return made


def _as_set(made: Set, items: list[Any]) -> Set | set[Any]:
    """A Python set where it can hold the members as they are, else a Set."""
    for item in items:
        made.add(item)
    try:
        plain = set(items)
    except TypeError:
        return made
    return plain if len(plain) == len(items) else made


def _as_boxed(made: Boxed, items: list[Any]) -> Boxed:
    made.value = items[0]
    return made


_READERS: dict[int, Callable[[ValueReader], Any]] = {
    tag.UNDEFINED: lambda _: UNDEFINED,
    tag.NULL: lambda _: None,
    tag.TRUE: lambda _: True,
    tag.FALSE: lambda _: False,
    tag.HOLE: lambda _: HOLE,
    tag.INTEGER: ValueReader._integer,
    tag.DOUBLE: ValueReader._number,
    tag.BIGINT: ValueReader._bigint,
    tag.LATIN1: ValueReader._latin1,
    tag.UTF16: ValueReader._utf16,
    tag.LONG_LATIN1: ValueReader._long_latin1,
    tag.LONG_UTF16: ValueReader._long_utf16,
    tag.BYTES: ValueReader._take,
    tag.LONG_BYTES: ValueReader._long_bytes,
    tag.VIEW: ValueReader._view,
    tag.DATE: lambda reader: moment_of(reader._float()),
    tag.REGEXP: ValueReader._regexp,
    tag.ARRAY: ValueReader._array,
    tag.NAMED_ARRAY: ValueReader._named_array,
    tag.OBJECT: ValueReader._object,
    tag.MAP: ValueReader._map,
    tag.SET: ValueReader._set,
    tag.ERROR: ValueReader._error,
    tag.BOXED: ValueReader._boxed,
    tag.BLOB: ValueReader._blob,
    tag.FILE: ValueReader._file,
    tag.REFERENCE: ValueReader._reference,
    tag.JSON: ValueReader._short_json,
    tag.LONG_JSON: ValueReader._long_json,
}
