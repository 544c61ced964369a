"""``getItem`` on the socket, answered where its bytes arrive.

An HTTP server's machinery takes five times as long as the read itself. What is taken here is the plainest request
there is: one whole ``POST /v1/local-storage`` of one ``getItem``, with headers that change nothing. Whatever differs
in anything, or is in doubt, goes the ordinary way, which alone decides on errors.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from aiohttp.helpers import rfc822_formatted_time

from ..errors import TfjsdError
from ..wire.json_text import parse_json
from ..wire.model_path import split_target
from ..wire.protocol import CLIENT_HEADER, JSON_TYPE
from ..wire.schemas import LocalStorageOperation, parse_local_storage
from .activity import Activity
from .authors import LONGEST_NAME, Authors
from .guard import Guard
from .logs import LOGGER
from .peer import Peer
from .storage_session import SMALL_VALUE, StorageSession
from .warm_origins import WarmOrigins

_START = b"POST /v1/local-storage"
_PATH = "/v1/local-storage"
_ROUTE = f"POST {_PATH}"
_PLAIN_HEADERS = frozenset({"host", "content-type", "content-length", "accept", "user-agent", CLIENT_HEADER})
_KNOWN_HEADS = 256
_SHORT_BODY = 4096
LONGEST_REQUEST = 8192
"""Bytes; no plain request is longer."""
_PLAIN_BODY = re.compile(rb'\{"op":"getItem","key":"([ !#-\[\]-~]*)"\}')
"""As the clients of this package write it, with a key that JSON has as it is."""
_DEBUG = 10
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class _Head(NamedTuple):
    """What the head of a plain request says."""

    origin: str
    client: str | None
    length: int


class LeanReads:
    """Belongs to the event loop. ``headers``: what every answer of the daemon carries."""

    def __init__(
        self,
        guard: Guard,
        activity: Activity,
        warm: WarmOrigins,
        authors: Authors,
        default_origin: str,
        headers: Mapping[str, str],
    ) -> None:
        self._guard = guard
        self._activity = activity
        self._warm = warm
        self._authors = authors
        self._default_origin = default_origin
        self._heads: dict[bytes, _Head | None] = {}
        lines = [f"{name}: {value}\r\n" for name, value in {"Content-Type": JSON_TYPE, **headers}.items()]
        self._answer_head = f"HTTP/1.1 200 OK\r\n{''.join(lines)}".encode("latin-1")

    def answer(self, data: bytes, peer: Peer | None) -> bytes | None:
        """The whole answer to a request that arrived whole and alone; None leaves it to the ordinary way."""
        if not data.startswith(_START) or len(data) > LONGEST_REQUEST or not self._guard.admits(peer):
            return None  # before anything is kept of it
        end = data.find(b"\r\n\r\n")
        head = None if end < 0 else self._head(data[:end])
        if head is None or len(data) != end + 4 + head.length:
            return None
        if self._activity.refusing or LOGGER.isEnabledFor(_DEBUG):
            return None
        started = time.perf_counter()
        text = self._read(head, data[end + 4 :])
        if text is None:
            return None
        self._activity.answered_at_once(_ROUTE, 200, time.perf_counter() - started)
        return b"%sContent-Length: %d\r\nDate: %s\r\n\r\n%s" % (
            self._answer_head,
            len(text),
            rfc822_formatted_time().encode(),
            text,
        )

    def _head(self, head: bytes) -> _Head | None:
        """A client sends the same heads again and again: each is read once."""
        if head not in self._heads:
            if len(self._heads) >= _KNOWN_HEADS:
                self._heads.clear()
            self._heads[head] = _parsed(head, self._default_origin)
        return self._heads[head]

    def _read(self, head: _Head, body: bytes) -> bytes | None:
        if (origin := self._warm.get(head.origin)) is None:
            return None
        try:
            if plain := _PLAIN_BODY.fullmatch(body):
                value = origin.area.at_hand(plain[1].decode())
                if value is not None and len(value) <= SMALL_VALUE:
                    return b'{"result":%s}' % encode_basestring_ascii(value).encode()
            session = StorageSession(origin.area, origin.bucket, "strict", self._authors.named(head.client))
            operation = _get_item_of(body)
            is_lean = operation is not None and session.is_small(operation)
            return session.read_text(operation).encode() if operation is not None and is_lean else None
        except Exception:  # noqa: BLE001 (met again, and reported, on the ordinary way)
            return None


def _parsed(head: bytes, default_origin: str) -> _Head | None:
    if _CONTROL.search(head.replace(b"\r\n", b"")):
        return None
    try:
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
        path, parameters = split_target(target)
    except (ValueError, TfjsdError):
        return None
    if (method, path, version) != ("POST", _PATH, "HTTP/1.1") or parameters.keys() - {"origin"}:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name.lower() not in _PLAIN_HEADERS or name.lower() in headers:
            return None
        headers[name.lower()] = value.strip(" \t")
    length = headers.get("content-length", "")
    is_short = length.isdecimal() and len(length) <= 4 and int(length) <= _SHORT_BODY
    client = headers.get(CLIENT_HEADER)
    if not is_short or headers.get("content-type") != JSON_TYPE or len(client or "") > LONGEST_NAME:
        return None
    return _Head(parameters.get("origin") or default_origin, client, int(length))


def _get_item_of(body: bytes) -> LocalStorageOperation | None:
    """The operation of a body that asks for one item. Raises what the ordinary way would answer with."""
    request = parse_local_storage(parse_json(body), operations_limit=1)
    operation = request.operations[0]
    return None if request.batched or operation.op != "getItem" else operation
