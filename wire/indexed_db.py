"""Messages of the IndexedDB WebSocket. ``docs/protocol.md`` is the reference.

A message is one binary frame: u32 LE length of a JSON header, the header (ASCII), then the parts that its ``sizes``
counts, one after the other. Keys and values travel in their stored form.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import BadRequestError
from .limits import KIB, MIB

PATH: Final = "/v1/indexeddb"
SUBPROTOCOL: Final = "tfjsd.indexeddb.1"
SESSION_HEADER: Final = "tfjsd-session"
"""Names the session; what is staged for it goes to its paths."""

MAX_REQUEST: Final = 4 * MIB
"""The longest message from a client, in bytes."""
MAX_EVENT: Final = 16 * MIB
"""The longest message to a client."""
INLINE_VALUE: Final = 64 * KIB
"""A value of more bytes never travels in a message: the message carries a token."""
MAX_WAITING: Final = 256 * MIB
"""How many bytes of values one session may have waiting for transactions that have not started."""
PART_SIZE: Final = 256 * KIB
"""About how much one message of a longer result holds."""
PING_SECONDS: Final = 5.0
"""How often a client that has something open is pinged."""
IDLE_SECONDS: Final = 30.0
"""How long a transaction that has started may be asked nothing, and how long a connection may leave a versionchange
event unanswered, or an upgrade's outcome unsaid; and how long nothing at all may be heard of a client that has
transactions."""

MAX_NUMBER: Final = (1 << 53) - 1
"""The highest number in a message: what JSON carries exactly everywhere."""

Part = bytes | memoryview | None

_length = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Message:
    """``fields`` are JSON; ``parts`` are bytes, None where one is left out."""

    type: str
    fields: dict[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()

    def encode(self) -> bytes:
        header = {"type": self.type, **self.fields}
        if self.parts:
            header["sizes"] = [-1 if part is None else len(part) for part in self.parts]
        text = json.dumps(header, separators=(",", ":")).encode("ascii")
        return b"".join((_length.pack(len(text)), text, *(part for part in self.parts if part is not None)))

    @classmethod
    def decode(cls, data: bytes) -> Message:
        """Raises BadRequestError."""
        try:
            end = 4 + _length.unpack_from(data)[0]
            fields = json.loads(data[4:end])
            kind, sizes = fields.pop("type"), fields.pop("sizes", [])
            parts = _cut(data, end, sizes)
        except (struct.error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
            raise BadRequestError("This is not a message of the IndexedDB protocol.") from problem
        if not isinstance(kind, str):
            raise BadRequestError('"type" must be a string.')
        return cls(kind, fields, parts)

    # -- Members, checked --

    def number(self, name: str) -> int:
        """Raises BadRequestError, as the others do."""
        value = self.fields.get(name)
        if type(value) is not int or not 0 <= value <= MAX_NUMBER:
            raise self._wrong(name, f"an integer from 0 to {MAX_NUMBER}")
        return value

    def optional_number(self, name: str) -> int | None:
        return None if self.fields.get(name) is None else self.number(name)

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def flag(self, name: str) -> bool:
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def texts(self, name: str) -> list[str]:
        value = self.fields.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of strings")
        return value

    def pairs(self, name: str) -> list[tuple[int, int]]:
        """Pairs of integers that are not negative; none where the member is left out."""
        value = self.fields.get(name, [])
        try:
            pairs = [(first, second) for first, second in value]
        except (TypeError, ValueError) as problem:
            raise self._wrong(name, "a list of pairs") from problem
        if not all(type(number) is int and 0 <= number <= MAX_NUMBER for pair in pairs for number in pair):
            raise self._wrong(name, "a list of pairs of integers")
        return pairs

    def part(self, place: int) -> bytes:
        part = self.optional_part(place)
        if part is None:
            raise BadRequestError(f'"{self.type}" lacks its part {place}.')
        return part

    def optional_part(self, place: int) -> bytes | None:
        part = self.parts[place] if place < len(self.parts) else None
        return None if part is None else bytes(part)

    def _wrong(self, name: str, expected: str) -> BadRequestError:
        return BadRequestError(f'"{name}" of "{self.type}" must be {expected}.')


def _cut(data: bytes, start: int, sizes: list[int]) -> list[Part]:
    """Raises ValueError where the sizes are not those of what follows the header."""
    parts: list[Part] = []
    for size in sizes:
        if type(size) is not int or size < -1:
            raise ValueError("a size that is none")
        parts.append(None if size < 0 else data[start : start + size])
        start += max(size, 0)
    if start != len(data):
        raise ValueError("the sizes do not add up")
    return parts


def binary_path(session: str, digest: str) -> str:
    """Where a large binary is staged and fetched."""
    return f"{PATH}/{session}/binaries/{digest}"


def value_path(session: str, token: str) -> str:
    """Where a long value is staged and fetched."""
    return f"{PATH}/{session}/values/{token}"
