"""The values of an area's items: read from the bucket when asked for, kept decoded within a budget."""

from __future__ import annotations

from collections import deque

from ...errors import CorruptionError
from ..abc import Blob
from ..buckets import Bucket
from .items import Item, Reads, Revision
from .records import unpack
from .text import EncodedText, decode, normalize

_OVERHEAD = 128


class AreaValues:
    """Decoded values lie on their items; the oldest go first when ``trim`` is called. The caller serializes calls."""

    __slots__ = ("_bucket", "_budget", "_cached", "_held")

    def __init__(self, bucket: Bucket, budget: int = 16 << 20) -> None:
        self._bucket = bucket
        self._budget = budget
        self._held = 0
        self._cached: deque[Item] = deque()

    def of(self, item: Item) -> str:
        """The item's value. Raises CorruptionError naming the record or blob that is damaged."""
        if item.value is not None:
            return item.value
        value = self.read(item, self._bucket)
        self.keep(item, value)
        return value

    def read(self, item: Item, records: Reads) -> str:
        """The item's value from one state of the records. A blob is checked first: the value has no digest."""
        if item.blob is not None:
            self._bucket.blobs.verify(item.blob)
            return decode(item.width, self._bucket.blobs.map(item.blob))
        return decode(item.width, _inline(item, records))

    def encoded(self, item: Item) -> EncodedText:
        """The item's value as it is stored."""
        if item.blob is None and item.value is not None:
            return normalize(item.value)[1]
        return EncodedText(item.width, item.units, item.blob or _inline(item, self._bucket))

    def keep(self, item: Item, value: str) -> None:
        """Caches the value of an item until ``trim`` finds it to be among the oldest beyond the budget."""
        cost = _cost(item)
        if item.value is None and cost * 2 <= self._budget:
            item.value = value
            self._cached.append(item)
            self._held += cost

    def replace(self, item: Item, value: str, width: int, units: int) -> None:
        """The item's new value, in place of a cached one or of none; caches it."""
        if item.value is None:
            item.width, item.units = width, units
            self.keep(item, value)
            return
        self._held += units * width - item.units * item.width
        item.value, item.width, item.units = value, width, units
        if self._held > self._budget:
            self.trim()

    def hold(self, revision: Revision, gone: dict[str, Item]) -> None:
        """Keeps the values of items that the revision cleared, cached or by a snapshot, until it is settled."""
        if all(item.blob is not None or item.value is not None for item in gone.values()):
            for key, item in gone.items():
                revision.before.setdefault(key, (item, item.value))
        elif revision.snapshot is None:
            revision.snapshot = self._bucket.snapshot()

    def trim(self) -> None:
        """Drops the oldest cached values that are over the budget."""
        while self._held > self._budget:
            oldest = self._cached.popleft()
            oldest.value = None
            self._held -= _cost(oldest)


def _cost(item: Item) -> int:
    return _OVERHEAD + item.units * item.width


def _inline(item: Item, records: Reads) -> bytes:
    record = records.get(item.record_key)
    if record is None:
        raise CorruptionError(f"localStorage record {item.record_key[:64].hex()} is missing")
    _, text = unpack(item.record_key, record)
    if isinstance(text.data, Blob) or text.units != item.units:
        raise CorruptionError(f"localStorage record {item.record_key[:64].hex()} is not what was written")
    return text.data
