"""What a session has to tell its client, from the session's thread to the loop's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from ...wire.limits import MIB

_ROOM: Final = 4 * MIB


class SessionOver(Exception):
    """The client is gone, or has not read for too long."""


class Outbox:
    """Bounded: who sends waits while the client does not read. The loop that makes it empties it, and so cannot wait:
    it sends only while ``is_empty``, one request's answer at a time, however large that is."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._change = threading.Condition()
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._is_waking = False
        self._is_writing = False
        self._is_closed = False
        self._loop_thread = threading.get_ident()

    def send(self, frame: bytes) -> None:
        """In the session's thread, or on the loop, where ``flush`` is to follow. Raises SessionOver."""
        is_on_loop = threading.get_ident() == self._loop_thread
        with self._change:
            while self._size > _ROOM and not self._is_closed and not is_on_loop:
                self._change.wait()
            if self._is_closed:
                raise SessionOver
            self._frames.append(frame)
            self._size += len(frame)
            if self._is_waking or is_on_loop:
                return
            self._is_waking = True
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._filled.set)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for the client to read: then nobody waits who sends."""
        return not self._size

    async def pump(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Writes what there is, until cancelled; returns once the outbox is closed and empty."""
        while not (self._is_closed and not self._frames):
            await self._filled.wait()
            self._filled.clear()
            await self.flush(write)

    async def flush(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Writes what there is. Where somebody is at it already, that one writes it, in order."""
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while frames := self._taken():
                for frame in frames:
                    await write(frame)
                    with self._change:
                        self._size -= len(frame)
                        self._change.notify_all()
        finally:
            self._is_writing = False

    def _taken(self) -> deque[bytes]:
        with self._change:
            frames, self._frames = self._frames, deque()
            self._is_waking = False
            return frames

    def close(self) -> None:
        """Nothing more is sent; who waits for room is let go. On the loop."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        self._filled.set()
