"""When a transaction is active: the loop turns in which code that waited for it may place requests.

A browser's transaction is active while its creator's task or an event handler runs. In asyncio the code that waits is
resumed a turn after the settlement, one or two turns later still behind ``gather`` or ``wait_for``; so a window of
turns takes the place of the handler.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

AFTER_CREATION: Final = 0
AFTER_SETTLEMENT: Final = 4


class ActivityWindow:
    """Counts loop turns down; ``closed`` runs when none is left."""

    __slots__ = ("_closed", "_is_ticking", "_loop", "_turn", "turns_left")

    def __init__(self, loop: asyncio.AbstractEventLoop, closed: Callable[[], None], turn: Callable[[], None]) -> None:
        self._loop = loop
        self._closed = closed
        self._turn = turn
        self._is_ticking = False
        self.turns_left = 0

    def open(self, turns: int) -> None:
        """Open for this turn and ``turns`` more (fewer never shorten it)."""
        if turns > self.turns_left:
            self.turns_left = turns
        if not self._is_ticking:
            self._is_ticking = True
            self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._turn()
        if self.turns_left > 0:
            self.turns_left -= 1
            self._loop.call_soon(self._tick)
            return
        self._is_ticking = False
        self._closed()
