"""Who still needs a digest in memory: counted pins, and the tickets of stagings."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable

from .abc import Blob, BlobStore


class _Pins:
    """Not thread-safe by itself: its store's lock guards it."""

    def __init__(self) -> None:
        self._pins: Counter[str] = Counter()
        self._tickets: set[int] = set()
        self._last_ticket = 0

    def stage(self, digest: str, size: int) -> Blob:
        """A blob whose ticket holds a pin."""
        self._last_ticket += 1
        self._tickets.add(self._last_ticket)
        self._pins[digest] += 1
        return Blob(digest, size, self._last_ticket)

    def redeem(self, blob: Blob) -> bool:
        """Releases the ticket's pin, once; whether that was the last pin."""
        if blob.ticket not in self._tickets:
            return False
        self._tickets.discard(blob.ticket)
        # Whoever staged it may have given it up by an explicit unpin.
        return blob.digest in self._pins and self.unpin(blob.digest)

    def pin(self, digest: str) -> None:
        self._pins[digest] += 1

    def unpin(self, digest: str) -> bool:
        """Whether that was the last pin."""
        if self._pins[digest] <= 0:
            raise ValueError(f"blob {digest} is not pinned")
        self._pins[digest] -= 1
        if self._pins[digest]:
            return False
        del self._pins[digest]
        return True

    def __contains__(self, digest: str) -> bool:
        return digest in self._pins


class PinnedBlobs(BlobStore):
    """The part of a blob store that keeps count of pins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pins = _Pins()
        self._condemned: set[str] = set()
        self._listeners: list[Callable[[str], None]] = []

    def on_unpinned(self, listener: Callable[[str], None]) -> None:
        self._listeners.append(listener)

    def is_pinned(self, digest: str) -> bool:
        with self._lock:
            return digest in self._pins

    def pin(self, digest: str) -> None:
        with self._lock:
            self._condemned.discard(digest)
            self._pins.pin(digest)

    def _staged(self, digest: str, size: int) -> Blob:
        """Under the lock."""
        self._condemned.discard(digest)
        return self._pins.stage(digest, size)

    def condemn(self, digest: str) -> bool:
        with self._lock:
            if digest in self._pins:
                return False
            self._condemned.add(digest)
            return True

    def reclaim(self, digest: str) -> bool:
        with self._lock:
            if digest not in self._condemned:
                return False
            self._remove(digest)
            self._condemned.discard(digest)
            return True

    @abstractmethod
    def _remove(self, digest: str) -> None:
        """Under the lock."""

    def unpin(self, digest: str) -> None:
        with self._lock:
            was_last = self._pins.unpin(digest)
        self._tell(digest, was_last)

    def redeem(self, blob: Blob) -> None:
        with self._lock:
            was_last = self._pins.redeem(blob)
        self._tell(blob.digest, was_last)

    def _tell(self, digest: str, was_last: bool) -> None:
        for listener in self._listeners if was_last else ():
            listener(digest)
