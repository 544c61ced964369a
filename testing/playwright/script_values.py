"""Values of IndexedDB in Playwright's file: its serializer's form (``utilityScriptSerializers.ts``), and back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from math import copysign, inf, isfinite, isnan, nan
from typing import Any

from ...errors import DataCloneError
from ...storage_backends.script_collections import Map, Set
from ...storage_backends.script_types import (
    UNDEFINED,
    BigInt,
    BinaryView,
    Date,
    RegExp,
    ScriptError,
    milliseconds_of,
    moment_of,
)
from ...storage_backends.typed_arrays import array_of, is_array, typed_array_of

_SAFE = 2**53
_SPECIAL = {"null": None, "undefined": UNDEFINED, "NaN": nan, "Infinity": inf, "-Infinity": -inf, "-0": -0.0}
_ARRAYS = {
    "i8": "Int8Array",
    "ui8": "Uint8Array",
    "i16": "Int16Array",
    "ui16": "Uint16Array",
    "i32": "Int32Array",
    "ui32": "Uint32Array",
    "f32": "Float32Array",
    "f64": "Float64Array",
    "bi64": "BigInt64Array",
    "bui64": "BigUint64Array",
}
_ARRAY_CODES = {kind: code for code, kind in _ARRAYS.items()}
_CLAMPED = "ui8c"


def member(name: str, value: Any) -> dict[str, Any]:
    """``{name: value}`` where the value is plain JSON, else ``{name + "Encoded": …}``.

    Raises DataCloneError for a value that Playwright's file has no form for (a Blob, a DataView, an array with holes).
    """
    if is_plain(value):
        return {name: value}
    return {f"{name}Encoded": _Encoder().encode(value)}


def read_member(name: str, record: Mapping[str, Any]) -> Any:
    """The value of a member that ``member`` wrote, UNDEFINED where there is none."""
    if name in record:
        return record[name]
    encoded = record.get(f"{name}Encoded", {"v": "undefined"})
    return _Decoder().decode(encoded)


def is_plain(value: Any) -> bool:
    """Whether JSON keeps the value as it is."""
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, str):
        return True
    if isinstance(value, int):
        return type(value) is int and abs(value) <= _SAFE
    if isinstance(value, float):
        return isfinite(value) and not _is_negative_zero(value)
    if type(value) is list:
        return all(map(is_plain, value))
    return type(value) is dict and all(isinstance(key, str) and is_plain(item) for key, item in value.items())


class _Encoder:
    """One value; objects that are met again are references."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def encode(self, value: Any) -> Any:
        if value is None or value is UNDEFINED:
            return {"v": "null" if value is None else "undefined"}
        if isinstance(value, bool | str):
            return value
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return {"ab": {"b": _base64(value)}}
        if is_array(value) or isinstance(value, BinaryView):
            return {"ta": _typed_array(value)}
        if isinstance(value, datetime | Date | RegExp | ScriptError):
            return _leaf(value)
        return self._container(value)

    def _container(self, value: Any) -> Any:
        known = self._seen.get(id(value))
        if known is not None:
            return {"ref": known}
        number = self._seen[id(value)] = len(self._seen) + 1
        if type(value) in (list, tuple):
            return {"a": [self.encode(item) for item in value], "id": number}
        if isinstance(value, Map) or (type(value) is dict and not all(isinstance(key, str) for key in value)):
            return {"m": [{"k": self.encode(key), "v": self.encode(item)} for key, item in value.items()], "id": number}
        if type(value) is dict:
            return {"o": [{"k": key, "v": self.encode(item)} for key, item in value.items()], "id": number}
        if isinstance(value, set | frozenset | Set):
            return {"s": [self.encode(item) for item in value], "id": number}
        raise DataCloneError(f"Playwright's storage state has no form for a {type(value).__name__}.")


