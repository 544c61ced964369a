"""When something has come to rest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settling:
    """``seconds``: how long nothing may have changed before a model is taken.

    The moment of the last change is the ctime, which no program can set. ``now`` is the wall clock's, which may have
    been set back since: what has changed "in the future" has been there since before, and rests.
    """

    seconds: float
    now: float

    def rest(self, changed: float) -> float:
        """Seconds until what changed at ``changed`` rests; 0 where it does."""
        age = self.now - changed
        # File systems stamp with the kernel's coarse clock, which is at most a few milliseconds behind.
        if age < -1.0:
            return 0.0
        return max(self.seconds - age, 0.0)
