"""Weight files that no JSON file names any more: they stay for readers who have read the one that did."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from .directory_model import FileStamp, remove_files, stamp


class Discards:
    """Kept in memory: what a killed daemon leaves is swept later (``sweeping.py``)."""

    def __init__(self, root: Path, seconds: float) -> None:
        """``seconds``: how long a file stays after nobody names it."""
        self._root = root
        self._seconds = seconds
        self._left: deque[tuple[float, FileStamp]] = deque()

    def add(self, path: str) -> None:
        """From now on nobody names the file, whose path is relative to the root. Any thread may call it."""
        if (file := stamp(self._root, path)) is not None:
            self._left.append((time.monotonic() + self._seconds, file))

    def remove(self, *, at_once: bool = False) -> None:
        """Removes what has stayed long enough, or all ``at_once``, unless it was replaced. Raises OSError."""
        now, due = time.monotonic(), set[str]()
        while self._left and (at_once or self._left[0][0] <= now):
            _, file = self._left.popleft()
            if stamp(self._root, file.path) == file:
                due.add(file.path)
        if due:
            remove_files(self._root, sorted(due))

    @property
    def rest(self) -> float | None:
        """Seconds until there is something to remove; None where nothing is left."""
        return max(self._left[0][0] - time.monotonic(), 0.0) if self._left else None
