"""An item of a storage area, and what a group of operations did to the area's items."""

from __future__ import annotations

from typing import Protocol

from ..abc import Blob, Snapshot
from ..catalogue import Share
from .key_order.key_log import Mark
from .records import inline_record, pack
from .text import EncodedText, encoded, normalize


class Reads(Protocol):
    """Records by key: a bucket, or a snapshot of one."""

    def get(self, key: bytes) -> bytes | None: ...


class Item:
    """One item but for its value: how wide and long that is, what the item counts, when it was last set."""

    __slots__ = ("blob", "key_size", "record_key", "sequence", "share", "size", "units", "value", "width")

    def __init__(self, record_key: bytes, key_size: int, size: int, text: EncodedText, sequence: int) -> None:
        self.record_key = record_key
        self.key_size = key_size
        self.size = size
        self.width = text.width
        self.units = text.units
        self.sequence = sequence
        self.blob = text.data if isinstance(text.data, Blob) else None
        self.value: str | None = None  # while it is cached
        self.share: Share | None = None  # in the bucket's totals, where it is known

    def record(self) -> bytes:
        """The record's value of an item that lies in it and whose own value is cached."""
        assert self.value is not None
        text = encoded(self.value)
        if text is None:
            return pack(self.sequence, normalize(self.value)[1])
        return inline_record(self.sequence, *text)


Held = tuple[Item, str | None]
"""An item and its value; None for a value that lies in a blob, or in the revision's snapshot."""


class Revision:
    """One group of operations: what was before, for those who must not see the new state yet and for going back."""

    __slots__ = ("_keys", "before", "cleared", "counts", "items", "mark", "pinned", "snapshot", "source")

    def __init__(self, source: object, items: dict[str, Item], mark: Mark, counts: tuple[int, int, int]) -> None:
        """``counts``: the area's total, its peak and its last sequence number."""
        self.source = source
        self.items = items
        self.counts = counts
        self.before: dict[str, Held | None] = {}
        self.cleared = False
        self.mark = mark
        self.snapshot: Snapshot | None = None
        """The records as they were, where values had to be left in them."""
        self.pinned: list[Blob] = []
        self._keys: list[str] | None = None

    def hold(self, key: str, held: Held | None) -> None:
        """Keeps what a key had (None: nothing), unless this revision changed or cleared it already."""
        if not self.cleared:
            self.before.setdefault(key, held)

    def touches(self, key: str) -> bool:
        """Whether the key may have had something else before."""
        return self.cleared or key in self.before

    def held(self, key: str) -> Held | None:
        """What a key had that this revision touches."""
        if key in self.before:
            return self.before[key]
        item = self.items.get(key)
        return None if item is None else (item, None)

    def blobs(self) -> list[Blob]:
        """The blobs of everything that was replaced or removed."""
        gone = [held[0] for held in self.before.values() if held is not None]
        if self.cleared:
            gone += [item for key, item in self.items.items() if key not in self.before]
        return [item.blob for item in gone if item.blob is not None]

    def keys(self) -> list[str]:
        """The keys there were, in the browser's order."""
        if self._keys is None:
            self._keys = self.mark.keys()
        return self._keys
