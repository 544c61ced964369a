"""WebSocket frames, a client's side, without I/O. https://www.rfc-editor.org/rfc/rfc6455#section-5"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Final

from ..response_parser import ProtocolError

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_LONGEST_CONTROL: Final = 125

_two = struct.Struct(">H")
_eight = struct.Struct(">Q")


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """A final frame, masked as a client's have to be."""
    size = len(payload)
    if size < 126:
        head = bytes((_FIN | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FIN | opcode, _MASKED | 126)) + _two.pack(size)
    else:
        head = bytes((_FIN | opcode, _MASKED | 127)) + _eight.pack(size)
    mask = os.urandom(4)
    return head + mask + masked(payload, mask)


def masked(payload: bytes, mask: bytes) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc6455#section-5.3"""
    size = len(payload)
    stream = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(stream, "little")).to_bytes(size, "little")


class FrameReader:
    """Takes bytes as they come, gives messages; those in several frames are joined, control frames come between."""

    def __init__(self, limit: int) -> None:
        """``limit``: the longest message, in bytes."""
        self._limit = limit
        self._buffer = bytearray()
        self._message = bytearray()
        self._opcode: int | None = None

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Opcodes and payloads of what is complete now. Raises ProtocolError."""
        self._buffer += data
        while (frame := self._next_frame()) is not None:
            is_final, opcode, payload = frame
            if opcode & 0x8:
                yield opcode, payload
                continue
            if (opcode == CONTINUATION) != (self._opcode is not None):
                raise ProtocolError("a message's frames are not in order")
            if is_final and self._opcode is None:
                yield opcode, payload
                continue
            self._opcode = self._opcode or opcode
            self._message += payload
            if len(self._message) > self._limit:
                raise ProtocolError(f"a message passes {self._limit} bytes")
            if is_final:
                opcode, message = self._opcode, bytes(self._message)
                self._opcode = None
                self._message.clear()
                yield opcode, message

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & _RESERVED or second & _MASKED:
            raise ProtocolError("a frame has bits that were not agreed on")
        start, size = self._size(second)
        if start is None:
            return None
        if first & 0x8 and (size > _LONGEST_CONTROL or not first & _FIN):
            raise ProtocolError("a control frame is too long or in pieces")
        if size > self._limit:
            raise ProtocolError(f"a message passes {self._limit} bytes")
        if len(buffer) < start + size:
            return None
        payload = bytes(memoryview(buffer)[start : start + size])
        del buffer[: start + size]
        return bool(first & _FIN), first & 0xF, payload

    def _size(self, second: int) -> tuple[int | None, int]:
        """Where the payload begins, and its size."""
        size = second & 0x7F
        if size < 126:
            return 2, size
        form = _two if size == 126 else _eight
        if len(self._buffer) < 2 + form.size:
            return None, 0
        return 2 + form.size, form.unpack_from(self._buffer, 2)[0]
