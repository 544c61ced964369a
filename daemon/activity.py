"""What is going on: requests that run, subscribers, when the last one ended; and whether the daemon is ending."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator

from ..errors import DaemonUnavailableError


class Activity:
    """Belongs to the event loop; no other thread touches it."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.requests = 0
        self.running = 0
        self.holders = 0
        self.large_requests = 0
        """Requests with a large JSON text since memory was given back."""
        self.pairs = 0
        """Sync pairs: they keep the daemon from ending when idle."""
        self.draining = False
        self.refusing = False
        self.answers: Counter[tuple[str, int]] = Counter()
        self.seconds: dict[str, float] = {}
        self._last = self.started
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Counts a request for the block."""
        self.requests += 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._last = time.monotonic()

    def answered_at_once(self, route: str, status: int, seconds: float) -> None:
        """Counts a request that was answered within one call, so that nobody could see it run."""
        self.requests += 1
        self._last = time.monotonic()
        self.count(route, status, seconds)

    @contextlib.contextmanager
    def holding(self) -> Iterator[None]:
        """A subscriber: keeps the daemon from ending when idle, does not keep it from ending when told to. It stands
        inside a request, which stops counting as one that has to be waited for."""
        self.holders += 1
        self.running -= 1
        try:
            yield
        finally:
            self.holders -= 1
            self.running += 1

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Other requests are refused for the block. Raises DaemonUnavailableError while others run, or subscribers
        are there: they would go on listening to what was before."""
        if self.running > 1 or self.holders or self.refusing:
            raise DaemonUnavailableError("The daemon is busy with other requests.", hint="try again")
        self.refusing = True
        try:
            yield
        finally:
            self.refusing = False

    def count(self, route: str, status: int, seconds: float) -> None:
        """Notes an answer for the metrics."""
        self.answers[route, status] += 1
        self.seconds[route] = self.seconds.get(route, 0.0) + seconds

    def idle_seconds(self) -> float:
        """How long nothing has been going on; 0 while something is."""
        return 0.0 if self.running or self.holders or self.pairs else time.monotonic() - self._last

    def drain(self) -> None:
        """From now on each answer is the last on its connection, and subscribers are let go."""
        self.draining = True
        self.ending.set()

    def refuse(self) -> None:
        """From now on requests are refused."""
        self.refusing = True
