"""What order the keys have after a restart of the browser, and in another process.

Chromium's browser process keeps a sorted map of encoded keys, from which every renderer fills its table. Firefox's
parent keeps the items in the order in which each was last set, and fills a table of its own first when it reads them
from disk; WebKit does the same in its network process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...browsers import KeyOrderName
from .blink import blink_table
from .gecko import gecko_table
from .key_log import KeyLog
from .table import KeyTable
from .webkit import webkit_table


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """One engine's rules."""

    new_table: Callable[[], KeyTable]
    sorted_by_encoding: bool = False
    follows_overwrites: bool = False
    clears_empty: bool = True

    def log(self, keys: Callable[[], Sequence[str]] = tuple) -> KeyLog:
        """The order of an area that starts with ``keys()``, inserted in turn into an empty table."""
        return KeyLog(self.new_table, keys, follows_overwrites=self.follows_overwrites, clears_empty=self.clears_empty)

    def new_process_table(self, by_last_set: Sequence[str]) -> KeyTable:
        """The table of another process that opens the area now.

        The argument lists the keys by the time of the last ``setItem`` that changed each.
        """
        return self._filled(sorted(by_last_set, key=leveldb_key) if self.sorted_by_encoding else by_last_set)

    def after_restart(self, by_last_set: Sequence[str]) -> list[str]:
        """The order in which a restarted browser's first page inserts the keys into its table."""
        if self.sorted_by_encoding:
            return sorted(by_last_set, key=leveldb_key)
        return self._filled(by_last_set).keys()

    def _filled(self, keys: Sequence[str]) -> KeyTable:
        table = self.new_table()
        for key in keys:
            table.add(key)
        return table


def leveldb_key(key: str) -> bytes:
    """The key as Chromium's LevelDB sorts it: a format byte, then Latin-1 or UTF-16LE."""
    try:
        return b"\x01" + key.encode("latin-1")
    except UnicodeEncodeError:
        return b"\x00" + key.encode("utf-16-le", "surrogatepass")


_ORDERS: dict[KeyOrderName, KeyOrder] = {
    "blink": KeyOrder(blink_table, sorted_by_encoding=True),
    "gecko": KeyOrder(gecko_table, follows_overwrites=True, clears_empty=False),
    "webkit": KeyOrder(webkit_table),
}


def key_order(name: KeyOrderName) -> KeyOrder:
    """The rules of the engine that a Browser names."""
    return _ORDERS[name]
