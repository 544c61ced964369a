"""The items of one storage area in memory: an index in the browser's order, its quota, and the way back.

Nothing here does I/O or locks; the areas (``storage_area.py``, ``session_area.py``) keep the values.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from ..browsers import WebStorageRules
from ..catalogue import NO_SHARE
from .items import Item, Revision
from .key_order.key_log import KeyLog
from .operations import Operation, SetItem
from .quota import is_refused, quota_error, size_in
from .records import record_key
from .text import EncodedText, decode, normalize


class StorageMap:
    """The index of one area; ``value_of`` fetches a value that is not in a blob."""

    __slots__ = (
        "_bound",
        "_width_counts",
        "items",
        "order",
        "peak",
        "reinserts_empty",
        "restored",
        "restored_sequence",
        "room",
        "rules",
        "sequence",
        "total",
        "value_of",
    )

    def __init__(
        self, rules: WebStorageRules, order: KeyLog, value_of: Callable[[Item], str], *, reinserts_empty: bool = True
    ) -> None:
        self.rules = rules
        self._bound = sys.maxsize if rules.limit is None else rules.limit
        self._width_counts = rules.unit == "byte"
        self.order = order
        self.value_of = value_of
        self.reinserts_empty = reinserts_empty
        """Whether an empty value that is set again is an overwrite to the order of keys: so in Firefox's localStorage,
        not in its sessionStorage."""
        self.items: dict[str, Item] = {}
        self.total = 0
        self.peak = 0
        self.sequence = 0
        self.restored: Callable[[], Sequence[str]] = tuple
        """The keys that were stored when the area was opened, in the browser's order after a restart."""
        self.restored_sequence = 0
        self.room: Callable[[int], bool] | None = None
        """Whether the area may grow by that much: asks whoever shares the quota (in Firefox the whole site)."""

    def find(self, key: str) -> tuple[str, Item | None]:
        """The key with its surrogate pairs joined, and its item."""
        item = self.items.get(key)
        if item is None and not key.isascii():
            key, _ = normalize(key)
            item = self.items.get(key)
        return key, item

    def begin(self, source: object) -> Revision:
        """Starts a group of operations."""
        return Revision(source, self.items, self.order.mark(), (self.total, self.peak, self.sequence))

    def load(self, key: str, encoded_key: EncodedText, text: EncodedText, sequence: int) -> None:
        """Takes in an item that is stored already; the order of keys is the caller's to know."""
        key_size = size_in(self.rules, encoded_key.width, encoded_key.units)
        size = key_size + size_in(self.rules, text.width, text.units)
        self.items[key] = Item(record_key(encoded_key), key_size, size, text, sequence)
        self.total += size
        self.peak = self.total
        self.sequence = max(self.sequence, sequence)

    def set(
        self, revision: Revision, key: str, text: EncodedText, value: str | None, *, named_property: bool = False
    ) -> tuple[str, Item | None, Item]:
        """Sets an item (``value`` is ``text`` as a str, where the caller has it); returns its key, the old and the new.

        Old and new are the same object where the value is the same: then nothing changed. Raises QuotaExceededError,
        having changed nothing.
        """
        old = self.items.get(key)
        if old is None:
            key, old = self.find(key)
        if old is None:
            key, encoded_key = normalize(key)
            stored_as = record_key(encoded_key)
            key_size = size_in(self.rules, encoded_key.width, encoded_key.units)
            total = self.total
        else:
            stored_as, key_size = old.record_key, old.key_size
            total = self.total - old.size
        size = key_size + (text.units * text.width if self._width_counts else text.units)
        total += size
        if total > self._bound or self.room is not None:
            self._admit(key, total, size, named_property)
        if old is None:
            revision.hold(key, None)
            self.order.add(key)
        else:
            if (old_value := old.value) is None and old.blob is None:
                old_value = self.value_of(old)
            both_known = value is not None and old_value is not None
            is_same = value == old_value if both_known else _is_same(old, old_value, text, value)
            if not is_same or (not text.units and self.reinserts_empty):
                self.order.overwrite(key)
            if is_same:
                return key, old, old
            revision.hold(key, (old, old_value))
        self.sequence += 1
        item = self.items[key] = Item(stored_as, key_size, size, text, self.sequence)
        self.total = total
        if total > self.peak:
            self.peak = total
        return key, old, item

    def short_item(self, key: str) -> Item | None:
        """The item as ``put`` takes it: in memory with its value, or new; None where it is neither, or not that simple.

        A new one is not in the area yet.
        """
        item = self.items.get(key)
        if item is not None:
            return None if item.value is None or item.blob is not None else item
        if not key.isascii():
            return None
        _, encoded_key = normalize(key)
        item = Item(record_key(encoded_key), encoded_key.units, 0, _ABSENT, 0)
        item.share = NO_SHARE
        return item

    def room_for(self, item: Item, width: int, units: int) -> int | None:
        """What the item would count with a value of that width, if that is certain to be within the quota."""
        size = item.key_size + (units * width if self._width_counts else units)
        growth = size - item.size
        if self.total + growth > self._bound or (growth > 0 and self.room is not None and not self.room(growth)):
            return None
        return size

    def put(self, key: str, item: Item, size: int) -> None:
        """Takes in a ``short_item`` that was changed in place and counts ``size`` now."""
        if item.sequence:
            self.order.overwrite(key)
        else:
            self.order.add(key)
            self.items[key] = item
        self.total += size - item.size
        self.peak = max(self.peak, self.total)
        self.sequence += 1
        item.sequence, item.size = self.sequence, size

    def remove(self, revision: Revision, key: str) -> tuple[str, Item | None]:
        """Takes an item out; returns its key and the item, or None where there was none."""
        key, old = self.find(key)
        if old is not None:
            revision.hold(key, (old, self._inline_value(old)))
            del self.items[key]
            self.order.remove(key)
            self.total -= old.size
        return key, old

    def clear(self, revision: Revision) -> dict[str, Item]:
        """Takes all items out and returns them."""
        gone = self.items
        self.order.clear(was_empty=not gone)
        if gone:
            self.items = {}
            revision.cleared = True
            self.total = 0
        return gone

    def rewind(self, revision: Revision) -> None:
        """Everything is as before the revision; later ones have been rewound already."""
        self.items = revision.items
        for key, held in revision.before.items():
            if held is None:
                self.items.pop(key, None)
            else:
                self.items[key] = held[0]
        self.order.rewind(revision.mark)
        self.total, self.peak, self.sequence = revision.counts

    def note_refusal(self, operations: Sequence[Operation]) -> None:
        """Does to the order of keys what the engine does when it refuses one ``setItem``; batches are our own."""
        if len(operations) == 1 and isinstance(operations[0], SetItem):
            key, _ = self.find(operations[0].key)
            self.order.refuse(key)

    def end_task(self) -> None:
        """Ends the running task: room that was freed in it is given back."""
        self.peak = self.total

    def by_last_set(self) -> list[str]:
        """The keys by the time of the last ``setItem`` that changed each, what was stored at opening first."""
        limit = self.restored_sequence
        early = [key for key in self.restored() if (item := self.items.get(key)) and item.sequence <= limit]
        late = sorted((item.sequence, key) for key, item in self.items.items() if item.sequence > limit)
        return early + [key for _, key in late]

    def _admit(self, key: str, total: int, size: int, named_property: bool) -> None:
        refused = is_refused(self.rules, total=total, before=self.total, peak=self.peak, item=size)
        if not refused and self.room is not None and total > self.total:
            refused = not self.room(total - self.total)
        if refused:
            raise quota_error(self.rules, key, total, named_property=named_property)

    def _inline_value(self, item: Item) -> str | None:
        return None if item.blob is not None else self.value_of(item)


_ABSENT = EncodedText(1, 0, b"")


def _is_same(old: Item, old_value: str | None, text: EncodedText, value: str | None) -> bool:
    """Whether an item has that value, of which one or the other is not at hand as a str."""
    if old.width != text.width or old.units != text.units:
        return False
    if not isinstance(text.data, bytes):
        return old.blob == text.data
    return old_value == (decode(text.width, text.data) if value is None else value)
