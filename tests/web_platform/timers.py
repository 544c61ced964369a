"""What ``setTimeout`` and ``setInterval`` are made of: Python's loop decides when JavaScript goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timers:
    """``fire`` gets the number of a timer that is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fire: Callable[[int], object]) -> None:
        self._loop = loop
        self._fire = fire
        self._running: dict[int, asyncio.TimerHandle] = {}
        self._last = 0

    def start(self, seconds: float, repeats: bool) -> int:
        self._last += 1
        self._start(self._last, seconds, repeats)
        return self._last

    def stop(self, number: int) -> None:
        timer = self._running.pop(number, None)
        if timer is not None:
            timer.cancel()

    def stop_all(self) -> None:
        for number in list(self._running):
            self.stop(number)

    def _start(self, number: int, seconds: float, repeats: bool) -> None:
        self._running[number] = self._loop.call_later(seconds, self._due, number, seconds, repeats)

    def _due(self, number: int, seconds: float, repeats: bool) -> None:
        if repeats:
            self._start(number, seconds, repeats)
        else:
            del self._running[number]
        self._fire(number)
