"""Values from JSON: what ``value_json`` writes for what JSON has no form for is read back as that."""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Final

from ..storage_backends import script_types as script
from ..storage_backends.script_collections import Map, Set
from ..storage_backends.typed_arrays import named_array
from .arguments import UsageError
from .idb_arguments import moment


def json_value(parsed: Any) -> Any:
    """Raises UsageError where an object with one member, named ``$…``, is not what it says."""
    try:
        return _value(parsed)
    except RecursionError:
        raise UsageError("the value is nested too deeply") from None


def _value(parsed: Any) -> Any:
    if isinstance(parsed, list):
        return [_value(item) for item in parsed]
    if not isinstance(parsed, dict):
        return parsed
    if len(parsed) != 1 or not next(iter(parsed)).startswith("$"):
        return _members(parsed)
    [(kind, content)] = parsed.items()
    read = _FORMS.get(kind)
    if read is None:
        return _members(parsed)
    try:
        return read(content)
    except (ValueError, TypeError, LookupError, AttributeError, ImportError):
        raise UsageError(f"this is not what {kind} stands for: {str(content)[:100]!r}") from None


def _members(parsed: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(item) for name, item in parsed.items()}


def _bytes(content: str) -> bytes:
    return b64decode(content, validate=True)


def _other(_content: Any) -> Any:
    raise ValueError("it was printed for people")


def _array(content: dict[str, Any]) -> Any:
    return named_array(content["dtype"], content["shape"], _bytes(content["bytes"]))


def _date(content: Any) -> Any:
    return script.Date(math.nan) if content is None else moment(content)


def _regexp(content: str) -> script.RegExp:
    slash, source, flags = content[0], *content[1:].rsplit("/", 1)
    if slash != "/":
        raise ValueError(content)
    return script.RegExp(source, flags)


def _blob(content: dict[str, Any]) -> script.Blob:
    data, kind = _bytes(content["bytes"]), content["type"]
    if "name" not in content:
        return script.Blob(data, kind)
    return script.File(data, kind, content["name"], content.get("lastModified", 0))


_FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "$plain": _members,
    "$undefined": lambda _: script.UNDEFINED,
    "$number": {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}.__getitem__,
    "$bigint": lambda digits: script.BigInt(int(digits)),
    "$bytes": _bytes,
    "$date": _date,
    "$map": lambda pairs: Map([(_value(key), _value(item)) for key, item in pairs]),
    "$set": lambda members: Set([_value(member) for member in members]),
    "$array": _array,
    "$view": lambda content: script.BinaryView(content["kind"], _bytes(content["bytes"])),
    "$regexp": _regexp,
    "$error": lambda content: script.ScriptError(content["name"], content["message"]),
    "$object": lambda content: script.Boxed(_value(content)),
    "$blob": _blob,
    "$other": _other,
}
