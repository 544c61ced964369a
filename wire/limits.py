"""Limits on what a peer may send, each with its name. A reader takes its limit as an argument; none has a default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes are in bytes, times in seconds."""

    header_bytes: int
    """The JSON header of a model body, and any one part of a multipart body that is not the weights."""
    json_bytes: int
    """Any other JSON body. A batch may fill localStorage's 5 Mi units, each escaped as six bytes."""
    json_objects: int
    """Objects in one JSON text: parsed, an empty one takes twenty times the memory of its text."""
    weights_bytes: int
    """The weights of one model."""
    restore_bytes: int
    """A backup that is being restored."""
    operations: int
    """Operations in one localStorage batch."""
    request_line_bytes: int
    """Method, target, version. A path of 4,096 characters takes up to 36 KiB once it is percent-encoded."""
    request_headers_bytes: int
    """Any one header."""
    connections: int
    """Connections that are open at once; one more is closed without an answer."""
    pause_seconds: float
    """The longest silence inside a request before its connection is cut."""
    keep_alive_seconds: float
    """How long a connection without a request stays open."""
    drain_seconds: float
    """How long requests may go on after SIGTERM."""
    event_backlog: int
    """Events that wait for one slow subscriber; with more it is cut off and has to subscribe again."""
    event_backlog_bytes: int
    """Characters of keys and values in those events."""


DEFAULT_LIMITS: Final = Limits(
    header_bytes=64 * MIB,
    json_bytes=64 * MIB,
    json_objects=500_000,
    weights_bytes=8 * GIB,
    restore_bytes=1024 * GIB,
    operations=100_000,
    request_line_bytes=64 * KIB,
    request_headers_bytes=32 * KIB,
    connections=256,
    pause_seconds=30.0,
    keep_alive_seconds=600.0,
    drain_seconds=3.0,
    event_backlog=1_000,
    event_backlog_bytes=32 * MIB,
)
