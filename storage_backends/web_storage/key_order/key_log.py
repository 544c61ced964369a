"""The keys of an area in the browser's order, worked out when somebody asks.

Hashing a key in Python costs as much as everything else that a ``set_item`` does, and few programs list their keys. So
additions and removals are only logged, and replayed on the engine's table when the order is wanted. A replay leaves the
table that it started from alone, which makes going back to an earlier state (``mark``, ``rewind``) free.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from .table import KeyTable

_LONGEST_LOG = 4096

_Change = Literal["add", "remove", "overwrite", "refuse"]
_Log = list[tuple[_Change, str]]


@dataclass(frozen=True, slots=True)
class _Seed:
    """A table that is filled when it is first needed."""

    new_table: Callable[[], KeyTable]
    keys: Callable[[], Sequence[str]]

    def copy(self) -> KeyTable:
        table = self.new_table()
        for key in self.keys():
            table.add(key)
        return table


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of a KeyLog, to be shown again or gone back to."""

    table: KeyTable | _Seed
    log: _Log
    length: int

    def keys(self) -> list[str]:
        """The keys in that state, in the browser's order."""
        return _replayed(self.table, self.log[: self.length]).keys()


class KeyLog:
    """A table of keys and the changes that it has yet to see; the caller serializes calls."""

    __slots__ = ("_clears_empty", "_follows_overwrites", "_keys", "_log", "_new_table", "_table")

    def __init__(
        self,
        new_table: Callable[[], KeyTable],
        keys: Callable[[], Sequence[str]] = tuple,
        *,
        follows_overwrites: bool = False,
        clears_empty: bool = True,
    ) -> None:
        """Starts with ``keys()``, inserted in turn into an empty table; asked for only when the order is.

        ``follows_overwrites`` where the engine's table notices them; ``clears_empty`` where ``clear()`` gives an empty
        area a new table too, which forgets what removed keys have left in the old one.
        """
        self._follows_overwrites = follows_overwrites
        self._clears_empty = clears_empty
        self._new_table = new_table
        self._table: KeyTable | _Seed = _Seed(new_table, keys)
        self._log: _Log = []
        self._keys: list[str] | None = None

    def add(self, key: str) -> None:
        """Notes that a key, absent so far, was set."""
        self._note(("add", key))

    def remove(self, key: str) -> None:
        """Notes that a key, present so far, was removed."""
        self._note(("remove", key))

    def overwrite(self, key: str) -> None:
        """Notes that a key, present already, was set."""
        if self._follows_overwrites:
            self._note(("overwrite", key))

    def refuse(self, key: str) -> None:
        """Notes that setting a key was refused."""
        if self._follows_overwrites:
            self._note(("refuse", key))

    def clear(self, *, was_empty: bool = False) -> None:
        """Starts over with an empty table, as the engines do."""
        if was_empty and not self._clears_empty:
            return
        self._table = self._new_table()
        self._log = []
        self._keys = None

    def keys(self) -> list[str]:
        """The keys in the browser's order; the list is shared, leave it as it is."""
        if self._keys is None:
            self._keys = self._folded().keys()
        return self._keys

    def mark(self) -> Mark:
        """The present state."""
        return Mark(self._table, self._log, len(self._log))

    def rewind(self, mark: Mark) -> None:
        """Goes back to ``mark``; states marked after it are lost."""
        self._table = mark.table
        self._log = mark.log
        del self._log[mark.length :]
        self._keys = None

    def _note(self, change: tuple[_Change, str]) -> None:
        if len(self._log) >= _LONGEST_LOG:
            self._folded()
        self._log.append(change)
        self._keys = None

    def _folded(self) -> KeyTable:
        """The table, brought up to date."""
        if self._log or isinstance(self._table, _Seed):
            self._table = _replayed(self._table, self._log)
            self._log = []
        return self._table


def _replayed(table: KeyTable | _Seed, log: _Log) -> KeyTable:
    """The table as the logged changes leave it; the given one stays as it was."""
    table = table.copy()
    for change, key in log:
        match change:
            case "add":
                table.add(key)
            case "remove":
                table.remove(key)
            case "overwrite":
                table.overwrite(key)
            case "refuse":
                table.refuse(key)
    return table
