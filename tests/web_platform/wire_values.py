"""JavaScript values and keys on the channel, in Python's types and back. The other end is ``js/wire.mjs``."""

from __future__ import annotations

import base64
import math
from datetime import datetime
from typing import Any, Final

import numpy as np

from tfjsd.storage_backends.indexed_db.record_source import IDBRecord
from tfjsd.storage_backends.script_collections import Map, Set
from tfjsd.storage_backends.script_types import (
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
    moment_of,
)

_DTYPES: Final = {
    "Int8Array": "i1",
    "Uint8Array": "u1",
    "Int16Array": "<i2",
    "Uint16Array": "<u2",
    "Int32Array": "<i4",
    "Uint32Array": "<u4",
    "Float16Array": "<f2",
    "Float32Array": "<f4",
    "Float64Array": "<f8",
    "BigInt64Array": "<i8",
    "BigUint64Array": "<u8",
}
_KINDS: Final = {np.dtype(code): kind for kind, code in _DTYPES.items()}


class Foreign:
    """What is neither a key nor cloneable: a function, a DOM object, ``null`` as a key."""

    def __init__(self, name: str) -> None:
        self.name = name


def _detached() -> memoryview:
    view = memoryview(b"")
    view.release()
    return view


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)


def _view(kind: str, data: str) -> Any:
    return np.frombuffer(_bytes(data), _DTYPES[kind]) if kind in _DTYPES else BinaryView(kind, _bytes(data))


class Reader:
    """Builds what a message says."""

    def __init__(self, heap: list[list[Any]]) -> None:
        self._heap = heap
        self._made: dict[int, Any] = {}

    def read(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        if "u" in node:
            return UNDEFINED
        if "n" in node:
            return float(node["n"])
        if "b" in node:
            return BigInt(int(node["b"]))
        if "null" in node:
            return Foreign("null")
        place = node["o"]
        if place not in self._made:
            kind, *entry = self._heap[place]
            getattr(self, f"_read_{kind}")(place, *entry)
        return self._made[place]

    def _read_array(self, place: int, items: list[Any], length: int) -> None:
        made = self._made[place] = Array([HOLE] * length)
        for key, node in items:
            value = self.read(node)
            if key.isdecimal() and int(key) < length:  # JavaScript's indexes are written in one way only
                made[int(key)] = value
            else:
                made.properties[key] = value

    def _read_object(self, place: int, items: list[Any]) -> None:
        made = self._made[place] = {}
        for key, node in items:
            made[key] = self.read(node)

    def _read_map(self, place: int, items: list[Any]) -> None:
        made = self._made[place] = Map()
        for key, node in items:
            made[self.read(key)] = self.read(node)

    def _read_set(self, place: int, items: list[Any]) -> None:
        made = self._made[place] = Set()
        for node in items:
            made.add(self.read(node))

    def _read_date(self, place: int, ms: Any) -> None:
        self._made[place] = moment_of(Date(self.read(ms)).ms)

    def _read_regexp(self, place: int, source: str, flags: str) -> None:
        self._made[place] = RegExp(source, flags)

    def _read_boxed(self, place: int, value: Any) -> None:
        self._made[place] = Boxed(self.read(value))

    def _read_buffer(self, place: int, data: str) -> None:
        self._made[place] = _bytes(data)

    def _read_view(self, place: int, kind: str, data: str) -> None:
        self._made[place] = _view(kind, data)

    def _read_error(self, place: int, name: str, message: str) -> None:
        self._made[place] = ScriptError(name, message)

    def _read_blob(self, place: int, data: str, kind: str) -> None:
        self._made[place] = Blob(_bytes(data), kind)

    def _read_file(self, place: int, data: str, kind: str, name: str, modified: float) -> None:
        self._made[place] = File(_bytes(data), kind, name, modified)

    def _read_detached(self, place: int) -> None:
        self._made[place] = _detached()

    def _read_foreign(self, place: int, name: str) -> None:
        self._made[place] = Foreign(name)


class Writer:
    """Says what a Python value is."""

    def __init__(self) -> None:
        self.heap: list[Any] = []
        self._places: dict[int, int] = {}
        self._kept: list[Any] = []

    def write(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | str):
            return value
        if value is UNDEFINED:
            return {"u": 1}
        if isinstance(value, BigInt) or (isinstance(value, int) and abs(value) > 2**53):
            return {"b": str(int(value))}
        if isinstance(value, int | float):
            return _number(value)
        if id(value) not in self._places:
            self._places[id(value)] = len(self.heap)
            self._kept.append(value)
            self.heap.append(None)
            self.heap[self._places[id(value)]] = self._entry(value)
        return {"o": self._places[id(value)]}

    def _entry(self, value: Any) -> list[Any]:
        if isinstance(value, IDBRecord):
            return ["record", [self.write(item) for item in value]]
        if isinstance(value, list):
            properties = value.properties if isinstance(value, Array) else {}
            items = [[str(place), self.write(item)] for place, item in enumerate(value) if item is not HOLE]
            return ["array", items + [[key, self.write(item)] for key, item in properties.items()], len(value)]
        if isinstance(value, dict):
            return ["object", [[key, self.write(item)] for key, item in value.items()]]
        if isinstance(value, Map):
            return ["map", [[self.write(key), self.write(item)] for key, item in value.items()]]
        if isinstance(value, set | Set):
            return ["set", [self.write(item) for item in value]]
        return _leaf(value, self)


def _number(value: float) -> Any:
    if isinstance(value, float) and (not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)):
        if math.isnan(value):
            return {"n": "NaN"}
        return {"n": "-0" if value == 0 else "Infinity" if value > 0 else "-Infinity"}
    return value


def _text(data: Any) -> str:
    return base64.b64encode(bytes(data)).decode()


def _leaf(value: Any, writer: Writer) -> list[Any]:
    if isinstance(value, Date | datetime):
        return ["date", _number(value.ms if isinstance(value, Date) else milliseconds_of(value))]
    if isinstance(value, bytes | memoryview):
        return ["buffer", _text(value)]
    if isinstance(value, np.ndarray):
        return ["view", _KINDS[value.dtype], _text(value.tobytes())]
    if isinstance(value, BinaryView):
        return ["view", value.kind, _text(value.data)]
    if isinstance(value, RegExp):
        return ["regexp", value.source, value.flags]
    if isinstance(value, Boxed):
        return ["boxed", writer.write(value.value)]
    if isinstance(value, ScriptError):
        return ["error", value.name, value.message]
    if isinstance(value, File):
        return ["file", _text(value.data), value.type, value.name, value.last_modified]
    if isinstance(value, Blob):
        return ["blob", _text(value.data), value.type]
    raise TypeError(f"nothing on the wire stands for {value!r}")


def from_wire(message: dict[str, Any]) -> Any:
    return Reader(message["heap"]).read(message["root"])


def to_wire(value: Any) -> dict[str, Any]:
    writer = Writer()
    root = writer.write(value)
    return {"root": root, "heap": writer.heap}
