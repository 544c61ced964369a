"""Who may run now: claims on resources, shared or exclusive, granted in order of their creation.

https://w3c.github.io/IndexedDB/#transaction-scheduling: a transaction starts when no earlier live one overlaps with it,
unless both only read. A claim takes all its resources at once, so claims never wait for each other in a circle.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence


class Claim:
    """One transaction's locks: resources, each wanted exclusively (True) or shared.

    ``granted`` runs once, in the thread that made the grant possible, with no lock held; never where ``request`` found
    nothing in the way.
    """

    __slots__ = ("granted", "missing", "places", "wanted")

    def __init__(self, wanted: Sequence[tuple[Hashable, bool]], granted: Callable[[], None]) -> None:
        self.wanted = wanted
        self.granted = granted
        self.places: list[tuple[Hashable, _Place]] = []
        self.missing = 0


class _Place:
    """A claim's place at one resource."""

    __slots__ = ("claim", "exclusive", "is_granted")

    def __init__(self, claim: Claim, *, exclusive: bool) -> None:
        self.claim = claim
        self.exclusive = exclusive
        self.is_granted = False


class _Queue:
    """One resource: how many hold it, and who waits. Each place costs the same however many there are."""

    __slots__ = ("holders", "is_exclusive", "waiting")

    def __init__(self) -> None:
        self.holders = 0
        self.is_exclusive = False
        self.waiting: OrderedDict[_Place, None] = OrderedDict()

    def enter(self, place: _Place) -> None:
        if self.waiting or (self.holders and (place.exclusive or self.is_exclusive)):
            self.waiting[place] = None
        else:
            self._grant(place)

    def leave(self, place: _Place) -> Iterator[_Place]:
        """Gives the places that were granted for it."""
        if place.is_granted:
            self.holders -= 1
        else:
            del self.waiting[place]
        while self.waiting:
            first = next(iter(self.waiting))
            if self.holders and (first.exclusive or self.is_exclusive):
                return
            del self.waiting[first]
            self._grant(first)
            yield first

    def _grant(self, place: _Place) -> None:
        place.is_granted = True
        self.holders += 1
        self.is_exclusive = place.exclusive


class LockTable:
    """Thread-safe."""

    def __init__(self, waits: Callable[[], None]) -> None:
        """``waits`` is called when a claim has to wait, with no lock held."""
        self._waits = waits
        self._mutex = threading.Lock()
        self._queues: dict[Hashable, _Queue] = {}

    def request(self, claim: Claim) -> bool:
        """Whether the claim is granted at once; else it waits in its place, and ``granted`` will run."""
        with self._mutex:
            for resource, exclusive in claim.wanted:
                queue = self._queues.get(resource)
                if queue is None:
                    queue = self._queues[resource] = _Queue()
                place = _Place(claim, exclusive=exclusive)
                queue.enter(place)
                claim.places.append((resource, place))
                claim.missing += not place.is_granted
            is_granted = not claim.missing
        if not is_granted:
            self._waits()
        return is_granted

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
        for granted in queue.leave(place):
            claim = granted.claim
            claim.missing -= 1
            if not claim.missing:
                ready.append(claim)
        if not queue.holders:  # and so nobody waits
            del self._queues[resource]
