"""sessionStorage: an area in memory, of one origin in one tab."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from ..abc import Durability
from ..browsers import Browser
from .items import Item, Revision
from .key_order.orders import key_order
from .listeners import Listeners
from .operations import Operation, RemoveItem, SetItem
from .storage_event import StorageEvent, StorageListener
from .storage_map import StorageMap
from .text import EncodedText, decode, encoded, normalize


class SessionArea:
    """The same quota, errors, key order and events as localStorage; gone with the tab. Thread-safe.

    Every group of operations happens wholly or not at all, at once; ``durability`` means nothing here.
    """

    def __init__(self, browser: Browser) -> None:
        order = key_order(browser.web_storage.key_order)
        self._map = StorageMap(browser.web_storage, order.log(), _value, reinserts_empty=False)
        self._lock = threading.RLock()
        self._listeners = Listeners()

    def at_hand(self, key: str) -> str | None:
        """None: a look without the lock could see half a group of operations."""
        return None

    def get_item(self, key: str, *, source: object = None) -> str | None:
        with self._lock:
            _, item = self._map.find(key)
            return None if item is None else _value(item)

    def key(self, index: int, *, source: object = None) -> str | None:
        with self._lock:
            keys = self._map.order.keys()
            return keys[index] if 0 <= index < len(keys) else None

    def length(self, *, source: object = None) -> int:
        return len(self._map.items)

    def keys(self, *, source: object = None) -> list[str]:
        with self._lock:
            return self._map.order.keys().copy()

    def items(self, *, source: object = None) -> list[tuple[str, str]]:
        with self._lock:
            return [(key, _value(self._map.items[key])) for key in self.keys()]

    def used(self) -> int:
        """What keys and values count, in the browser's unit."""
        return self._map.total

    def submit(
        self,
        operations: Sequence[Operation],
        durability: Durability = "strict",
        *,
        source: object = None,
        url: str = "",
    ) -> Future[None]:
        """Carries the operations out; the future is done already. Raises QuotaExceededError, having changed nothing."""
        with self._lock:
            revision = self._map.begin(source)
            try:
                told = [self._perform(revision, operation, url) for operation in operations]
            except BaseException:
                self._map.rewind(revision)
                raise
        self._listeners.tell([event for event in told if event is not None], source)
        return _DONE

    def set_at_once(self, key: str, value: str, durability: Durability = "strict") -> bool:
        """The short way of an item that certainly fits and that nobody listens to; False, with nothing done, where that
        is not open: ``submit`` then does it, or says why not."""
        if type(key) is not str or type(value) is not str:
            return False
        with self._lock:
            area, text = self._map, encoded(value)
            if text is None or self._listeners.entries:
                return False
            item = area.short_item(key)
            if item is None or item.value == value:
                return False
            width, data = text
            units = len(data) // width
            size = area.room_for(item, width, units)
            if size is None:
                return False
            area.put(key, item, size)
            item.value, item.width, item.units = value, width, units
        return True

    def end_task(self) -> None:
        """Ends the running task, as far as the quota knows tasks (Firefox: room freed in it is given back)."""
        with self._lock:
            self._map.end_task()

    def copy(self, browser: Browser) -> SessionArea:
        """An independent area with the same items, as a tab has that was opened by this one."""
        twin = SessionArea(browser)
        with self._lock:
            twin.submit([SetItem(key, value) for key, value in self.items()])
        return twin

    def subscribe(self, listener: StorageListener, *, source: object = None) -> Callable[[], None]:
        """Calls the listener with each StorageEvent but for changes by ``source`` itself; returns what ends that."""
        return self._listeners.add(listener, source)

    def _perform(self, revision: Revision, operation: Operation, url: str) -> StorageEvent | None:
        if isinstance(operation, SetItem):
            value, text = _in_memory(operation.value)
            key, old, new = self._map.set(revision, operation.key, text, value, named_property=operation.named_property)
            if old is new:
                return None
            new.value = value
            return _event(key, None if old is None else _value(old), value, url)
        if isinstance(operation, RemoveItem):
            key, old = self._map.remove(revision, operation.key)
            return None if old is None else _event(key, _value(old), None, url)
        return _event(None, None, None, url) if self._map.clear(revision) else None


def _event(key: str | None, old_value: str | None, new_value: str | None, url: str) -> StorageEvent:
    return StorageEvent(key, old_value, new_value, url, "sessionStorage")


def _in_memory(value: str | EncodedText) -> tuple[str, EncodedText]:
    if isinstance(value, str):
        return normalize(value)
    if not isinstance(value.data, bytes):
        raise TypeError("sessionStorage holds its values in memory: give the value as a str")
    return decode(value.width, value.data), value


def _value(item: Item) -> str:
    assert item.value is not None
    return item.value


_DONE: Future[None] = Future()
_DONE.set_result(None)
