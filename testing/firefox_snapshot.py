"""Firefox's snapshots of localStorage, as far as a page can notice them.

A content process works on a snapshot, which ends about 5 s after the last access. In a new one the keys are in the
order of a fresh table, and ``clear()`` does not free the sizes of values that were neither prefetched nor touched until
the snapshot ends: a full area, left alone for 6 s and cleared, refuses a value of full size (measured; ``removeItem``
and overwriting have no such lag).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

SNAPSHOT_IDLE = 5_000
"""Milliseconds without an access after which a snapshot ends."""

PREFETCH = 16 << 10
"""Bytes of compressed values that come with a new snapshot."""

_BEST_RATIO = 21
"""Snappy, which Firefox compresses values with, gains at most this (64 bytes from 3)."""


class FirefoxSnapshot:
    """The running snapshot of one origin; the caller serializes calls."""

    def __init__(self) -> None:
        self._last_access: int | None = None
        self._loaded: set[str] | None = None
        self.phantom = 0
        """Code units of cleared values that still count."""

    def begins(self, now: int) -> bool:
        """Notes an access; whether it starts a new snapshot."""
        is_new = self._last_access is None or abs(now - self._last_access) > SNAPSHOT_IDLE
        if is_new:
            self.phantom = 0
            self._loaded = None
        self._last_access = now
        return is_new

    def prefetch(self, values: Iterable[tuple[str, str]]) -> None:
        """A new snapshot brings the first values along, as many as fit."""
        room, loaded = PREFETCH, set[str]()
        for key, value in values:
            room -= _compressed_size(value)
            if room < 0:
                break
            loaded.add(key)
        self._loaded = loaded

    def touch(self, key: str) -> None:
        """A value was read or written: its size is known in this process."""
        if self._loaded is not None:
            self._loaded.add(key)

    def clear(self, sizes: Mapping[str, int]) -> None:
        """``clear()`` took these values: those that were not loaded go on counting."""
        if self._loaded is not None:
            self.phantom += sum(size for key, size in sizes.items() if key not in self._loaded)

    def end(self) -> None:
        """The process has ended."""
        self._last_access = None


def _compressed_size(value: str) -> int:
    data = value.encode("utf-8", "surrogatepass")
    return max(len(zlib.compress(data, 1)), len(data) // _BEST_RATIO)
