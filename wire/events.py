"""Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): framing, both ways.

Event types: ``storage`` (a StorageEvent: ``key``, ``oldValue``, ``newValue``, ``origin``), ``model`` (``action`` saved
or removed, ``url``, ``info``, ``origin``), ``ready`` (the subscription is in force), ``lost`` (the subscriber was too
slow, and the stream ends).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .json_text import dump_json, parse_json

_END = b"\n\n"
KEEP_ALIVE = b":\n\n"
"""A comment: keeps the connection warm and finds out that a subscriber has gone."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``data`` is JSON."""

    type: str
    data: dict[str, Any]
    id: int | None = None

    def encode(self) -> bytes:
        lines = [f"event: {self.type}"]
        if self.id is not None:
            lines.append(f"id: {self.id}")
        return "\n".join([*lines, f"data: {dump_json(self.data)}", "", ""]).encode("ascii")


class EventDecoder:
    """Takes the stream in pieces of any size."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._searched = 0
        """Up to where no event ends: a value of megabytes comes in very many pieces."""

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that are complete with this piece. Raises BadRequestError for data that is not JSON."""
        self._pending += piece
        while (end := self._pending.find(_END, self._searched)) >= 0:
            frame = bytes(self._pending[:end])
            del self._pending[: end + len(_END)]
            self._searched = 0
            if (event := _decoded(frame)) is not None:
                yield event
        self._searched = max(len(self._pending) - 1, 0)  # the first half of an end may be there


def _decoded(frame: bytes) -> Event | None:
    """None for a comment."""
    fields = dict(line.split(b": ", 1) for line in frame.split(b"\n") if b": " in line and line[:1] != b":")
    if b"data" not in fields:
        return None
    number = fields.get(b"id")
    kind = fields.get(b"event", b"message").decode()
    return Event(kind, parse_json(fields[b"data"]), None if number is None else int(number))
