"""A group of operations on an area, on its way into a mutation."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import QuotaExceededError
from ..abc import INLINE_LIMIT, Blob, BlobStore
from ..mutation import Mutation
from .area_values import AreaValues
from .items import Revision
from .operations import Change, Operation, RemoveItem, SetItem
from .records import pack
from .storage_event import StorageEvent
from .storage_map import StorageMap
from .text import EncodedText, decode, normalize

_Record = tuple[bytes, bytes | None, Blob | None, Blob | None, bytes | None, bool]
"""Key and value (None: gone), the blob that it refers to from now on and the one that it did, the value before, and
whether that is known."""


class AreaWrites:
    """Performs operations on the index and collects the records, changes and events that come of it."""

    __slots__ = ("_blobs", "_records", "_url", "_values", "changes", "events", "staged")

    def __init__(self, values: AreaValues, blobs: BlobStore, url: str | None) -> None:
        """``url`` names the author of the events; None where nobody listens."""
        self._values = values
        self._blobs = blobs
        self._url = url
        self._records: list[_Record] = []
        self.changes: list[Change] = []
        self.events: list[StorageEvent] = []
        self.staged: list[Blob] = []

    def perform(
        self,
        area: StorageMap,
        revision: Revision,
        operations: Sequence[Operation],
        refused: list[QuotaExceededError | None] | None,
    ) -> None:
        """Raises QuotaExceededError; the caller then rewinds the revision. With ``refused`` it goes on without the
        operation, which has changed nothing."""
        if refused is None:
            for operation in operations:
                self._perform(area, revision, operation)
            return
        for operation in operations:
            staged = len(self.staged)
            try:
                self._perform(area, revision, operation)
            except QuotaExceededError as error:
                while len(self.staged) > staged:
                    self._blobs.redeem(self.staged.pop())
                area.note_refusal([operation])
                refused.append(error)
            else:
                refused.append(None)

    def _perform(self, area: StorageMap, revision: Revision, operation: Operation) -> None:
        if isinstance(operation, SetItem):
            self._set(area, revision, operation)
        elif isinstance(operation, RemoveItem):
            self._remove(area, revision, operation.key)
        else:
            self._clear(area, revision)

    def add_to(self, mutation: Mutation) -> None:
        """Writes the records."""
        for record_key, value, blob, replaced, before, is_known in self._records:
            if replaced is not None and replaced != blob:
                mutation.release(replaced.digest, record_key)
            if value is None:
                mutation.delete(record_key)
            elif is_known:
                mutation.put_over(before, record_key, value)
            else:
                mutation.put(record_key, value)
            if blob is not None:
                mutation.refer(blob, record_key)

    def _set(self, area: StorageMap, revision: Revision, operation: SetItem) -> None:
        value, text = self._encoded(operation.value)
        key, old, new = area.set(revision, operation.key, text, value, named_property=operation.named_property)
        # The same value again is written again, so that its acknowledgement is worth as much as any other.
        blob = text.data if isinstance(text.data, Blob) else None
        if old is None:
            self._records.append((new.record_key, pack(new.sequence, text), blob, None, None, True))
        else:
            is_known = old.blob is None and old.value is not None
            before = old.record() if is_known else None
            self._records.append((new.record_key, pack(new.sequence, text), blob, old.blob, before, is_known))
        if old is new:
            return
        self.changes.append(Change(key, old is not None, True))
        if value is not None:
            self._values.keep(new, value)
        if self._url is not None:
            was = None if old is None else self._values.of(old)
            self._tell(key, was, self._values.of(new) if value is None else value)

    def _remove(self, area: StorageMap, revision: Revision, key: str) -> None:
        key, old = area.remove(revision, key)
        if old is None:
            return
        self._records.append((old.record_key, None, None, old.blob, None, False))
        self.changes.append(Change(key, True, False))
        if self._url is not None:
            self._tell(key, self._values.of(old), None)

    def _clear(self, area: StorageMap, revision: Revision) -> None:
        gone = area.clear(revision)
        self._values.hold(revision, gone)
        for item in gone.values():
            self._records.append((item.record_key, None, None, item.blob, None, False))
        if gone:
            self.changes.append(Change(None, True, False))
            if self._url is not None:
                self._tell(None, None, None)

    def _encoded(self, value: str | EncodedText) -> tuple[str | None, EncodedText]:
        if isinstance(value, str):
            plain, text = normalize(value)
        elif isinstance(value.data, Blob):
            return None, value
        else:
            plain, text = decode(value.width, value.data), value
        if text.byte_length > INLINE_LIMIT:
            assert isinstance(text.data, bytes)
            blob = self._blobs.stage(text.data)
            self.staged.append(blob)
            text = EncodedText(text.width, text.units, blob)
        return plain, text

    def _tell(self, key: str | None, old_value: str | None, new_value: str | None) -> None:
        assert self._url is not None
        self.events.append(StorageEvent(key, old_value, new_value, self._url, "localStorage"))
