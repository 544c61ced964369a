"""What a Storage stands on: a local area, a session's, or a daemon's over a socket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from ..abc import Durability
from .operations import Operation, SetItem
from .storage_event import StorageListener


class StorageBackend(Protocol):
    """One client's synchronous view of a storage area."""

    @property
    def at_hand(self) -> Callable[[str], str | None]:
        """Looks a value up where that needs no more than memory; what it gives is None where ``get_item`` is to be
        asked. The same function every time."""

    def apply(self, operations: Sequence[Operation]) -> None:
        """Carries out all of the operations or, where one is refused, none. Returns when that is committed.

        Raises QuotaExceededError.
        """

    def set_item(self, key: str, value: str, *, named_property: bool = False) -> None:
        """Applies one ``SetItem``."""

    def get_item(self, key: str) -> str | None:
        """The value, or None."""

    def key(self, index: int) -> str | None:
        """The key at an index (0 to 2**32 - 1) in the browser's order, or None past the end."""

    def length(self) -> int:
        """How many items there are."""

    def keys(self) -> list[str]:
        """All keys in the browser's order."""

    def items(self) -> list[tuple[str, str]]:
        """All items of one moment in the browser's order."""


class AsyncStorageBackend(Protocol):
    """The asynchronous twin."""

    async def apply(self, operations: Sequence[Operation]) -> None: ...

    async def get_item(self, key: str) -> str | None: ...

    async def key(self, index: int) -> str | None: ...

    async def length(self) -> int: ...

    async def keys(self) -> list[str]: ...

    async def items(self) -> list[tuple[str, str]]: ...


class Area(Protocol):
    """What localStorage and sessionStorage areas have in common; see StorageArea for what each method promises."""

    def at_hand(self, key: str) -> str | None: ...

    def get_item(self, key: str, *, source: object = None) -> str | None: ...

    def key(self, index: int, *, source: object = None) -> str | None: ...

    def length(self, *, source: object = None) -> int: ...

    def keys(self, *, source: object = None) -> list[str]: ...

    def items(self, *, source: object = None) -> list[tuple[str, str]]: ...

    def submit(
        self,
        operations: Sequence[Operation],
        durability: Durability = "strict",
        *,
        source: object = None,
        url: str = "",
    ) -> Future[None]: ...

    def set_at_once(self, key: str, value: str, durability: Durability = "strict") -> bool: ...

    def subscribe(self, listener: StorageListener, *, source: object = None) -> Callable[[], None]: ...


class AreaBackend:
    """One client of an area in this process: its writes carry ``source``, its reads see them at once."""

    def __init__(self, area: Area, *, source: object = None, url: str = "", durability: Durability = "strict") -> None:
        """``url`` is what the others' StorageEvents name (default: the origin). Without a source it is one itself."""
        self.area = area
        self.at_hand = area.at_hand
        self.source: object = self if source is None else source
        self.url = url
        self.durability: Durability = durability

    def apply(self, operations: Sequence[Operation]) -> None:
        self.submit(operations).result()

    def set_item(self, key: str, value: str, *, named_property: bool = False) -> None:
        if not self.area.set_at_once(key, value, self.durability):
            self.apply((SetItem(key, value, named_property),))

    def submit(self, operations: Sequence[Operation]) -> Future[None]:
        """Starts ``apply``: raises QuotaExceededError now, the future resolves at the commit."""
        return self.area.submit(operations, self.durability, source=self.source, url=self.url)

    def get_item(self, key: str) -> str | None:
        return self.area.get_item(key, source=self.source)

    def key(self, index: int) -> str | None:
        return self.area.key(index, source=self.source)

    def length(self) -> int:
        return self.area.length(source=self.source)

    def keys(self) -> list[str]:
        return self.area.keys(source=self.source)

    def items(self) -> list[tuple[str, str]]:
        return self.area.items(source=self.source)

    def subscribe(self, listener: StorageListener) -> Callable[[], None]:
        """Calls the listener with the changes of the area's other clients; returns what ends that."""
        return self.area.subscribe(listener, source=self.source)
