"""What an engine's hash table of keys offers."""

from __future__ import annotations

from typing import Protocol


class KeyTable(Protocol):
    """The keys of a storage area in one engine's hash table: the slots, and what earlier keys left in them."""

    def add(self, key: str) -> None:
        """Inserts a key; does nothing if it is there."""

    def remove(self, key: str) -> None:
        """Takes a key out; does nothing if it is not there."""

    def overwrite(self, key: str) -> None:
        """A key that is there was set again: some engines insert anew, which may grow the table."""

    def refuse(self, key: str) -> None:
        """Setting a key was refused: some engines insert first and take it back."""

    def keys(self) -> list[str]:
        """The keys in the table's order."""

    def copy(self) -> KeyTable:
        """An independent table in the same state."""
