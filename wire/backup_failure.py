"""Why a backup ends before its end: the last bytes of a stream that is cut off on purpose.

The error as JSON, its length (u32, little endian), a mark. No end of a backup follows, so that nobody takes the stream
for one; see ``docs/http.md``.
"""

from __future__ import annotations

import json
import struct
from collections import deque

from ..errors import TfjsdError
from .error_body import error_body, error_from_json

MARK = b"tfjsd backup failed\n"
_LENGTH = struct.Struct("<I")
_LONGEST = 1 << 16


def failure_record(error: TfjsdError) -> bytes:
    """What the daemon sends last."""
    body = error_body(error)
    return body + _LENGTH.pack(len(body)) + MARK


class Tail:
    """The last pieces of a stream, as far back as a failure may reach."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        while self._size - len(self._pieces[0]) >= _LONGEST:
            self._size -= len(self._pieces.popleft())

    def failure(self) -> TfjsdError | None:
        """The error that the stream ends with, if it ends with one."""
        end = b"".join(self._pieces).removesuffix(MARK)
        if len(end) == self._size or len(end) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(end[-_LENGTH.size :])
        try:
            return error_from_json(json.loads(end[-_LENGTH.size - length : -_LENGTH.size]))
        except ValueError:
            return None
