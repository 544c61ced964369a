"""Who may run now: claims on resources, shared or exclusive, granted in order of their creation.

https://w3c.github.io/IndexedDB/#transaction-scheduling: a transaction starts when no earlier live one overlaps with it,
unless both only read. A claim takes all its resources at once, so claims never wait for each other in a circle.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence


class Claim:
    """One transaction's locks: resources, each wanted exclusively (True) or shared.

    ``granted`` runs once, in the thread that made the grant possible, with no lock held.
    """

    __slots__ = ("granted", "is_granted", "missing", "places", "wanted")

    def __init__(self, wanted: Sequence[tuple[Hashable, bool]], granted: Callable[[], None]) -> None:
        self.wanted = wanted
        self.granted = granted
        self.places: list[tuple[Hashable, _Place]] = []
        self.missing = 0
        self.is_granted = False


class _Place:
    """A claim's place in one resource's queue."""

    __slots__ = ("claim", "exclusive", "is_granted")

    def __init__(self, claim: Claim, *, exclusive: bool) -> None:
        self.claim = claim
        self.exclusive = exclusive
        self.is_granted = False


class LockTable:
    """Thread-safe."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._queues: dict[Hashable, deque[_Place]] = {}

    def request(self, claim: Claim) -> None:
        """Queues a claim; ``granted`` runs before this returns if nothing is in the way."""
        with self._mutex:
            for resource, exclusive in claim.wanted:
                place = _Place(claim, exclusive=exclusive)
                queue = self._queues.setdefault(resource, deque())
                last = queue[-1] if queue else None
                place.is_granted = last is None or (not exclusive and last.is_granted and not last.exclusive)
                queue.append(place)
                claim.places.append((resource, place))
                claim.missing += not place.is_granted
            claim.is_granted = not claim.missing
        if claim.is_granted:
            claim.granted()

    def release(self, claim: Claim) -> None:
        """Gives the resources back, also before the claim was granted; idempotent."""
        ready: list[Claim] = []
        with self._mutex:
            for resource, place in claim.places:
                self._leave(resource, place, ready)
            claim.places = []
        for next_claim in ready:
            next_claim.granted()

    def _leave(self, resource: Hashable, place: _Place, ready: list[Claim]) -> None:
        queue = self._queues[resource]
        queue.remove(place)
        if not queue:
            del self._queues[resource]
            return
        for first, waiting in enumerate(queue):
            if waiting.exclusive and first:
                return
            if not waiting.is_granted:
                waiting.is_granted = True
                waiting.claim.missing -= 1
                if not waiting.claim.missing:
                    waiting.claim.is_granted = True
                    ready.append(waiting.claim)
            if waiting.exclusive:
                return
