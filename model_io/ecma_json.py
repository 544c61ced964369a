"""``JSON.parse`` and ``JSON.stringify`` as ECMAScript defines them.

Sizes that TensorFlow.js reports are lengths of ``JSON.stringify`` texts, and every copy it makes goes through
``JSON.parse`` once more, so the text must be the same byte for byte: integer-like keys first in numeric order, a
duplicate's last value at its first place, numbers by ``Number::toString``, escapes only where ECMAScript has them.
The scanning and encoding is the standard library's C code; hooks and a last pass correct what it does differently.

https://tc39.es/ecma262/multipage/structured-data.html#sec-json-object
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from ..errors import InvalidArtifactsError
from .json_limits import MAX_DEPTH, MAX_MEMBERS, MAX_NUMBER_LENGTH, check_depth, too_deep

_EXACT = 2**53  # below, every integer is a double
_MAX_ARRAY_INDEX = 2**32 - 2  # the largest integer-like key
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile("(?<!\\\\)(?:\\\\\\\\)*\\\\[\ud800-\udfff]")
_INDEX_KEY = re.compile(rb'"(?:[0-9]|\\u003)[^"]*+"[ \t\n\r]*+:')
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 16  # from 16 digits on an integer may not be a double

# Stands before the text of a number that only ECMAScript writes so (1e-7), as a string, until the text is encoded.
# It cannot be guessed, so no string of a document begins with it.
_RAW_MARK = f"<raw number {os.urandom(16).hex()}>"
_RAW_NUMBER = re.compile(f'"{_RAW_MARK}([^"]*)"')

_Scalar = int | float | str | None


def number_to_string(value: float) -> str:
    """``Number::toString(value)`` in base 10.

    https://tc39.es/ecma262/multipage/ecmascript-data-types-and-values.html#sec-numeric-types-number-tostring
    """
    text = repr(value)
    mantissa, marker, exponent = text.partition("e")
    if not marker:
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "-0.0": "0"}.get(text, text.removesuffix(".0"))
    sign = "-" if value < 0 else ""
    digits = mantissa.removeprefix("-").replace(".", "").rstrip("0")
    point = int(exponent) + 1
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def parse(text: str | bytes, *, max_depth: int = MAX_DEPTH, max_members: int = MAX_MEMBERS) -> Any:
    """The object that ``JSON.parse(text)`` yields: dicts in property order, lists, str, bool, None.

    A number is an int where it is integral, below 2⁵³ and not -0, else a float (infinite where it exceeds a double).

    Raises InvalidArtifactsError for text that ``JSON.parse`` refuses and beyond the limits of ``json_limits``.
    """
    return _load(*_prepare(text, max_depth), max_members, _parse_int, _parse_float)


def canonicalize(text: str | bytes, *, max_depth: int = MAX_DEPTH, max_members: int = MAX_MEMBERS) -> str:
    """``JSON.stringify(JSON.parse(text))``; text that is canonical already comes back as it is.

    Raises InvalidArtifactsError as ``parse`` does.
    """
    canonical = _dump(_load(*_prepare(text, max_depth), max_members, _canonical_int, _canonical_float))
    return text if isinstance(text, str) and text == canonical else canonical  # one copy in memory, not two


def canonical_members(
    text: str | bytes, *, max_depth: int = MAX_DEPTH + 1, max_members: int = MAX_MEMBERS
) -> dict[str, str]:
    """The members of a JSON object, each value as canonical text; the object itself is one level more.

    Raises InvalidArtifactsError as ``parse`` does, and where the text is no object.
    """
    members = _load(*_prepare(text, max_depth), max_members, _canonical_int, _canonical_float)
    if not isinstance(members, dict):
        raise InvalidArtifactsError("the JSON must be an object")
    return {name: _dump(value) for name, value in members.items()}


def stringify(value: object, *, max_depth: int = MAX_DEPTH) -> str:
    """``JSON.stringify(value)``.

    Undefined members (``ABSENT``) and functions are dropped, in lists they are ``null``, as are NaN and the infinities;
    an aware datetime is its ISO text; binary data becomes what JavaScript makes of an ArrayBuffer (``{}``) and of a
    typed array (``{"0": …}``); an int beyond 2⁵³ is the nearest double.

    Raises InvalidArtifactsError for a circular structure, one nested deeper than ``max_depth``, and what has no JSON.
    """
    try:
        text = _encode(value)
    except _UndefinedMet:
        text = _encode(_without_undefined(value, max_depth))
    prepared = _prepare(text, max_depth)
    return _dump(_load(*prepared, None, _canonical_int, _canonical_float, lambda _name: None))


# -- Text to object ----------------------------------------------------------------------------------------------------


def _prepare(text: str | bytes, max_depth: int) -> tuple[str, bytes]:
    """The text (raw lone surrogates escaped) and its UTF-8, within ``max_depth``."""
    if isinstance(text, str):
        try:
            data = text.encode()
        except UnicodeEncodeError:
            text = _escape_surrogates(text)
            data = text.encode()
    else:
        data = bytes(text)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise InvalidArtifactsError(f"not valid JSON: not UTF-8 at byte {error.start}") from None
    check_depth(data, max_depth)
    return text, data


def _escape_surrogates(text: str) -> str:
    """Joins surrogate pairs, and writes lone ones as the scanner reads them together with escaped halves."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if _ESCAPED_SURROGATE.search(text):
        raise InvalidArtifactsError("not valid JSON: Invalid \\escape")
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _load(
    text: str,
    data: bytes,
    max_members: int | None,
    parse_int: Callable[[str], _Scalar],
    parse_float: Callable[[str], _Scalar],
    parse_constant: Callable[[str], Any] | None = None,
) -> Any:
    """Scans with only those hooks that this text needs: each costs a call per number or object."""
    hooks: dict[str, Any] = {}
    if _INDEX_KEY.search(data):
        hooks["object_pairs_hook"] = lambda pairs: in_property_order(dict(pairs))
    if _LONG in data.translate(_DIGITS) or b"-0" in data:
        hooks["parse_int"] = parse_int
    if max_members is not None and data.count(b":") > max_members:
        hooks["object_pairs_hook"] = _bounded(max_members, hooks.get("object_pairs_hook", dict))
    try:
        return json.loads(text, parse_float=parse_float, parse_constant=parse_constant or _refuse_constant, **hooks)
    except json.JSONDecodeError as error:
        raise InvalidArtifactsError(f"not valid JSON: {error}") from None
    except RecursionError:
        raise too_deep(MAX_DEPTH) from None


