"""Who has connections open in a backing store. A front end may end without closing them: with its loop, say."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from .abc import FrontThread

if TYPE_CHECKING:
    from .local_connection import LocalConnection


class FrontEnds:
    """Front ends by their threads. Guarded by the backing store's mutex; calls nobody while it is held."""

    def __init__(self, mutex: threading.RLock, over: Callable[[FrontThread, list[LocalConnection]], None]) -> None:
        """``over`` gets what a front end has left open; it is called in the front end's thread."""
        self._mutex = mutex
        self._over = over
        self._connections: dict[FrontThread, set[LocalConnection]] = {}
        self._forget: dict[FrontThread, Callable[[], None]] = {}

    def know(self, thread: FrontThread) -> None:
        """In the thread itself: its end will be noticed."""
        with self._mutex:
            if thread in self._forget:
                return
        forget = thread.when_over(lambda: self._over(thread, self._leave(thread)))
        with self._mutex:
            for gone in [known for known in self._forget if known.is_gone and known not in self._connections]:
                del self._forget[gone]
            self._forget[thread] = forget

    def opened(self, connection: LocalConnection) -> None:
        with self._mutex:
            self._connections.setdefault(connection.thread, set()).add(connection)

    def closed(self, connection: LocalConnection) -> None:
        with self._mutex:
            connections = self._connections.get(connection.thread, set())
            connections.discard(connection)
            if not connections:
                self._connections.pop(connection.thread, None)

    def left_open(self) -> list[LocalConnection]:
        """What front ends have left open whose threads are gone."""
        with self._mutex:
            gone = [thread for thread in self._forget if thread.is_gone]
            return [connection for thread in gone for connection in self._leave(thread)]

    def end(self) -> list[LocalConnection]:
        """What is open; nobody's end is waited for any more."""
        with self._mutex:
            forget, self._forget = self._forget, {}
            found = [connection for connections in self._connections.values() for connection in connections]
        for thread, forgotten in forget.items():
            thread.post(forgotten)
        return found

    def _leave(self, thread: FrontThread) -> list[LocalConnection]:
        with self._mutex:
            self._forget.pop(thread, None)
            return list(self._connections.pop(thread, ()))
