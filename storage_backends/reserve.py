"""Disk space kept aside, so that a full disk can be recovered from and deleted on."""

from __future__ import annotations

import threading
from pathlib import Path

from ..errors import QuotaExceededError
from . import durable

RESERVE_BYTES = 10 << 20
"""Reopening an engine writes its logs anew as tables: at most twice LevelDB's write buffer of 4 MiB, and a manifest."""

_SLACK = 256 * 1024


class Reserve:
    """Two preallocated files. While the first is released, only what frees space may be written.

    The second is for the recoveries after the first: on a full disk LevelDB's compactions fill whatever space there
    is, and the files that they leave are removed only when the engine is opened again.
    """

    def __init__(self, path: Path | None, size: int = RESERVE_BYTES) -> None:
        self._path = path if size else None
        self._sizes = {} if self._path is None else {self._path: size, self._path.with_name("reserve-last"): size // 8}
        self._lock = threading.Lock()
        self._held = all(path.exists() and path.stat().st_size >= size for path, size in self._sizes.items())

    def release(self, needed: int) -> bool:
        """Gives space back for a recovery that may write ``needed`` bytes; whether the disk has room for that now."""
        with self._lock:
            for path in self._sizes:
                self._held = False
                with durable.translated("Cannot release the reserve"):
                    durable.unlink(path)
                if self.has_room_for(needed):
                    return True
            return self._path is None

    def has_room_for(self, size: int) -> bool:
        """Whether a recovery may write so many bytes now."""
        return self._path is not None and durable.free_space(self._path.parent) >= size + _SLACK

    def restore_last(self) -> None:
        """After a recovery: takes back what the next one may need, if the disk has it."""
        with self._lock:
            if self._path is not None and not self._held:
                try:
                    self._take(self._path.with_name("reserve-last"))
                except QuotaExceededError:
                    return  # the next recovery may have to wait for space

    def ensure(self) -> None:
        """Takes the space (again). Raises QuotaExceededError (unit ``disk``, ``needed``) where the disk has none."""
        if self._held or self._path is None:
            return
        with self._lock:
            try:
                for path in self._sizes:
                    self._take(path)
            except QuotaExceededError as error:
                raise durable.disk_full(self._path.parent, needed=sum(self._sizes.values())) from error
            self._held = True

    def _take(self, path: Path) -> None:
        with durable.translated("Cannot set disk space aside"):
            if not path.exists():
                durable.preallocate(path, self._sizes[path])
