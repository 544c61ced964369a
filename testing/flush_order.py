"""In which order a browser's writes of localStorage reach its database.

Firefox collects what is written for 5 s and then writes it in the order of a hash table (dom/localstorage:
``ConnectionWriteOptimizer``), so that of keys that become the same on the disk not the one set last wins, unless it was
set in a later flush (measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from ..storage_backends.web_storage.key_order.orders import KeyOrder


class FlushOrder:
    """Which flush each key was last written by. The caller serializes calls."""

    def __init__(self, order: KeyOrder, window: int) -> None:
        """``window``: milliseconds from the first write of a flush to its end."""
        self._order = order
        self._window = window
        self._flush = 0
        self._began: int | None = None
        self._flush_of: dict[str, int] = {}

    def note(self, now: int, keys: Iterable[str]) -> None:
        """The keys are written now."""
        if self._began is None or abs(now - self._began) >= self._window:
            self._flush += 1
            self._began = now
        self._flush_of.update(dict.fromkeys(keys, self._flush))

    def sorted(self, by_last_set: Sequence[str]) -> list[str]:
        """The keys as they reach the database; what was there before the first flush comes first."""
        flushes = groupby(sorted(by_last_set, key=self._number), self._number)
        return [key for _, keys in flushes for key in self._order.after_restart(list(keys))]

    def _number(self, key: str) -> int:
        return self._flush_of.get(key, 0)
