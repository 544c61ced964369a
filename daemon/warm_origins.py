"""Origins that were used a moment ago: reading a little from them does not wait for a disk."""

from __future__ import annotations

import time

from ..model_io.origin import Origin

_SECONDS = 30.0
"""Well below the time after which an idle bucket is closed, and would have to be opened again by the next reader."""


class WarmOrigins:
    """Belongs to the event loop. An executor hop costs more than a hundred reads from memory.

    What is read from an area's memory alone does not keep its bucket's engine open; asking here does.
    """

    def __init__(self) -> None:
        self._used: dict[str, tuple[Origin, float]] = {}

    def get(self, name: str) -> Origin | None:
        """The origin, unless it has gone cold."""
        origin, used = self._used.get(name, (None, 0.0))
        now = time.monotonic()
        if origin is None or now - used > _SECONDS or not origin.bucket.keep_open():
            self._used.pop(name, None)
            return None
        self._used[name] = origin, now
        return origin

    def add(self, origin: Origin) -> None:
        """Its data have just been opened."""
        self._used[origin.name] = origin, time.monotonic()

    def forget(self) -> None:
        """After a restore."""
        self._used.clear()
