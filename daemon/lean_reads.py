"""``getItem`` and mapped loads on the socket, answered where their bytes arrive.

An HTTP server's machinery takes five times as long as the read itself, and ten times where the processor's caches are
cold. What is taken here is what ``lean_heads`` calls plain, arrived whole and alone, where the answer is at hand.
Whatever differs in anything, or is in doubt, goes the ordinary way, which alone decides on errors.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii
from logging import DEBUG

from aiohttp.helpers import rfc822_formatted_time

from ..wire.json_text import parse_json
from ..wire.protocol import JSON_TYPE, MAPPED_TYPE
from ..wire.schemas import LocalStorageOperation, parse_local_storage
from .activity import Activity
from .authors import Authors
from .guard import Guard
from .lean_heads import STARTS, LeanHead, read_head
from .logs import LOGGER
from .mapped_answers import MappedAnswers
from .peer import Peer, is_own_user
from .storage_session import SMALL_VALUE, StorageSession
from .warm_origins import WarmOrigins

_KNOWN_HEADS = 256
LONGEST_REQUEST = 8192
"""Bytes; no plain request is longer."""
_PLAIN_BODY = re.compile(rb'\{"op":"getItem","key":"([ !#-\[\]-~]*)"\}')
"""As the clients of this package write it, with a key that JSON has as it is."""


class LeanReads:
    """Belongs to the event loop. ``headers``: what every answer of the daemon carries."""

    def __init__(
        self,
        guard: Guard,
        activity: Activity,
        warm: WarmOrigins,
        mapped: MappedAnswers,
        authors: Authors,
        default_origin: str,
        headers: Mapping[str, str],
    ) -> None:
        self._guard = guard
        self._activity = activity
        self._warm = warm
        self._mapped = mapped
        self._authors = authors
        self._default_origin = default_origin
        self._heads: dict[bytes, LeanHead | None] = {}
        self._item_answer = _answer_head(JSON_TYPE, headers)
        self._load_answer = _answer_head(MAPPED_TYPE, headers)

    def answer(self, data: bytes, peer: Peer | None) -> bytes | None:
        """The whole answer to a request that arrived whole and alone; None leaves it to the ordinary way."""
        if not data.startswith(STARTS) or len(data) > LONGEST_REQUEST or not self._guard.admits(peer):
            return None  # before anything is kept of it
        end = data.find(b"\r\n\r\n")
        head = None if end < 0 else self._head(data[:end])
        if head is None or len(data) != end + 4 + head.length:
            return None
        if self._activity.refusing or LOGGER.isEnabledFor(DEBUG):
            return None
        started = time.perf_counter()
        text = self._read_item(head, data[end + 4 :]) if head.url is None else self._load(head.url, head.origin, peer)
        if text is None:
            return None
        self._activity.answered_at_once(head.route, 200, time.perf_counter() - started)
        return b"%sContent-Length: %d\r\nDate: %s\r\n\r\n%s" % (
            self._item_answer if head.url is None else self._load_answer,
            len(text),
            rfc822_formatted_time().encode(),
            text,
        )

    def _head(self, head: bytes) -> LeanHead | None:
        """A client sends the same heads again and again: each is read once."""
        if head not in self._heads:
            if len(self._heads) >= _KNOWN_HEADS:
                self._heads.clear()
            self._heads[head] = read_head(head, self._default_origin)
        return self._heads[head]

    def _load(self, url: str, origin_name: str, peer: Peer | None) -> bytes | None:
        origin = self._warm.get(origin_name)
        return None if origin is None or not is_own_user(peer) else self._mapped.get(origin, url)

    def _read_item(self, head: LeanHead, body: bytes) -> bytes | None:
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


def _answer_head(content_type: str, headers: Mapping[str, str]) -> bytes:
    """What an answer begins with, but for what differs from one to the next."""
    lines = [f"{name}: {value}\r\n" for name, value in {"Content-Type": content_type, **headers}.items()]
    return f"HTTP/1.1 200 OK\r\n{''.join(lines)}".encode("latin-1")


def _get_item_of(body: bytes) -> LocalStorageOperation | None:
    """The operation of a body that asks for one item. Raises what the ordinary way would answer with."""
    request = parse_local_storage(parse_json(body), operations_limit=1)
    operation = request.operations[0]
    return None if request.batched or operation.op != "getItem" else operation
