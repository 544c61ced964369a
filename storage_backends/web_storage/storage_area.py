"""One origin's localStorage, on its bucket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from ...errors import QuotaExceededError, StoreFailedError
from ..abc import INLINE_LIMIT, Blob, Durability
from ..browsers import Browser
from ..buckets import Bucket
from ..catalogue import share_of
from ..mutation import Mutation
from .area_values import AreaValues
from .area_writes import AreaWrites
from .items import Item, Revision
from .key_order.orders import key_order
from .listeners import Listeners
from .loading import load_items
from .operations import Change, Clear, Operation, RemoveItem, SetItem, is_large
from .records import inline_record
from .storage_event import StorageEvent, StorageListener
from .storage_map import StorageMap
from .text import EncodedText, decode, encoded, normalize

_SHORT = INLINE_LIMIT // 2
"""Characters: as many may all take two units of two bytes."""


class StorageArea:
    """The items of an origin: thread-safe, durable, with one browser's quota and key order.

    Every group of operations happens wholly or not at all; one that is refused, or whose commit fails, leaves no trace.
    ``source`` identifies a client (any object): it sees its own changes at once and hears no events of them; other
    clients see a change, and hear of it, once it is committed. A reader without a source sees whatever is sequenced.
    ``url`` is what events name as their author, by default the origin's root. Reading creates nothing.
    """

    def __init__(self, bucket: Bucket, browser: Browser) -> None:
        self._bucket = bucket
        self._rules = browser.web_storage
        self._map: StorageMap | None = None
        self._pending: list[Revision] = []
        self._values = AreaValues(bucket)
        self._listeners = Listeners()
        self._generation = 0
        self._room: Callable[[int], bool] | None = None

    @property
    def generation(self) -> int:
        """Grows with every change, and when one is taken back."""
        return self._generation

    # -- Reading -------------------------------------------------------------------------------------------------------

    def get_item(self, key: str, *, source: object = None) -> str | None:
        """The item's value, or None. Raises CorruptionError naming what is damaged."""
        value = self.at_hand(key)
        return self._value_for(source, key) if value is None else value

    def at_hand(self, key: str) -> str | None:
        """The item's value, if it is in memory and no change is pending: then all clients see the same. None: ask
        ``get_item``."""
        if (area := self._map) is None or (item := area.items.get(key)) is None or self._pending:
            return None  # in this order: a change is announced in _pending before its item can be seen
        return item.value

    def value_units(self, key: str) -> int:
        """UTF-16 code units of the newest value, 0 where there is no item; once the area is loaded, from memory."""
        item = (self._map or self._loaded()).items.get(key)
        return 0 if item is None else item.units

    def key(self, index: int, *, source: object = None) -> str | None:
        """The key at ``index`` in the browser's order, or None where there is none."""
        with self._bucket.locked():
            keys = self._keys_for(source)
            return keys[index] if 0 <= index < len(keys) else None

    def keys(self, *, source: object = None) -> list[str]:
        """All keys in the browser's order."""
        with self._bucket.locked():
            return self._keys_for(source).copy()

    def items(self, *, source: object = None) -> list[tuple[str, str]]:
        """All items of one moment, in the browser's order."""
        with self._bucket.locked():
            found = [(key, self.get_item(key, source=source)) for key in self._keys_for(source)]
        return [(key, value) for key, value in found if value is not None]

    def length(self, *, source: object = None) -> int:
        """How many items there are."""
        with self._bucket.locked():
            hidden = self._hiding(source)
            return len(hidden[-1].keys() if hidden else self._loaded().items)

    def used(self) -> int:
        """What keys and values count, in the browser's unit."""
        with self._bucket.locked():
            return self._loaded().total

    def units(self) -> int:
        """UTF-16 code units of all keys and values, whatever the browser counts."""
        with self._bucket.locked():
            return sum(normalize(key)[1].units + item.units for key, item in self._loaded().items.items())

    def stored(self, key: str) -> EncodedText | None:
        """The value as it is stored, in memory or as a blob, to be copied without decoding; None for no item."""
        with self._bucket.locked():
            _, item = self._loaded().find(key)
            return None if item is None else self._values.encoded(item)

    def keys_in_new_process(self) -> list[str]:
        """The keys as a process that opens the origin now lists them (``keys`` is what the running page sees)."""
        with self._bucket.locked():
            area = self._loaded()
            table = key_order(self._rules.key_order).new_process_table(area.by_last_set())
            return table.keys()

    # -- Changing ------------------------------------------------------------------------------------------------------

    def set_item(
        self,
        key: str,
        value: str,
        durability: Durability = "strict",
        *,
        source: object = None,
        url: str = "",
    ) -> Future[None]:
        """Sets an item. Raises QuotaExceededError at once; the future resolves when the change is committed."""
        if self.set_at_once(key, value, durability):
            return _DONE
        return self.submit([SetItem(key, value)], durability, source=source, url=url)

    def remove_item(
        self, key: str, durability: Durability = "strict", *, source: object = None, url: str = ""
    ) -> Future[None]:
        """Removes an item, if it is there."""
        return self.submit([RemoveItem(key)], durability, source=source, url=url)

    def clear(self, durability: Durability = "strict", *, source: object = None, url: str = "") -> Future[None]:
        """Removes all items."""
        return self.submit([Clear()], durability, source=source, url=url)

    def submit(
        self,
        operations: Sequence[Operation],
        durability: Durability = "strict",
        *,
        source: object = None,
        url: str = "",
    ) -> Future[None]:
        """Carries the operations out as one mutation of their own.

        Raises at once what is known at once: QuotaExceededError; StoreFailedError where the commit ran in this thread.
        Else the future resolves, or fails, as Mutation.future does.
        """
        prepared = operations
        try:
            prepared = self.prepare(operations)
            with self._bucket.mutate(durability, inline=True) as mutation:
                self.apply(mutation, prepared, source=source, url=url)
        except QuotaExceededError:
            self.discard(prepared)
            with self._bucket.locked():
                self._loaded().note_refusal(operations)
            raise
        except BaseException:
            self.discard(prepared)
            raise
        return mutation.future

    def set_at_once(self, key: str, value: str, durability: Durability = "strict") -> bool:
        """The short way of one short item into a bucket where nothing else is going on: committed on return.

        False, with nothing done, where that is not open (a value that needs a sync, or may be refused, a listener, …):
        ``submit`` then does it, or says why not. Raises StoreFailedError.
        """
        if type(key) is not str or type(value) is not str or len(value) > _SHORT:
            return False
        with self._bucket.mutex:
            area, text = self._map, encoded(value)
            if area is None or text is None or self._pending or self._listeners.entries:
                return False
            item = area.short_item(key)
            if item is None or item.value == value:
                return False
            width, data = text
            size = area.room_for(item, width, len(data) // width)
            if size is None or not self._put_alone(item, inline_record(area.sequence + 1, width, data), durability):
                return False
            area.put(key, item, size)
            self._values.replace(item, value, width, len(data) // width)
            self._generation += 1
        return True

    def _put_alone(self, item: Item, record: bytes, durability: Durability) -> bool:
        """Commits an item's new record and notes its share."""
        if self._bucket.is_in_memory and self._bucket.put_late(item.record_key, record):
            item.share = None
            return True
        replaced = item.share
        if replaced is None:
            replaced = share_of(item.record_key, item.record())
        try:
            share = self._bucket.put_alone(item.record_key, record, replaced, durability)
        except StoreFailedError as error:
            if error.outcome == "unknown":
                self._bucket.take_back({item.record_key: item.record() if item.sequence else None})
            raise
        if share is None:
            return False
        item.share = share
        return True

    def prepare(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        """The operations with large values staged as blobs: what to do before the bucket's mutex is taken.

        Raises QuotaExceededError, before anything is staged, where the operations would be refused as things are. What
        is not applied afterwards has to be discarded.
        """
        if not any(is_large(operation) for operation in operations):
            return operations
        encoded = [_encoded(operation) for operation in operations]
        with self._bucket.locked():
            self._rehearse(encoded)
        prepared: list[Operation] = []
        try:
            prepared.extend(map(self._staged, encoded))
        except BaseException:
            self.discard(prepared)
            raise
        return prepared

    def discard(self, operations: Sequence[Operation]) -> None:
        """Gives up what ``prepare`` staged; nothing for what was committed."""
        for operation in operations:
            if isinstance(operation, SetItem) and isinstance(operation.value, EncodedText):
                self._redeem(operation.value)

    def apply(
        self,
        mutation: Mutation,
        operations: Sequence[Operation],
        *,
        source: object = None,
        url: str = "",
        refused: list[QuotaExceededError | None] | None = None,
    ) -> list[Change]:
        """Adds the operations to a mutation of this bucket, all or nothing; returns what they change.

        Undone if the mutation fails. Raises QuotaExceededError, with nothing changed and nothing added to the mutation;
        with ``refused`` each operation stands by itself: the list gets what each would raise, or None. Values above the
        inline limit should be prepared: others are staged here, under the mutex.
        """
        with self._bucket.locked():
            area = self._loaded()
            revision = area.begin(source)
            told_as = (url or f"{self._bucket.origin}/") if self._listeners.entries else None
            writes = AreaWrites(self._values, self._bucket.blobs, told_as)
            self._pending.append(revision)
            try:
                writes.perform(area, revision, operations, refused)
            except BaseException:
                area.rewind(revision)
                self._settle(revision)
                for blob in writes.staged:
                    self._bucket.blobs.redeem(blob)
                raise
            writes.add_to(mutation)
            if writes.changes:
                self._register(mutation, revision, writes.events)
            else:
                self._pending.remove(revision)
            return writes.changes

    def end_task(self) -> None:
        """Ends the running task, as far as the quota knows tasks (Firefox: room freed in it is given back)."""
        with self._bucket.locked():
            self._loaded().end_task()

    def share_quota(self, has_room: Callable[[int], bool]) -> None:
        """Asks ``has_room(growth)`` too before the area grows, for browsers whose bucket counts localStorage."""
        with self._bucket.locked():
            self._room = has_room
            if self._map is not None:
                self._map.room = has_room

    def close(self) -> None:
        """Forgets what was read, once the bucket is closed: every read raises StoreClosedError from then on."""
        with self._bucket.locked():
            self._map = None

    def subscribe(self, listener: StorageListener, *, source: object = None) -> Callable[[], None]:
        """Calls the listener with each StorageEvent, after the commit, but for changes by ``source`` itself.

        Returns what ends the subscription. The listener runs in the committing thread: it must not block.
        """
        return self._listeners.add(listener, source)

    # -- Inside; under the mutex ---------------------------------------------------------------------------------------

    def _loaded(self) -> StorageMap:
        if self._map is None:
            with self._bucket.locked():
                if self._map is None:
                    area = load_items(self._bucket, self._rules, self._values)
                    area.room = self._room
                    self._map = area
        return self._map

    def _register(self, mutation: Mutation, revision: Revision, events: list[StorageEvent]) -> None:
        self._generation += 1
        for blob in revision.blobs():
            self._bucket.blobs.pin(blob.digest)
            revision.pinned.append(blob)
        mutation.on_undo(partial(self._undo, revision))
        mutation.on_commit(partial(self._committed, revision, events))

    def _undo(self, revision: Revision) -> None:
        self._loaded().rewind(revision)
        self._generation += 1
        self._settle(revision)

    def _committed(self, revision: Revision, events: list[StorageEvent]) -> None:
        with self._bucket.locked():
            self._settle(revision)
        self._listeners.tell(events, revision.source)

    def _settle(self, revision: Revision) -> None:
        self._pending.remove(revision)
        for blob in revision.pinned:
            self._bucket.blobs.unpin(blob.digest)
        if revision.snapshot is not None:
            revision.snapshot.close()
        self._values.trim()

    def _hiding(self, source: object) -> list[Revision]:
        """The pending revisions that ``source`` must not see: the others' after its own last one, newest first."""
        hidden: list[Revision] = []
        if source is not None:
            for revision in reversed(self._pending):
                if revision.source is source:
                    break
                hidden.append(revision)
        return hidden

    def _value_for(self, source: object, key: str) -> str | None:
        with self._bucket.locked():
            key, item = self._loaded().find(key)
            value = None
            records = None
            for revision in self._hiding(source):
                if revision.touches(key):
                    held = revision.held(key)
                    item, value = (None, None) if held is None else held
                    records = revision.snapshot
            if item is None or value is not None:
                return value
            return self._values.of(item) if records is None else self._values.read(item, records)

    def _keys_for(self, source: object) -> list[str]:
        hidden = self._hiding(source)
        return hidden[-1].keys() if hidden else self._loaded().order.keys()

    def _rehearse(self, operations: Sequence[Operation]) -> None:
        """Raises what applying the operations would raise; changes nothing."""
        area = self._loaded()
        revision = area.begin(None)
        try:
            for operation in operations:
                if isinstance(operation, SetItem):
                    value, text = _for_rehearsal(operation.value)
                    _, old, new = area.set(
                        revision, operation.key, text, value, named_property=operation.named_property
                    )
                    if new is not old:
                        new.value = value  # a later operation on the key asks for it
                elif isinstance(operation, RemoveItem):
                    area.remove(revision, operation.key)
                else:
                    area.clear(revision)
        finally:
            area.rewind(revision)

    def _staged(self, operation: Operation) -> Operation:
        if not isinstance(operation, SetItem) or not isinstance(operation.value, EncodedText):
            return operation
        text = operation.value
        if isinstance(text.data, Blob) or text.byte_length <= INLINE_LIMIT:
            return operation
        staged = EncodedText(text.width, text.units, self._bucket.blobs.stage(text.data))
        return SetItem(operation.key, staged, operation.named_property)

    def _redeem(self, text: EncodedText) -> None:
        if isinstance(text.data, Blob):
            self._bucket.blobs.redeem(text.data)


def _for_rehearsal(value: str | EncodedText) -> tuple[str | None, EncodedText]:
    """A value and its encoding; of a large one, which is not decoded for that, nothing but the size."""
    if isinstance(value, str):
        return normalize(value)
    if value.byte_length > INLINE_LIMIT:
        return None, EncodedText(value.width, value.units, Blob("", value.byte_length))
    return None if isinstance(value.data, Blob) else decode(value.width, value.data), value


def _encoded(operation: Operation) -> Operation:
    """The operation with a value that may be large encoded, once for the rehearsal, the staging and the record."""
    if isinstance(operation, SetItem) and isinstance(operation.value, str) and is_large(operation):
        return SetItem(operation.key, normalize(operation.value)[1], operation.named_property)
    return operation


_DONE: Future[None] = Future()
_DONE.set_result(None)
