"""Disk space kept aside, so that a full disk can be recovered from and deleted on."""

from __future__ import annotations

import threading
from pathlib import Path

from . import durable

RESERVE_BYTES = 8 << 20
"""Reopening an engine writes its log anew as a table: at most LevelDB's write buffer of 4 MiB, and a manifest."""


class Reserve:
    """A preallocated file. While it is released, only what frees space may be written."""

    def __init__(self, path: Path | None, size: int = RESERVE_BYTES) -> None:
        self._path = path if size else None
        self._size = size
        self._lock = threading.Lock()
        self._held = self._path is None or (self._path.exists() and self._path.stat().st_size >= size)

    @property
    def is_held(self) -> bool:
        return self._held

    def release(self) -> None:
        """Gives the space back, for a recovery or a deletion."""
        with self._lock:
            if self._path is not None:
                with durable.translated("Cannot release the reserve"):
                    durable.unlink(self._path)
                self._held = False

    def can_recover(self) -> bool:
        """Whether an engine can probably be reopened with the space there is."""
        return self._path is None or durable.free_space(self._path.parent) >= self._size // 4

    def ensure(self) -> None:
        """Takes the space (again). Raises QuotaExceededError (unit ``disk``) where the disk has none."""
        if self._held:
            return
        with self._lock:
            if self._path is not None and not self._held:
                with durable.translated("Cannot set disk space aside"):
                    durable.preallocate(self._path, self._size)
                self._held = True