def _bounded(limit: int, build: Callable[[list[tuple[str, Any]]], Any]) -> Callable[[list[tuple[str, Any]]], Any]:
    def build_bounded(pairs: list[tuple[str, Any]]) -> Any:
        if len(pairs) > limit:
            raise InvalidArtifactsError(f"JSON has an object with more than {limit} keys")
        return build(pairs)

    return build_bounded


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidArtifactsError(f"not valid JSON: {name} is no JSON value")


def in_property_order(members: dict[str, Any]) -> dict[str, Any]:
    """Integer-like keys first, ascending; the rest as it came.

    https://tc39.es/ecma262/multipage/ordinary-and-exotic-objects-behaviours.html#sec-ordinaryownpropertykeys
    """
    indices = sorted(int(key) for key in members if is_index(key))
    if not indices:
        return members
    first = {str(index): members[str(index)] for index in indices}
    return first | members


def is_index(key: str) -> bool:
    """Whether an object has the key before those that are none (https://tc39.es/ecma262/#array-index)."""
    return (
        key.isdecimal()
        and key.isascii()
        and len(key) <= 10
        and (key[0] != "0" or key == "0")
        and int(key) <= _MAX_ARRAY_INDEX
    )


def _parse_int(numeral: str) -> int | float:
    if len(numeral) < 16 and numeral != "-0":
        return int(numeral)
    return _parse_float(numeral)


def _parse_float(numeral: str) -> int | float:
    value = _double(numeral)
    if value.is_integer() and abs(value) < _EXACT and (value or not numeral.startswith("-")):
        return int(value)
    return value


def _canonical_int(numeral: str) -> _Scalar:
    return int(numeral) if len(numeral) < 16 else _canonical_float(numeral)


def _canonical_float(numeral: str) -> _Scalar:
    """A value that the C encoder writes as ECMAScript writes the number."""
    value = _double(numeral)
    text = repr(value)
    if "e" not in text and "n" not in text:
        return int(text[:-2]) if text.endswith(".0") else value
    if "n" in text:
        return None  # 1e400 is Infinity, which JSON.stringify writes as null
    return _RAW_MARK + number_to_string(value)


def _double(numeral: str) -> float:
    if len(numeral) > MAX_NUMBER_LENGTH:
        raise InvalidArtifactsError(f"JSON has a number of more than {MAX_NUMBER_LENGTH} characters")
    return float(numeral)


# -- Object to text ----------------------------------------------------------------------------------------------------


def _dump(value: object) -> str:
    """Encodes what ``_load`` made with the canonical hooks."""
    text = json.dumps(value, ensure_ascii=False, check_circular=False, separators=(",", ":"))
    if _RAW_MARK in text:
        text = _RAW_NUMBER.sub(r"\1", text)
    if not text.isascii():
        text = _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    return text


class _UndefinedMet(Exception):
    """The encoder met a value that JavaScript drops, which needs the pass that drops it."""


def _encode(value: object) -> str:
    """Python's JSON of any value: valid but for NaN and the infinities, not yet canonical."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_substitute)
    except RecursionError:
        raise too_deep(MAX_DEPTH) from None
    except (TypeError, ValueError) as error:
        raise InvalidArtifactsError(f"no JSON for this value: {error}") from None


def _is_undefined(value: object) -> bool:
    return callable(value) or getattr(value, "is_undefined", False) is True


def _substitute(value: object) -> object:
    """What JavaScript would serialize in place of ``value``."""
    if _is_undefined(value):
        raise _UndefinedMet
    if isinstance(value, datetime):
        return date_to_iso(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes | bytearray):
        return {}  # an ArrayBuffer has no own enumerable properties
    try:
        items = memoryview(value).tolist()  # type: ignore[arg-type]
    except (TypeError, ValueError, NotImplementedError):
        raise TypeError(f"{type(value).__name__} is not serializable") from None
    return dict(enumerate(items)) if isinstance(items, list) else items


def _without_undefined(value: object, depth: int) -> object:
    if depth < 0:
        raise too_deep(MAX_DEPTH)
    if _is_undefined(value):
        return None
    if isinstance(value, Mapping):
        return {key: _without_undefined(item, depth - 1) for key, item in value.items() if not _is_undefined(item)}
    if isinstance(value, list | tuple):
        return [_without_undefined(item, depth - 1) for item in value]
    return value


def date_to_iso(moment: datetime) -> str:
    """``Date.prototype.toISOString`` of an aware datetime: UTC, milliseconds (rounded down).

    Raises InvalidArtifactsError for a naive one, which names no instant.
    """
    if moment.tzinfo is None:
        raise InvalidArtifactsError("a datetime without time zone is no instant; use an aware one")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
