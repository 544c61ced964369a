"""A localStorage area that also shows what a browser's processes do to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..errors import QuotaExceededError
from ..storage_backends.abc import Blob, Clock, Durability
from ..storage_backends.browsers import Browser
from ..storage_backends.buckets import Bucket
from ..storage_backends.mutation import Mutation
from ..storage_backends.web_storage.key_order.orders import key_order
from ..storage_backends.web_storage.operations import Change, Clear, Operation, SetItem
from ..storage_backends.web_storage.quota import quota_error
from ..storage_backends.web_storage.records import NAMESPACE, NAMESPACE_END, unpack
from ..storage_backends.web_storage.restart_damage import damage
from ..storage_backends.web_storage.storage_area import StorageArea
from ..storage_backends.web_storage.text import normalize
from .faults import Faults
from .firefox_snapshot import FirefoxSnapshot
from .flush_order import FlushOrder
from .tab_order import TabOrders
from .unflushed_writes import FLUSH_AFTER, UnflushedWrites


class SimulatedArea(StorageArea):
    """Faults on request, Firefox's snapshots, and what a crash or a restart loses."""

    def __init__(
        self, bucket: Bucket, browser: Browser, clock: Clock, faults: Faults, bucket_has_room: Callable[[int], bool]
    ) -> None:
        super().__init__(bucket, browser)
        self._browser = browser
        self._clock = clock
        self._faults = faults
        self._unflushed = UnflushedWrites(browser)
        self._snapshot = FirefoxSnapshot() if browser.engine == "firefox" else None
        self._author = threading.local()
        self._order = key_order(browser.web_storage.key_order)
        self._orders = TabOrders(self._order)
        self._flushes = FlushOrder(self._order, FLUSH_AFTER["firefox"]) if browser.engine == "firefox" else None
        self._bucket_has_room = bucket_has_room
        self.leaked = 0
        """What items count that a restart has lost: Firefox never stops counting them."""
        self._is_rehearsing = False
        self.share_quota(self._has_room)

    # -- Reading: an access may start a snapshot -----------------------------------------------------------------------

    def at_hand(self, key: str) -> str | None:
        """None: every access goes through ``get_item``."""
        return None

    def get_item(self, key: str, *, source: object = None) -> str | None:
        if self._snapshot is not None:
            with self._bucket.locked():
                self._enter(self._snapshot)
                self._snapshot.touch(key)
        return super().get_item(key, source=source)

    def key(self, index: int, *, source: object = None) -> str | None:
        if self._snapshot is not None:
            with self._bucket.locked():
                self._enter(self._snapshot)
        return super().key(index, source=source)

    def keys(self, *, source: object = None) -> list[str]:
        if self._snapshot is not None:
            with self._bucket.locked():
                self._enter(self._snapshot)
        return super().keys(source=source)

    def stored_bytes(self) -> int:
        """What the items take in the bucket."""
        with self._bucket.locked():
            total = 0
            for record, value in self._bucket.scan(NAMESPACE, NAMESPACE_END):
                _, text = unpack(record, value)
                total += len(record) + len(value) + (text.byte_length if isinstance(text.data, Blob) else 0)
            return total

    # -- Changing ------------------------------------------------------------------------------------------------------

    def prepare(self, operations: Sequence[Operation]) -> Sequence[Operation]:
        if self._snapshot is not None and not self._is_rehearsing:
            with self._bucket.locked():
                self._enter(self._snapshot)
        return super().prepare(operations)

    def apply(
        self,
        mutation: Mutation,
        operations: Sequence[Operation],
        *,
        source: object = None,
        url: str = "",
        refused: list[QuotaExceededError | None] | None = None,
    ) -> list[Change]:
        if source is None:
            source, url = getattr(self._author, "tab", None), getattr(self._author, "url", url)
        with self._bucket.locked():
            if self._is_rehearsing:
                return super().apply(mutation, operations, source=source, url=url, refused=refused)
            for operation in operations:
                if isinstance(operation, SetItem):
                    self._faults.check("localstorage", self._over_quota(operation))
            if self._snapshot is not None:
                self._enter(self._snapshot)
            before = self._present(operations)
            changes = super().apply(mutation, operations, source=source, url=url, refused=refused)
            for undo in self._orders.follow(changes):
                mutation.on_undo(undo)
            self._unflushed.note(self._clock.now(), before.items())
            if self._flushes is not None:
                self._flushes.note(self._clock.now(), [change.key for change in changes if change.key is not None])
            if self._snapshot is not None:
                self._follow(self._snapshot, operations, before)
            return changes

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """A block inside one of the bucket, in which no fault counts anything and nothing is noted for a crash. It
        begins with an access: Firefox's snapshot is the one that a save would work on."""
        if self._snapshot is not None:
            self._enter(self._snapshot)
        self._is_rehearsing = True
        try:
            yield
        finally:
            self._is_rehearsing = False

    @contextmanager
    def acting(self, tab: object, url: str) -> Iterator[None]:
        """What this thread's block changes without naming a source is a tab's doing: it hears no events of it."""
        self._author.tab, self._author.url = tab, url
        try:
            yield
        finally:
            del self._author.tab, self._author.url

    def set_at_once(self, key: str, value: str, durability: Durability = "strict") -> bool:
        """False: nothing takes the short way, every change goes through ``apply``."""
        return False

    # -- The end of a process ------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Takes back what the browser had not written yet."""
        self._rewrite(self._unflushed.lost(self._clock.now()))

    def restart(self) -> None:
        """Damages the keys that the engine cannot store. The area is to be opened anew afterwards."""
        with self._bucket.locked():
            keys = self._loaded().by_last_set()
            found = ((key, self._value(key)) for key in (keys if self._flushes is None else self._flushes.sorted(keys)))
            items = [(key, value) for key, value in found if value is not None]
            before = self.used()
        self._rewrite(damage(self._browser, items))
        if self._browser.engine == "firefox":
            self.leaked += before - self.used()

    def refill(self, items: Sequence[tuple[str, str]]) -> None:
        """Sets items whatever the quota and the faults say."""
        self._rewrite([SetItem(key, value) for key, value in items])

    def _rewrite(self, operations: Sequence[Operation]) -> None:
        if not operations:
            return
        with self._bucket.mutate() as mutation:
            super().apply(mutation, operations)
        mutation.future.result()

    def open_in_new_process(self, tab: object) -> None:
        """From now on the tab has a table of keys of its own."""
        with self._bucket.locked():
            self._orders.open(tab, self._loaded().by_last_set())

    # -- Inside; under the mutex ---------------------------------------------------------------------------------------

    def _keys_for(self, source: object) -> list[str]:
        keys = self._orders.keys(getattr(self._author, "tab", None) if source is None else source)
        return super()._keys_for(source) if keys is None else keys

    def _value(self, key: str) -> str | None:
        return StorageArea.get_item(self, key)

    def _present(self, operations: Sequence[Operation]) -> dict[str, str | None]:
        """The values, as they are, of all items that the operations touch."""
        keys = [operation.key for operation in operations if not isinstance(operation, Clear)]
        if len(keys) < len(operations):
            keys += self._loaded().items
        return {key: self._value(key) for key in keys}

    def _over_quota(self, operation: SetItem) -> Exception:
        return quota_error(self._rules, operation.key, self.used() + 1, named_property=operation.named_property)

    def _enter(self, snapshot: FirefoxSnapshot) -> None:
        """Starts a new snapshot where the last one has ended: its table is filled anew."""
        if self._pending or not snapshot.begins(self._clock.now()):
            return
        area = self._loaded()
        keys = area.by_last_set()
        area.order = self._order.log(lambda: keys)
        area.end_task()
        values = ((key, self._value(key)) for key in keys)
        snapshot.prefetch((key, value) for key, value in values if value is not None)

    def _follow(
        self, snapshot: FirefoxSnapshot, operations: Sequence[Operation], before: dict[str, str | None]
    ) -> None:
        for operation in operations:
            if isinstance(operation, Clear):
                snapshot.clear({key: normalize(value)[1].units for key, value in before.items() if value is not None})
            else:
                snapshot.touch(operation.key)

    def _has_room(self, growth: int) -> bool:
        limit, used = self._rules.limit, self._loaded().total
        phantom = self.leaked + (0 if self._snapshot is None else self._snapshot.phantom)
        if limit is not None and phantom and used + growth + phantom > limit:
            return False
        return self._bucket_has_room(growth)
