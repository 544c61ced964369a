"""How long a transaction may do nothing while somebody holds it open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

IDLE_SECONDS: Final = 30.0
"""How long a transaction may do nothing inside ``async with`` (or an asynchronous upgrade) before it is aborted."""


class IdleLimit:
    """Calls ``expired`` after IDLE_SECONDS without a ``touch`` in which nothing ``is_busy``."""

    __slots__ = ("_expired", "_is_busy", "_loop", "_timer", "_used_at")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], bool], expired: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._is_busy = is_busy
        self._expired = expired
        self._used_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self.touch()
        self._timer = self._loop.call_later(IDLE_SECONDS, self._check)

    def touch(self) -> None:
        """It was used now."""
        self._used_at = self._loop.time()

    def stop(self) -> None:
        """Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        left = self._used_at + IDLE_SECONDS - self._loop.time()
        if left > 0 or self._is_busy():
            self._timer = self._loop.call_later(max(left, 1.0), self._check)
        else:
            self._expired()
