"""One state of a bucket, pending mutations included."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sortedcontainers import SortedDict

from .abc import Snapshot
from .catalogue import Catalogue
from .overlay import merged


class BucketSnapshot(Snapshot):
    """One state of a bucket, with what was pending when it was taken."""

    def __init__(
        self,
        inner: Snapshot | None,
        overlay: SortedDict[bytes, bytes | None],
        catalogue: Catalogue,
        on_close: Callable[[BucketSnapshot], None],
    ) -> None:
        self.catalogue = catalogue  # the totals of this state
        self.number = catalogue.number
        self._on_close = on_close
        self._inner = inner
        self._overlay = overlay

    def get(self, key: bytes) -> bytes | None:
        if key in self._overlay:
            value: bytes | None = self._overlay[key]
            return value
        return None if self._inner is None else self._inner.get(key)

    def scan(self, start: bytes, stop: bytes | None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        changes = []
        if self._overlay and (stop is None or start < stop):
            keys = self._overlay.irange(start, stop, inclusive=(True, False))
            changes = [(key, self._overlay[key]) for key in keys]
        records = iter(()) if self._inner is None else self._inner.scan(start, stop, reverse=reverse)
        return merged(records, changes, reverse=reverse)

    def __enter__(self) -> BucketSnapshot:
        return self

    def close(self) -> None:
        """Frees what it pins; idempotent."""
        if self._inner is not None:
            self._inner.close()
        self._on_close(self)
