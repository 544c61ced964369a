"""Who is told what was committed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .store import StoreEvent

Listener = Callable[[StoreEvent], None]


class EventHub:
    """Hands events to listeners, in the order of the commits; thread-safe.

    A listener is called in the thread that acknowledged the commit: it must not block.
    """

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Events from now on go to ``listener``, until the returned function is called."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def publish(self, event: StoreEvent) -> None:
        for listener in self._listeners:
            listener(event)
