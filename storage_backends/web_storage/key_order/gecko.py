"""Firefox's order: PLDHashTable over mozilla::HashString.

The table is probed by double hashing; a slot that a key was pushed on from is marked as collided, and only such a slot
keeps a marker when its key is removed. Sources: xpcom/ds/PLDHashTable.cpp, mfbt/HashFunctions.h.
"""

from __future__ import annotations

from struct import unpack

_MASK32 = 0xFFFFFFFF
_GOLDEN_RATIO = 0x9E3779B9
_HASH_BITS = 32
_SMALLEST_LOG2 = 3


class _Removed:
    """The type of the marker that a removed, collided key leaves."""


_REMOVED = _Removed()


def gecko_table() -> PLDHashTable:
    """An empty table of eight slots."""
    return PLDHashTable()


def string_hash(text: str) -> int:
    """mozilla::HashString over the UTF-16 code units: 32 bits."""
    value = 0
    for unit in _code_units(text):
        value = (_GOLDEN_RATIO * (((value << 5 | value >> 27) & _MASK32) ^ unit)) & _MASK32
    return value


def _code_units(text: str) -> bytes | tuple[int, ...]:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        data = text.encode("utf-16-le", "surrogatepass")
        return unpack(f"<{len(data) // 2}H", data)


def _scrambled(text: str) -> int:
    """The table's key hash: multiplied once more, never 0 or 1 (free and removed), its lowest bit kept for the flag."""
    value = (string_hash(text) * _GOLDEN_RATIO) & _MASK32
    if value < 2:
        value = (value - 2) & _MASK32
    return value & ~1


class PLDHashTable:
    """The keys, their slots and which slots are marked as collided."""

    __slots__ = ("_collided", "_hashes", "_live", "_log2", "_removed", "_slots")

    def __init__(self) -> None:
        self._log2 = _SMALLEST_LOG2
        self._slots: list[str | _Removed | None] = [None] * (1 << _SMALLEST_LOG2)
        self._collided = bytearray(1 << _SMALLEST_LOG2)
        self._live = 0
        self._removed = 0
        self._hashes: dict[str, int] = {}

    def add(self, key: str) -> None:
        if self._find(key) >= 0:
            return
        self._make_room()
        index = self._slot_for(key)
        if self._slots[index] is _REMOVED:
            self._removed -= 1
            self._collided[index] = 1
        self._slots[index] = key
        self._live += 1

    def remove(self, key: str) -> None:
        index = self._find(key)
        if index < 0:
            return
        del self._hashes[key]
        if self._collided[index]:
            self._slots[index] = _REMOVED
            self._removed += 1
        else:
            self._slots[index] = None
        self._live -= 1
        self._shrink()

    def overwrite(self, key: str) -> None:
        self._make_room()
        self._slot_for(key)

    def refuse(self, key: str) -> None:
        if self._find(key) >= 0:
            self.overwrite(key)
            self.overwrite(key)
        else:
            self.add(key)
            self.remove(key)

    def keys(self) -> list[str]:
        return [slot for slot in self._slots if type(slot) is str]

    def copy(self) -> PLDHashTable:
        twin = PLDHashTable()
        twin._log2 = self._log2
        twin._slots = self._slots.copy()
        twin._collided = self._collided.copy()
        twin._live = self._live
        twin._removed = self._removed
        twin._hashes = self._hashes.copy()
        return twin

    def _probe(self, key: str) -> tuple[int, int]:
        """First slot and distance between the further ones."""
        value = self._hashes.get(key)
        if value is None:
            value = self._hashes[key] = _scrambled(key)
        return value >> (_HASH_BITS - self._log2), value & (len(self._slots) - 1) | 1

    def _find(self, key: str) -> int:
        """The slot that holds the key, or -1."""
        index, step = self._probe(key)
        slots = self._slots
        mask = len(slots) - 1
        while (slot := slots[index]) is not None:
            if slot == key:
                return index
            index = (index - step) & mask
        return -1

    def _make_room(self) -> None:
        """Before every insertion, of a key that is there too: grows a table that is loaded to three quarters."""
        capacity = len(self._slots)
        if self._live + self._removed >= capacity - (capacity >> 2):
            self._resize(self._log2 if self._removed >= capacity >> 2 else self._log2 + 1)

    def _slot_for(self, key: str) -> int:
        """The slot where the key is or belongs.

        The first removed marker on the way is reused; taken slots before that are marked as collided.
        """
        index, step = self._probe(key)
        slots = self._slots
        mask = len(slots) - 1
        reuse = -1
        while (slot := slots[index]) is not None and slot != key:
            if reuse < 0:
                if slot is _REMOVED:
                    reuse = index
                else:
                    self._collided[index] = 1
            index = (index - step) & mask
        return index if reuse < 0 or slot == key else reuse

    def _resize(self, log2: int) -> None:
        """Inserts the keys, in slot order, into a table of 2**log2 empty slots."""
        keys = self.keys()
        self._log2 = log2
        self._slots = [None] * (1 << log2)
        self._collided = bytearray(1 << log2)
        self._removed = 0
        for key in keys:
            self._slots[self._slot_for(key)] = key

    def _shrink(self) -> None:
        """After a removal: to the smallest capacity that three quarters of hold the keys."""
        capacity = len(self._slots)
        sparse = capacity > 1 << _SMALLEST_LOG2 and self._live <= capacity >> 2
        if self._removed >= capacity >> 2 or sparse:
            wanted = max((self._live * 4 + 2) // 3, 1 << _SMALLEST_LOG2)
            self._resize((wanted - 1).bit_length())
