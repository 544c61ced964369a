"""WTF::HashTable, the open-addressing table that WebKit has and Blink inherited.

Slots are a power of two, probed at triangular distances; a removed key leaves a marker that a later key reuses (the
last marker on its probe path, in both engines); the table doubles when it is loaded past the engine's limit, is rebuilt
in place when the markers caused that, and halves when fewer than a sixth of the slots are taken.
Sources: third_party/blink/renderer/platform/wtf/hash_table.h and Source/WTF/wtf/HashTable.h.
"""

from __future__ import annotations

from collections.abc import Callable

_SMALLEST = 8


class _Removed:
    """The type of the marker that a removed key leaves."""


_REMOVED = _Removed()


class WTFHashTable:
    """One engine's variant: ``hash_of`` gives 24 bits, ``is_full(taken, slots)`` the load limit."""

    __slots__ = ("_hash_of", "_hashes", "_is_full", "_live", "_removed", "_slots")

    def __init__(self, hash_of: Callable[[str], int], is_full: Callable[[int, int], bool]) -> None:
        self._hash_of = hash_of
        self._is_full = is_full
        self._slots: list[str | _Removed | None] = []
        self._live = 0
        self._removed = 0
        self._hashes: dict[str, int] = {}

    def add(self, key: str) -> None:
        if not self._slots:
            self._slots = [None] * _SMALLEST
        index, found = self._find(key)
        if found:
            return
        if self._slots[index] is _REMOVED:
            self._removed -= 1
        self._slots[index] = key
        self._live += 1
        size = len(self._slots)
        if self._is_full(self._live + self._removed, size):
            mostly_markers = self._live * 6 < size * 2
            self._rebuild(size if mostly_markers else size * 2)

    def remove(self, key: str) -> None:
        if not self._slots:
            return
        index, found = self._find(key)
        if not found:
            return
        del self._hashes[key]
        self._slots[index] = _REMOVED
        self._live -= 1
        self._removed += 1
        size = len(self._slots)
        if self._live * 6 < size and size > _SMALLEST:
            self._rebuild(size // 2)

    def overwrite(self, key: str) -> None:
        """Changes the value in place."""

    def refuse(self, key: str) -> None:
        """Is decided before the table is touched."""

    def keys(self) -> list[str]:
        return [slot for slot in self._slots if type(slot) is str]

    def copy(self) -> WTFHashTable:
        twin = WTFHashTable(self._hash_of, self._is_full)
        twin._slots = self._slots.copy()
        twin._live = self._live
        twin._removed = self._removed
        twin._hashes = self._hashes.copy()
        return twin

    def _find(self, key: str) -> tuple[int, bool]:
        """The slot that holds the key, or the one where it belongs."""
        known = self._hashes.get(key)
        if known is None:
            known = self._hashes[key] = self._hash_of(key)
        slots = self._slots
        mask = len(slots) - 1
        index = known & mask
        marker = -1
        step = 0
        while True:
            slot = slots[index]
            if slot is None:
                return (index if marker < 0 else marker), False
            if slot is _REMOVED:
                marker = index
            elif slot == key:
                return index, True
            step += 1
            index = (index + step) & mask

    def _rebuild(self, size: int) -> None:
        """Inserts the keys, in slot order, into ``size`` empty slots."""
        slots: list[str | _Removed | None] = [None] * size
        hashes = self._hashes
        mask = size - 1
        for key in self.keys():
            index = hashes[key] & mask
            step = 0
            while slots[index] is not None:
                step += 1
                index = (index + step) & mask
            slots[index] = key
        self._slots = slots
        self._removed = 0
