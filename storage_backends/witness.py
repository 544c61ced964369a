"""A file beside the engine that names the newest commit known to be on stable storage.

It is written after each strict commit without a sync of its own, so it may lag behind the engine and never runs ahead
of it. An engine that opens with an older commit than its witness has lost acknowledged records, which neither a cut
log nor a forgotten table would show otherwise.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from pathlib import Path

from . import durable

_RECORD = struct.Struct("<QI")


class Witness:
    """Keeps one number in ``path``; the file is mapped, so that a kill -9 loses nothing."""

    def __init__(self, path: Path) -> None:
        if not path.exists() or path.stat().st_size != _RECORD.size:
            durable.write_file(path, _encode(0))
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            self._map = mmap.mmap(descriptor, _RECORD.size)
        finally:
            os.close(descriptor)

    def read(self) -> int:
        """The number; 0 where a power cut left the file without a valid one."""
        return _decode(self._map[: _RECORD.size])

    def record(self, number: int) -> None:
        self._map[: _RECORD.size] = _encode(number)

    def close(self) -> None:
        self._map.close()


def witnessed(path: Path) -> int:
    """The number in a witness file; 0 where there is none or it is not valid."""
    try:
        return _decode(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _decode(data: bytes) -> int:
    if len(data) != _RECORD.size:
        return 0
    number: int = _RECORD.unpack(data)[0]
    return number if data == _encode(number) else 0


def _encode(number: int) -> bytes:
    return _RECORD.pack(number, zlib.crc32(number.to_bytes(8, "little")))
