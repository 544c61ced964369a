"""The order of a bucket's mutations, and the groups in which they are committed.

A mutation takes its place under the bucket's mutex; a thread of the home's pool then commits all that are waiting in
one batch with one sync (168 thousand durable puts a second with 64 writers against 5 thousand alone).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from .abc import Blob, Durability
from .catalogue import Catalogue

MAX_PENDING_BYTES = 64 << 20
MAX_PENDING = 16_384


@dataclass(slots=True, eq=False)
class Sequenced:
    """A mutation that has its place in the order.

    ``before`` holds what its ``changes`` replace, ``catalogue`` the totals after it.
    """

    changes: dict[bytes, bytes | None]
    before: dict[bytes, bytes | None]
    catalogue: Catalogue
    durability: Durability
    future: Future[None]
    undo: list[Callable[[], None]] = field(default_factory=list)
    committed: list[Callable[[], None]] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)
    size: int = 0
    frees_space: bool = False


Group = list[Sequenced]


def replaced_by(group: Group) -> dict[bytes, bytes | None]:
    """What was there before the whole group: the oldest value of each key."""
    before: dict[bytes, bytes | None] = {}
    for entry in reversed(group):
        before.update(entry.before)
    return before


class CommitQueue:
    """First in, first out; ``commit`` is called by one thread at a time with everything that waits."""

    def __init__(self, mutex: threading.RLock, pool: Executor, commit: Callable[[], bool]) -> None:
        self._pool = pool
        self._commit = commit
        self._changed = threading.Condition(mutex)
        self._waiting: Group = []
        self._pending_bytes = 0
        self._pending = 0
        self._scheduled = False

    def append(self, entry: Sequenced, *, inline: bool) -> bool:
        """Sequences; under the mutex. True leaves the commit to the caller, which ``inline`` offers to do it."""
        self._waiting.append(entry)
        self._pending += 1
        self._pending_bytes += entry.size
        if self._scheduled:
            return False
        self._scheduled = True
        if not inline:
            self._pool.submit(self._drain)
        return inline

    def commit_here(self) -> None:
        """Commits what waits, in this thread; what came meanwhile is the pool's."""
        self._commit()
        with self._changed:
            if not self.finished():
                self._pool.submit(self._drain)

    def take(self) -> Group:
        """All that wait; under the mutex. They stay pending until ``settled``."""
        group, self._waiting = self._waiting, []
        return group

    def settled(self, group: Group) -> None:
        """The group's outcome is known; under the mutex."""
        self._pending -= len(group)
        self._pending_bytes -= sum(entry.size for entry in group)
        self._changed.notify_all()

    @property
    def is_idle(self) -> bool:
        return self._pending == 0

    def wait_for_room(self) -> None:
        """Backpressure: blocks while too much is pending."""
        if self.has_room():
            return
        with self._changed:
            self._changed.wait_for(self.has_room)

    def has_room(self) -> bool:
        """Whether a mutation can be sequenced without waiting."""
        return self._pending < MAX_PENDING and self._pending_bytes < MAX_PENDING_BYTES

    def wait_idle(self) -> None:
        """Blocks until nothing is pending."""
        with self.idle():
            pass

    @contextmanager
    def idle(self) -> Iterator[None]:
        """A block that begins with nothing pending, under the mutex."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending == 0 and not self._scheduled)
            yield

    def _drain(self) -> None:
        while self._commit():
            pass

    def finished(self) -> bool:
        """Whether the committing thread may end; under the mutex. The next mutation then schedules it again."""
        if self._waiting:
            return False
        self._scheduled = False
        self._changed.notify_all()
        return True
