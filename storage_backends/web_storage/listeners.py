"""Who listens to an area, and what they are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from .storage_event import StorageEvent, StorageListener

_log = logging.getLogger(__name__)


class Listeners:
    """The listeners of one area. Thread-safe."""

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: tuple[tuple[StorageListener, object], ...] = ()

    def add(self, listener: StorageListener, source: object) -> Callable[[], None]:
        """Adds a listener that hears of everything but the changes of ``source``; returns what removes it."""
        entry = (listener, source)
        self.entries = (*self.entries, entry)

        def remove() -> None:
            self.entries = tuple(other for other in self.entries if other is not entry)

        return remove

    def tell(self, events: Sequence[StorageEvent], source: object) -> None:
        """Tells every listener but those of ``source``, in the order of the changes."""
        for listener, own in self.entries:
            if source is None or own is not source:
                for event in events:
                    _call(listener, event)


def _call(listener: StorageListener, event: StorageEvent) -> None:
    try:
        listener(event)
    except Exception:  # noqa: BLE001 (the change is committed: one listener's failure is neither the setter's nor the others')
        _log.exception("a storage event listener failed")
