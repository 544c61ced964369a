"""JSON as text: the members of an object are cut out of it and joined to one without being rebuilt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from ..errors import BadRequestError, TooLargeError

_DECODER = json.JSONDecoder()
_COMPACT = json.JSONEncoder(separators=(",", ":")).encode
_SPACE = " \t\n\r"


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON body. Raises BadRequestError for anything that is not one (bytes must be UTF-8)."""
    try:
        return json.loads(data if isinstance(data, str) else data.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"The body is not valid JSON: {_shortened(error)}") from error


def check_objects(data: bytes, limit: int) -> None:
    """Refuses a JSON text of very many objects before it is parsed. Raises TooLargeError."""
    if len(data) > limit and data.count(b"{") > limit:
        raise TooLargeError(f"The JSON has more than {limit} objects.")


def dump_json(value: object) -> str:
    """ASCII text without white space; lone surrogates as ``\\udXXX``."""
    return _COMPACT(value)


def split_members(text: str) -> dict[str, str]:
    """``{"a": [1], "b": null}`` as ``{"a": "[1]", "b": "null"}``: each member's own text, in order.

    The values are only scanned for their ends. A name that comes twice is refused: two readers could disagree about it.
    Raises BadRequestError.
    """
    try:
        return _members(text)
    except (ValueError, RecursionError, IndexError, StopIteration) as error:
        raise BadRequestError(f"The header is not a JSON object: {_shortened(error)}") from error


def join_members(members: Mapping[str, str]) -> str:
    """The object that ``split_members`` takes apart."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items()) + "}"


def _members(text: str) -> dict[str, str]:
    members: dict[str, str] = {}
    at = _expect(text, 0, "{")
    if text[_skip(text, at)] == "}":
        _end(text, _skip(text, at) + 1)
        return members
    while True:
        name, at = scanstring(text, _expect(text, at, '"'), True)
        start = _skip(text, _expect(text, at, ":"))
        _, at = _DECODER.raw_decode(text, start)
        if name in members:
            raise ValueError(f"{name!r} comes twice")
        members[name] = text[start:at]
        at = _skip(text, at)
        if text[at] == "}":
            _end(text, at + 1)
            return members
        at = _expect(text, at, ",")


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _expect(text: str, at: int, character: str) -> int:
    at = _skip(text, at)
    if text[at] != character:
        raise ValueError(f"expected {character!r} at character {at}")
    return at + 1


def _end(text: str, at: int) -> None:
    if text[at:].strip(_SPACE):
        raise ValueError(f"text after the object at character {at}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _shortened(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, IndexError | StopIteration):
        return "it ends too early"
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return str(error)[:200]
