"""The order in which each tab sees the keys of localStorage.

A tab that the user opened has a process of its own, which fills its table from what is stored and then follows what
others change: its order is not the one of the page that set the keys.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial

from ..storage_backends.web_storage.key_order.key_log import KeyLog
from ..storage_backends.web_storage.key_order.orders import KeyOrder, leveldb_key
from ..storage_backends.web_storage.operations import Change


class TabOrders:
    """The tables of one area's other processes; the caller serializes calls."""

    def __init__(self, order: KeyOrder) -> None:
        self._order = order
        self._tables: weakref.WeakKeyDictionary[object, KeyLog] = weakref.WeakKeyDictionary()

    def open(self, tab: object, by_last_set: Sequence[str]) -> None:
        """A process starts; the keys come by the time of the last ``setItem`` that changed each."""
        keys = sorted(by_last_set, key=leveldb_key) if self._order.sorted_by_encoding else list(by_last_set)
        self._tables[tab] = self._order.log(lambda: keys)

    def keys(self, tab: object) -> list[str] | None:
        """The keys as the tab lists them; None for one that shares the first page's process."""
        table = self._tables.get(tab) if tab is not None else None
        return None if table is None else table.keys()

    def follow(self, changes: Sequence[Change]) -> list[Callable[[], None]]:
        """Every table takes the changes in; gives what takes them back."""
        undo: list[Callable[[], None]] = []
        for table in self._tables.values():
            undo.append(partial(table.rewind, table.mark()))
            for change in changes:
                _follow(table, change)
        return undo


def _follow(table: KeyLog, change: Change) -> None:
    if change.key is None:
        table.clear()
    elif not change.exists:
        table.remove(change.key)
    elif change.existed:
        table.overwrite(change.key)
    else:
        table.add(change.key)
