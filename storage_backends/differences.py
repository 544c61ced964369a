"""What a mutation changes, and what it replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .catalogue import Catalogue


@dataclass(slots=True)
class Differences:
    """Only what differs: a write of the value that is there already is none. Both have the same keys, in one order."""

    changes: dict[bytes, bytes | None] = field(default_factory=dict)
    before: dict[bytes, bytes | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        writes: Mapping[bytes, bytes | None],
        known: Mapping[bytes, bytes | None],
        get: Callable[[bytes], bytes | None],
    ) -> Differences:
        """``get`` reads the state beneath the writes where it is not ``known``."""
        before = {key: known[key] if key in known else get(key) for key in writes}
        changes = dict(writes)
        for key in [key for key, old in before.items() if old == writes[key]]:
            del changes[key], before[key]
        return cls(changes, before)

    def note(self, key: bytes, old: bytes | None, new: bytes | None) -> None:
        if old != new:
            self.changes[key], self.before[key] = new, old

    def applied_to(self, catalogue: Catalogue) -> Catalogue:
        return catalogue.changed(zip(self.changes, self.before.values(), self.changes.values(), strict=True))

    @property
    def size(self) -> int:
        """The bytes of keys and new values."""
        return sum(map(len, self.changes)) + sum(map(len, filter(None, self.changes.values())))

    @property
    def replaced_size(self) -> int:
        """The bytes of values that are there no longer."""
        return sum(map(len, filter(None, self.before.values())))
