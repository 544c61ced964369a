"""Writes Python's values for ``js/decode.mjs``."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import numpy as np
from idb_support.script_numbers import name_of
from idb_support.script_views import kind_and_bytes

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
)


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
    name = name_of(value)
    return value if name is None else {"n": name}


def _text(data: Any) -> str:
    return base64.b64encode(bytes(data)).decode()


def _leaf(value: Any, writer: Writer) -> list[Any]:
    if isinstance(value, Date | datetime):
        return ["date", _number(value.ms if isinstance(value, Date) else milliseconds_of(value))]
    if isinstance(value, bytes | memoryview):
        return ["buffer", _text(value)]
    if isinstance(value, np.ndarray | BinaryView):
        kind, data = kind_and_bytes(value)
        return ["view", kind, _text(data)]
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


def to_wire(value: Any) -> dict[str, Any]:
    writer = Writer()
    root = writer.write(value)
    return {"root": root, "heap": writer.heap}
