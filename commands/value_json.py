"""Stored values and keys as JSON. What JSON has no form for is an object with one member, named ``$…``; an object that
looks like one is the content of ``$plain``. ``json_value`` reads it back."""

from __future__ import annotations

import math
from base64 import b64encode
from datetime import datetime
from typing import Any

from ..errors import DataCloneError
from ..storage_backends import script_types as script
from ..storage_backends.script_collections import Map, Set

_DEEPEST = 100


def value_json(value: Any, *, brief: bool = False) -> Any:
    """``brief``: of bytes only their number.

    Raises DataCloneError for a value that contains itself, or is nested too deeply.
    """
    return _Writer(brief).write(value, 0)


def shown_json(value: Any, *, brief: bool = False) -> Any:
    """The same to be looked at among others: of a value that has no JSON it says why."""
    try:
        return value_json(value, brief=brief)
    except DataCloneError as problem:
        return {"$other": problem.message}


class _Writer:
    def __init__(self, brief: bool) -> None:
        self._brief = brief

    def write(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise DataCloneError("the value contains itself, or is nested too deeply for JSON")
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return {"$bytes": self._bytes(value)}
        return self._container(value, depth + 1)

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Map):
            return {"$map": [[self.write(key, depth), self.write(item, depth)] for key, item in value.items()]}
        if isinstance(value, dict):
            return _unmistakable({key: self.write(item, depth) for key, item in value.items()})
        if isinstance(value, list | tuple):
            return [self.write(item, depth) for item in value]
        if isinstance(value, set | frozenset | Set):
            return {"$set": [self.write(item, depth) for item in value]}
        if hasattr(value, "dtype") and hasattr(value, "shape"):
            content = {"dtype": str(value.dtype), "shape": list(value.shape)}
            return {"$array": {**content, "bytes": self._bytes(memoryview(value.tobytes()))}}
        return self._object(value, depth)

    def _object(self, value: Any, depth: int) -> Any:
        if value is script.UNDEFINED:
            return {"$undefined": True}
        if isinstance(value, datetime):
            return {"$date": value.isoformat().replace("+00:00", "Z")}
        if isinstance(value, script.Date):
            return {"$date": None if math.isnan(value.ms) else value.ms}
        if isinstance(value, script.RegExp):
            return {"$regexp": f"/{value.source}/{value.flags}"}
        if isinstance(value, script.ScriptError):
            return {"$error": {"name": value.name, "message": value.message}}
        if isinstance(value, script.Boxed):
            return {"$object": self.write(value.value, depth)}
        if isinstance(value, script.BinaryView):
            return {"$view": {"kind": value.kind, "bytes": self._bytes(value.data)}}
        if isinstance(value, script.Blob):
            named = {"name": value.name, "lastModified": value.last_modified} if isinstance(value, script.File) else {}
            return {"$blob": {"type": value.type, **named, "bytes": self._bytes(value.data)}}
        return {"$other": repr(value)}

    def _bytes(self, data: Any) -> Any:
        view = memoryview(data)
        return view.nbytes if self._brief else b64encode(view).decode("ascii")


def _unmistakable(members: dict[str, Any]) -> dict[str, Any]:
    looks_special = len(members) == 1 and next(iter(members)).startswith("$")
    return {"$plain": members} if looks_special else members


def _number(value: int | float) -> Any:
    if isinstance(value, script.BigInt) or (isinstance(value, int) and abs(value) > 2**53):
        return {"$bigint": str(int(value))}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    return value


def raw_bytes(value: Any) -> memoryview | None:
    """The bytes of a value that is binary, or text (as UTF-8); None for another."""
    if isinstance(value, str):
        return memoryview(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, bytes | bytearray | memoryview):
        return memoryview(value)
    if isinstance(value, script.BinaryView | script.Blob):
        return memoryview(value.data)
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        return memoryview(value.tobytes())
    return None
