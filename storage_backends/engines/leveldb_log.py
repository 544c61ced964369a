"""LevelDB's log format, read without LevelDB: is the end of a log torn, or is the log damaged?

A power cut may leave zeros or garbage where the tail of the log was never synced. LevelDB with ``paranoid_checks``
then refuses to open. A tail after which no valid record follows is torn: what was lost there was never acknowledged,
and it is cut. A valid record after a bad one means that something acknowledged is damaged, and nothing is touched.

Format: https://github.com/google/leveldb/blob/main/doc/log_format.md
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import durable

_BLOCK = 32 * 1024
_HEADER = struct.Struct("<IHB")  # masked crc32c of type and payload, payload length, type
_TYPES = range(1, 5)  # FULL, FIRST, MIDDLE, LAST
_FULL, _FIRST, _MIDDLE, _LAST = _TYPES
_MASK_DELTA = 0xA282EAD8

_log = logging.getLogger(__name__)


def _crc_table() -> tuple[int, ...]:
    table = []
    for index in range(256):
        crc = index
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    table = _TABLE
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """As stored: a checksum of data that holds checksums would be weak."""
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class LogState:
    """``good`` bytes hold whole valid records; ``torn``: what follows is bad; ``damaged``: and then something valid."""

    size: int
    good: int
    torn: bool
    damaged: bool


def _fragment(data: bytes, offset: int) -> tuple[int, int] | None:
    """Type and end of the valid fragment at ``offset``, or None."""
    room = _BLOCK - offset % _BLOCK
    if room < _HEADER.size or offset + _HEADER.size > len(data):
        return None
    checksum, length, kind = _HEADER.unpack_from(data, offset)
    end = offset + _HEADER.size + length
    if kind not in _TYPES or _HEADER.size + length > room or end > len(data):
        return None
    if masked(crc32c(data[offset + 6 : end])) != checksum:
        return None
    return kind, end


def _next_header(offset: int) -> int:
    """A block's last bytes that cannot hold a header are padding."""
    room = _BLOCK - offset % _BLOCK
    return offset + room if room < _HEADER.size else offset


def examine(data: bytes) -> LogState:
    """Reads a whole log."""
    offset = good = 0
    inside = False  # a FIRST was read and its LAST is still to come
    while True:
        offset = _next_header(offset)
        if offset >= len(data):
            return LogState(len(data), good, torn=False, damaged=False)
        found = _fragment(data, offset)
        if found is None or (found[0] in (_MIDDLE, _LAST)) != inside:
            break
        kind, offset = found
        inside = kind in (_FIRST, _MIDDLE)
        if not inside:
            good = offset
    return LogState(len(data), good, torn=True, damaged=_valid_after(data, offset))


def _valid_after(data: bytes, offset: int) -> bool:
    """Whether a valid fragment starts after ``offset``: at any byte, since a bad length hides where the next begins."""
    if any(_fragment(data, start) is not None for start in _likely_starts(data, offset)):
        return True
    position = offset + 1
    while position + _HEADER.size <= len(data):
        if data[position + 6] in _TYPES:
            if _fragment(data, position) is not None:
                return True
            position += 1
        else:
            position = _skip_zeros(data, position)
    return False


def _likely_starts(data: bytes, offset: int) -> Iterator[int]:
    """Where the length of the bad fragment, if that is right, says that the next one starts, and the next blocks."""
    if offset + _HEADER.size <= len(data):
        length = _HEADER.unpack_from(data, offset)[1]
        yield _next_header(offset + _HEADER.size + length)
    yield from range(offset - offset % _BLOCK + _BLOCK, len(data), _BLOCK)


def _skip_zeros(data: bytes, position: int) -> int:
    """The next position whose type byte is not zero; a zero-filled tail would take seconds byte by byte."""
    kind_at = position + 7
    if data[kind_at : kind_at + 64].strip(b"\0"):
        return position + 1
    rest = len(data) - kind_at
    zeros = rest - len(data[kind_at:].lstrip(b"\0"))
    return max(position + 1, position + 1 + zeros)


def cut_torn_tail(directory: Path) -> bool:
    """Cuts the torn tail of the newest log, if that is what keeps the database in ``directory`` from opening.

    Returns whether something was cut. Where it was not (damage, or nothing wrong with the log), nothing is modified.
    """
    logs = sorted(directory.glob("*.log"), key=lambda path: int(path.stem) if path.stem.isdigit() else -1)
    if not logs:
        return False
    newest = logs[-1]
    state = examine(newest.read_bytes())
    if not state.torn or state.damaged:
        return False
    _log.warning("%s: cut the torn tail, bytes %d to %d", newest, state.good, state.size)
    durable.truncate(newest, state.good)
    return True
