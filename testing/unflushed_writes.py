"""What a browser that crashes has not written yet of localStorage.

Chromium's browser process commits an area 5 s after a change (components/services/storage/dom_storage,
``kCommitDefaultDelay``), Firefox's parent flushes its database after 5 s (dom/localstorage/ActorsParent.cpp,
``kFlushTimeoutMs``), WebKit's network process commits its SQLite transaction after 0.5 s
(NetworkProcess/storage/SQLiteStorageArea.cpp, ``transactionDuration``). IndexedDB has no such window: what completed
survives the death of the process in all three.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..storage_backends.browsers import Browser
from ..storage_backends.web_storage.operations import Operation, RemoveItem, SetItem

FLUSH_AFTER = {"chromium": 5_000, "firefox": 5_000, "webkit": 500}
"""Milliseconds until a change is safe from a crash."""


class UnflushedWrites:
    """The changes of the last seconds, by what was there before each. The caller serializes calls."""

    def __init__(self, browser: Browser) -> None:
        self._window = FLUSH_AFTER[browser.engine]
        self._before: dict[int, dict[str, str | None]] = {}

    def note(self, now: int, items: Iterable[tuple[str, str | None]]) -> None:
        """The keys are about to change; each comes with its present value, None where there is none."""
        self._flush(now)
        held = self._before.setdefault(now, {})
        for key, value in items:
            held.setdefault(key, value)

    def lost(self, now: int) -> list[Operation]:
        """What takes back the changes that a crash at ``now`` loses."""
        self._flush(now)
        before: dict[str, str | None] = {}
        for moment in sorted(self._before):
            for key, value in self._before[moment].items():
                before.setdefault(key, value)
        removals: list[Operation] = [RemoveItem(key) for key, value in before.items() if value is None]
        return removals + [SetItem(key, value) for key, value in before.items() if value is not None]

    def _flush(self, now: int) -> None:
        self._before = {moment: held for moment, held in self._before.items() if abs(now - moment) < self._window}
