"""The heads of the plainest requests there are: with nothing in them that changes how they are answered.

Whatever differs in anything, or is in doubt, has no plain head.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import TfjsdError
from ..wire.model_path import model_target, parse_model_target, split_target
from ..wire.protocol import CLIENT_HEADER, JSON_TYPE, MAPPED_TYPE, MODELS
from .authors import LONGEST_NAME

STORAGE_PATH = "/v1/local-storage"
STARTS = (f"POST {STORAGE_PATH}".encode(), f"GET {MODELS}/".encode())
_PLAIN_HEADERS = frozenset({"host", "content-type", "content-length", "accept", "user-agent", CLIENT_HEADER})
_OF_A_MODEL = frozenset({"origin", "path"})
_SHORT_BODY = 4096
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class LeanHead(NamedTuple):
    """What a head says. ``url``: of the model that is to be mapped; None for a request of localStorage."""

    route: str
    origin: str
    client: str | None
    length: int
    url: str | None = None


def read_head(head: bytes, default_origin: str) -> LeanHead | None:
    """The head up to the empty line; None where it is not plain."""
    if _CONTROL.search(head.replace(b"\r\n", b"")):
        return None
    try:
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
        path, parameters = split_target(target)
    except (ValueError, TfjsdError):
        return None
    headers = _plain_headers(lines)
    if headers is None or version != "HTTP/1.1" or len(headers.get(CLIENT_HEADER, "")) > LONGEST_NAME:
        return None
    origin = parameters.pop("origin", "") or default_origin
    if method == "GET":
        return _of_model(target, headers, origin)
    return None if (method, path, parameters) != ("POST", STORAGE_PATH, {}) else _of_storage(headers, origin)


def _plain_headers(lines: list[str]) -> dict[str, str] | None:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name.lower() not in _PLAIN_HEADERS or name.lower() in headers:
            return None
        headers[name.lower()] = value.strip(" \t")
    return headers


def _of_storage(headers: dict[str, str], origin: str) -> LeanHead | None:
    length = headers.get("content-length", "")
    is_short = length.isdecimal() and len(length) <= 4 and int(length) <= _SHORT_BODY
    if not is_short or headers.get("content-type") != JSON_TYPE:
        return None
    return LeanHead(f"POST {STORAGE_PATH}", origin, headers.get(CLIENT_HEADER), int(length))


def _of_model(target: str, headers: dict[str, str], origin: str) -> LeanHead | None:
    """A load that wants to map, its target as clients of this package write it."""
    path, parameters = split_target(target)
    if MAPPED_TYPE not in headers.get("accept", "") or "content-length" in headers or parameters.keys() - _OF_A_MODEL:
        return None
    try:
        url, artifact = parse_model_target(path, parameters)
        is_plain = artifact is None and model_target(url, query=parameters) == target
    except TfjsdError:
        return None
    route = f"GET {MODELS}/{{medium}}" + ("" if "path" in parameters else "/{path}")
    return LeanHead(route, origin, headers.get(CLIENT_HEADER), 0, url) if is_plain else None
