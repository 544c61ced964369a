"""Reads an area's index from its bucket."""

from __future__ import annotations

from collections.abc import Sequence

from ..browsers import WebStorageRules
from ..buckets import Bucket
from .area_values import AreaValues
from .key_order.orders import KeyOrder, key_order
from .records import NAMESPACE, NAMESPACE_END, item_key, unpack
from .storage_map import StorageMap


def load_items(bucket: Bucket, rules: WebStorageRules, values: AreaValues) -> StorageMap:
    """The index of what is stored; values are left where they are. The keys have their order after a restart.

    Raises CorruptionError that names a damaged record.
    """
    order = key_order(rules.key_order)
    restored = _Restored(order)
    area = StorageMap(rules, order.log(restored.keys), values.of)
    for record, stored in bucket.scan(NAMESPACE, NAMESPACE_END):
        key, encoded_key = item_key(record)
        sequence, text = unpack(record, stored)
        area.load(key, encoded_key, text, sequence)
        restored.found.append((sequence, key))
    area.restored = restored.keys
    area.restored_sequence = area.sequence
    return area


class _Restored:
    """What was stored when the browser was started, in the order in which its first page inserts it."""

    def __init__(self, order: KeyOrder) -> None:
        self.found: list[tuple[int, str]] = []
        self._order = order
        self._keys: list[str] | None = None

    def keys(self) -> Sequence[str]:
        if self._keys is None:
            self._keys = self._order.after_restart([key for _, key in sorted(self.found)])
        return self._keys
