"""Which keys the last changes of a bucket touched, for whoever keeps what it has read."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

_CHANGES = 64
_KEYS = 64
"""Of one change. Who follows so many does better to read all again."""


class ChangedKeys:
    """One entry for each generation of the bucket; its mutex guards it."""

    def __init__(self) -> None:
        self.generation = 0
        self._last: deque[tuple[bytes, ...] | None] = deque(maxlen=_CHANGES)

    def note(self, keys: Collection[bytes] | None) -> None:
        """A change of these keys, or (None) of nobody knows which, has made a new generation."""
        self.generation += 1
        self._last.append(None if keys is None or len(keys) > _KEYS else tuple(keys))

    def since(self, generation: int) -> set[bytes] | None:
        """All keys that may be different since then; None: any."""
        passed = self.generation - generation
        if passed > len(self._last):
            return None
        changed: set[bytes] = set()
        for at in range(1, passed + 1):
            keys = self._last[-at]
            if keys is None:
                return None
            changed.update(keys)
        return changed
