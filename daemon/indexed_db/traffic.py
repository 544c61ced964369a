"""How much a session has carried: after much of it, the heap is worth a look once there is quiet."""

from __future__ import annotations

from typing import Final

from ...wire.limits import MIB

_MUCH: Final = 8 * MIB


class Traffic:
    """Counts about how many bytes came and went; two threads that count at once may lose some."""

    def __init__(self) -> None:
        self._carried = 0
        self._seen = 0

    def count(self, size: int) -> None:
        self._carried += size

    @property
    def is_much(self) -> bool:
        """Whether it left enough behind since it was last ``calm``."""
        return self._carried >= _MUCH

    def calm(self) -> bool:
        """Whether there was much, and nothing since the last look. Counts anew after that."""
        seen, self._seen = self._seen, self._carried
        if not self.is_much or seen != self._carried:
            return False
        self._carried = self._seen = 0
        return True
