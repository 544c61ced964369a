"""Reads the values and keys that ``js/encode.mjs`` wrote."""

from __future__ import annotations

import base64
from typing import Any

from idb_support.script_views import view_of

from tfjsd.storage_backends.script_collections import Map, Set
from tfjsd.storage_backends.script_types import (
    HOLE,
    UNDEFINED,
    Array,
    BigInt,
    Blob,
    Boxed,
    Date,
    File,
    RegExp,
    ScriptError,
    moment_of,
)


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
        self._made[place] = view_of(kind, _bytes(data))

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


def from_wire(message: dict[str, Any]) -> Any:
    return Reader(message["heap"]).read(message["root"])
