"""Events of this process on their way from the threads that commit to whoever iterates over them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from weakref import finalize

from .event_hub import Listener
from .store import StoreEvent

Subscribe = Callable[[Listener], Callable[[], None]]
"""Has a listener called, until the function that it gives is."""


class EventQueue:
    """An iterator over what is committed from now on, until ``close``; that ends every wait in another thread, too."""

    def __init__(self, subscribe: Subscribe) -> None:
        self._events: SimpleQueue[StoreEvent | None] = SimpleQueue()
        self._is_closed = False
        self._subscription = finalize(self, subscribe(self._events.put))
        """Ends with the iterator: who forgets it leaves nothing behind."""

    def __iter__(self) -> EventQueue:
        return self

    def __next__(self) -> StoreEvent:
        event = None if self._is_closed else self._events.get()
        if event is None:
            self._events.put(None)  # for who else waits
            raise StopIteration
        return event

    def close(self) -> None:
        """Ends the subscription. Idempotent."""
        self._is_closed = True
        self._subscription()
        self._events.put(None)


class AsyncEventQueue:
    """``AsyncEvents`` of this process, subscribed from now on; belongs to the running loop."""

    def __init__(self, subscribe: Subscribe) -> None:
        loop = asyncio.get_running_loop()
        events = asyncio.Queue[StoreEvent | None]()

        def hear(event: StoreEvent) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who listens
                loop.call_soon_threadsafe(events.put_nowait, event)

        self._events = events
        self._is_closed = False
        self._subscription = finalize(self, subscribe(hear))

    def __aiter__(self) -> AsyncEventQueue:
        return self

    async def __anext__(self) -> StoreEvent:
        event = None if self._is_closed else await self._events.get()
        if event is None:
            self._events.put_nowait(None)  # for who else waits
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Ends the subscription, and every wait in another task. Idempotent."""
        self._is_closed = True
        self._subscription()
        self._events.put_nowait(None)

    async def __aenter__(self) -> AsyncEventQueue:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
