"""An event loop that lets some connections answer as soon as the operating system says that bytes are there.

Between that moment and a protocol's ``data_received``, and after it, asyncio spends 20 µs (a callback, a transport,
another turn of the loop): four times what a small answer takes. Who registers here is asked first; all else goes
asyncio's way.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from enum import Enum, auto
from typing import Any

_PATIENCE = 0.001
"""Seconds. A client that has just been answered often asks again at once: as long the loop waits for it here."""
_IN_A_ROW = 16
"""Then the loop turns. What else is due has waited 16 ms at most, less than one where clients ask without a pause."""


class Arrival(Enum):
    """What became of bytes that have arrived."""

    ANSWERED = auto()
    """They were read and answered; nothing was scheduled on the loop."""
    SCHEDULED = auto()
    """They were read; the loop has something to do now."""
    UNTOUCHED = auto()
    """They are still to be read."""


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """As ``asyncio.run``, on an EagerLoop."""
    with asyncio.Runner(loop_factory=EagerLoop) as runner:
        runner.run(coroutine)


class EagerLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, but for descriptors that ``ask_first`` was called for."""

    def __init__(self) -> None:
        self._eager = _EagerSelector()
        super().__init__(self._eager)

    def ask_first(self, descriptor: int, handler: Callable[[], Arrival]) -> None:
        """``handler`` is called when the descriptor, which a transport reads, has something to read. It neither waits
        nor raises."""
        self._eager.handlers[descriptor] = handler

    def ask_no_more(self, descriptor: int) -> None:
        """Before the descriptor is closed."""
        self._eager.handlers.pop(descriptor, None)


class _EagerSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.handlers: dict[int, Callable[[], Arrival]] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout)
        patience = _PATIENCE if timeout is None else min(timeout, _PATIENCE)
        for _ in range(_IN_A_ROW):
            if not events:
                break
            arrivals = [self._arrival(key, mask) for key, mask in events]
            if arrivals.count(Arrival.ANSWERED) < len(events):
                untouched = Arrival.UNTOUCHED
                return [event for event, arrival in zip(events, arrivals, strict=True) if arrival is untouched]
            events = super().select(patience)
        return events

    def _arrival(self, key: selectors.SelectorKey, mask: int) -> Arrival:
        handler = self.handlers.get(key.fd)
        return Arrival.UNTOUCHED if handler is None or mask != selectors.EVENT_READ else handler()