class _Decoder:
    """One value, with what its references refer to."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def decode(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for tag, read in _READERS.items():
            if tag in value:
                return read(self, value)
        raise DataCloneError(f"Playwright's storage state has a value of unknown form: {sorted(value)}")

    def special(self, value: dict[str, Any]) -> Any:
        return _SPECIAL[value["v"]]

    def reference(self, value: dict[str, Any]) -> Any:
        return self._known[value["ref"]]

    def array(self, value: dict[str, Any]) -> list[Any]:
        found: list[Any] = self._known.setdefault(value["id"], [])
        found.extend(self.decode(item) for item in value["a"])
        return found

    def object(self, value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._known.setdefault(value["id"], {})
        found.update((entry["k"], self.decode(entry["v"])) for entry in value["o"])
        return found

    def map(self, value: dict[str, Any]) -> Map:
        found: Map = self._known.setdefault(value["id"], Map())
        for entry in value["m"]:
            found[self.decode(entry["k"])] = self.decode(entry["v"])
        return found

    def set(self, value: dict[str, Any]) -> Set:
        found: Set = self._known.setdefault(value["id"], Set())
        for item in value["s"]:
            found.add(self.decode(item))
        return found

    def moment(self, value: dict[str, Any]) -> datetime | Date:
        text = value["d"]
        return moment_of(milliseconds_of(datetime.fromisoformat(text))) if text else Date(nan)

    def typed_array(self, value: dict[str, Any]) -> Any:
        code, data = value["ta"]["k"], base64.b64decode(value["ta"]["b"])
        if code == _CLAMPED:
            return BinaryView("Uint8ClampedArray", data)
        return array_of(_ARRAYS[code], (-1,), bytearray(data))


_READERS: dict[str, Callable[[_Decoder, dict[str, Any]], Any]] = {
    "v": _Decoder.special,
    "ref": _Decoder.reference,
    "a": _Decoder.array,
    "o": _Decoder.object,
    "m": _Decoder.map,
    "s": _Decoder.set,
    "d": _Decoder.moment,
    "ta": _Decoder.typed_array,
    "ab": lambda _, value: base64.b64decode(value["ab"]["b"]),
    "bi": lambda _, value: _big(int(value["bi"])),
    "r": lambda _, value: RegExp(value["r"]["p"], value["r"]["f"]),
    "e": lambda _, value: ScriptError(value["e"]["n"], value["e"]["m"]),
}


def _big(value: int) -> int:
    """Beyond 2**53 an int is a BigInt by itself."""
    return value if abs(value) > _SAFE else BigInt(value)


def _number(value: float) -> Any:
    if isinstance(value, int):
        return {"bi": str(int(value))} if isinstance(value, BigInt) or abs(value) > _SAFE else value
    if isnan(value) or not isfinite(value):
        return {"v": "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    return {"v": "-0"} if _is_negative_zero(value) else value


def _leaf(value: datetime | Date | RegExp | ScriptError) -> Any:
    if isinstance(value, RegExp):
        return {"r": {"p": value.source, "f": value.flags}}
    if isinstance(value, ScriptError):
        return {"e": {"n": value.name, "m": value.message, "s": f"{value.name}: {value.message}"}}
    moment = value if isinstance(value, datetime) else moment_of(value.ms)
    if isinstance(moment, Date):
        raise DataCloneError("Playwright's storage state has no form for a Date outside of the years 1 to 9999.")
    instant = moment_of(milliseconds_of(moment))
    assert isinstance(instant, datetime)
    return {"d": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


def _typed_array(value: Any) -> dict[str, str]:
    if isinstance(value, BinaryView):
        if value.kind != "Uint8ClampedArray":
            raise DataCloneError(f"Playwright's storage state has no form for a {value.kind}.")
        return {"b": _base64(value.data), "k": _CLAMPED}
    found = typed_array_of(value)
    if found is None or found.kind not in _ARRAY_CODES:
        raise DataCloneError("Playwright's storage state has no form for an array of this dtype.")
    return {"b": _base64(found.data), "k": _ARRAY_CODES[found.kind]}


def _base64(data: bytes | bytearray | memoryview) -> str:
    return base64.b64encode(data).decode("ascii")


def _is_negative_zero(value: float) -> bool:
    return value == 0 and copysign(1, value) < 0
