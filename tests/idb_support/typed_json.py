"""The corpus's typed JSON and the Python values that stand for it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

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

from .script_numbers import NAMED, name_of
from .script_views import kind_and_bytes, view_of

_LONG = 200


class WeakMap:
    pass


class Promise:
    pass


class Window:
    pass


class HTMLDivElement:
    pass


class Symbol:
    pass


NULL = HTMLDivElement()
"""``null`` in place of an optional key: Python's None says that there is none, so an object that is no key stands in."""


class NotExpressible(Exception):
    """A value that Python has no way to say (an accessor property)."""


def to_python(spec: Any) -> Any:
    if isinstance(spec, list):
        return [to_python(item) for item in spec]
    if not isinstance(spec, dict):
        return spec
    special = next((key for key in spec if key.startswith("$") and not key.startswith("$$")), None)
    if special is not None:
        return _special(special, spec[special], spec)
    return {key[1:] if key.startswith("$$") else key: to_python(item) for key, item in spec.items()}


def _special(kind: str, content: Any, spec: dict[str, Any]) -> Any:
    if kind in ("$getter", "$getterThrows"):
        raise NotExpressible(kind)
    if kind == "$bin":
        data = bytes.fromhex(content)
        return view_of(spec["view"], data) if "view" in spec else data
    if kind == "$arrprops":
        return Array(to_python(content), to_python(spec["props"]))
    if kind == "$proto":
        return to_python(spec["own"])
    if kind == "$cyclic":
        return _cyclic(content)
    if kind == "$deep":
        value: list[Any] = []
        for _ in range(content):
            value = [value]
        return value
    return _SPECIAL[kind](content)


def _cyclic(kind: str) -> Any:
    if kind == "array":
        array: list[Any] = [1]
        array.append(array)
        return array
    value: dict[str, Any] = {"a": 1}
    value["self"] = value
    return value


def _shared(_: Any) -> Any:
    inner = {"v": 1}
    return {"a": inner, "b": inner}


_SPECIAL: dict[str, Any] = {
    "$undefined": lambda _: UNDEFINED,
    "$hole": lambda _: HOLE,
    "$num": NAMED.__getitem__,
    "$date": lambda ms: Date(math.nan) if ms == "NaN" else moment_of(Date(ms).ms),
    "$rep": lambda content: content[0] * content[1],
    "$regexp": lambda content: RegExp(*content),
    "$map": lambda entries: Map((to_python(key), to_python(value)) for key, value in entries),
    "$set": lambda members: Set(map(to_python, members)),
    "$bigint": lambda digits: BigInt(int(digits)),
    "$boxed": lambda content: Boxed(to_python(content)),
    "$err": lambda content: ScriptError(*content),
    "$blob": lambda content: Blob(content[0].encode(), content[1]),
    "$file": lambda content: File(content[0].encode(), content[2], content[1], content[3]),
    "$shared": _shared,
    "$func": lambda _: lambda: None,
    "$symbol": lambda _: Symbol(),
    "$dom": lambda _: HTMLDivElement(),
    "$weakmap": lambda _: WeakMap(),
    "$promise": lambda _: Promise(),
    "$window": lambda _: Window(),
}


def to_json(value: Any, ancestors: tuple[int, ...] = ()) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if value is UNDEFINED:
        return {"$undefined": 1}
    if value is HOLE:
        return {"$hole": 1}
    if isinstance(value, BigInt) or (isinstance(value, int) and abs(value) > 2**53):
        return {"$bigint": str(int(value))}
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Date | datetime):
        ms = value.ms if isinstance(value, Date) else milliseconds_of(value)
        return {"$date": "NaN" if math.isnan(ms) else ms}
    return _object(value, ancestors)


def _number(value: float) -> Any:
    name = name_of(value)
    return value if name is None else {"$num": name}


def _text(text: str) -> Any:
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) // 2 <= _LONG:
        return text
    fnv = 0x811C9DC5
    for byte in units:
        fnv = (fnv ^ byte) * 0x01000193 & 0xFFFFFFFF
    return {"$long": {"len": len(units) // 2, "fnv": fnv}}


def _depth(value: list[Any]) -> int | None:
    """How many arrays are wrapped around ``[]``, if the value is nothing else."""
    depth = 0
    while len(value) == 1 and type(value[0]) is list and depth < 5000:
        value, depth = value[0], depth + 1
    return depth if not value else None


def _object(value: Any, ancestors: tuple[int, ...]) -> Any:
    if id(value) in ancestors:
        return {"$ref": len(ancestors) - ancestors.index(id(value))}
    inner = (*ancestors, id(value))
    if isinstance(value, IDBRecord):
        return [to_json(item) for item in value]
    if isinstance(value, list):
        depth = _depth(value)
        if depth is not None and depth > 1:
            return {"$deep": depth}
        items = [to_json(item, inner) for item in value]
        if isinstance(value, Array) and value.properties:
            return {"$arrprops": items, "props": {key: to_json(item, inner) for key, item in value.properties.items()}}
        return items
    if isinstance(value, dict):
        return {"$" + key if key.startswith("$") else key: to_json(item, inner) for key, item in value.items()}
    if isinstance(value, Map):
        return {"$map": [[to_json(key, inner), to_json(item, inner)] for key, item in value.items()]}
    if isinstance(value, set | Set):
        return {"$set": [to_json(item, inner) for item in value]}
    return _leaf_object(value)


def _leaf_object(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"$bin": bytes(value).hex()}
    if isinstance(value, np.ndarray | BinaryView):
        kind, data = kind_and_bytes(value)
        return {"$bin": data.hex(), "view": kind}
    if isinstance(value, RegExp):
        return {"$regexp": [value.source, value.flags]}
    if isinstance(value, Boxed):
        return {"$boxed": to_json(value.value)}
    if isinstance(value, ScriptError):
        return {"$err": [value.name, value.message]}
    if isinstance(value, File):
        return {"$file": [value.size, value.name, value.type, value.last_modified]}
    if isinstance(value, Blob):
        return {"$blobSize": value.size, "type": value.type}
    raise TypeError(f"no typed JSON for {value!r}")


def normal(expected: Any) -> Any:
    """A recorded result with what has several spellings brought into one."""
    if isinstance(expected, list):
        depth = _depth(expected)
        return {"$deep": depth} if depth is not None and depth > 1 else [normal(item) for item in expected]
    if not isinstance(expected, dict):
        return expected
    if "$long" in expected:
        return {"$long": {key: expected["$long"][key] for key in ("len", "fnv")}}
    if "$set" in expected:
        return {"$set": sorted(map(normal, expected["$set"]), key=repr)}
    if "$regexp" in expected:
        return {"$regexp": [expected["$regexp"][0].replace("\\/", "/"), expected["$regexp"][1]]}
    return {key: normal(item) for key, item in expected.items()}
