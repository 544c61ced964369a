"""The Storage interface, awaited.

https://html.spec.whatwg.org/multipage/webstorage.html#the-storage-interface
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from .arguments import as_index, as_items, as_key, as_value
from .backend import AreaBackend, AsyncStorageBackend
from .operations import Clear, Operation, RemoveItem, SetItem, is_large


class AsyncStorage:
    """Storage for asynchronous code: the same rules and errors, no mapping protocol, and ``length`` is a method.

    Each call is atomic and done once its await returns; ``update`` is one atomic batch. Keys and values are str:
    anything else is a TypeError.
    """

    __slots__ = ("_backend",)

    def __init__(self, backend: AsyncStorageBackend) -> None:
        self._backend = backend

    async def length(self) -> int:
        """How many items there are."""
        return await self._backend.length()

    async def key(self, index: float) -> str | None:
        """The key at ``index`` (ToUint32) in the browser's order, or None past the end."""
        return await self._backend.key(as_index(index))

    async def get_item(self, key: str) -> str | None:
        """The item's value, or None."""
        return await self._backend.get_item(as_key(key))

    async def set_item(self, key: str, value: str) -> None:
        """Sets an item. Raises QuotaExceededError: then the item keeps the value it had."""
        await self._backend.apply((SetItem(as_key(key), as_value(value)),))

    async def remove_item(self, key: str) -> None:
        """Removes an item; nothing happens where there is none."""
        await self._backend.apply((RemoveItem(as_key(key)),))

    async def clear(self) -> None:
        """Removes all items."""
        await self._backend.apply((Clear(),))

    async def keys(self) -> list[str]:
        """All keys in the browser's order."""
        return await self._backend.keys()

    async def items(self) -> list[tuple[str, str]]:
        """All items of one moment in the browser's order."""
        return await self._backend.items()

    async def update(self, other: Mapping[str, str] | Iterable[tuple[str, str]] = (), /, **named: str) -> None:
        """Sets several items, all or none. Raises QuotaExceededError, naming the first that does not fit."""
        assignments = as_items(other, named)
        if assignments:
            await self._backend.apply(assignments)


class AsyncAreaBackend:
    """One client of an area in this process. Reads are answered inline, writes await their commit.

    This layer knows no event loop: ``wrap`` makes a future awaitable on the running one (``asyncio.wrap_future``), and
    ``in_thread`` runs what writes a large value off it (``asyncio.to_thread``; without, the loop waits for the file).
    """

    __slots__ = ("_backend", "_in_thread", "_wrap")

    def __init__(
        self,
        backend: AreaBackend,
        wrap: Callable[[Future[None]], Awaitable[None]],
        in_thread: Callable[[Callable[[], Future[None]]], Awaitable[Future[None]]] | None = None,
    ) -> None:
        self._backend = backend
        self._wrap = wrap
        self._in_thread = in_thread

    async def apply(self, operations: Sequence[Operation]) -> None:
        if self._in_thread is not None and any(map(is_large, operations)):
            committed = await self._in_thread(partial(self._backend.submit, operations))
        else:
            committed = self._backend.submit(operations)
        if not committed.done():
            await self._wrap(committed)
        committed.result()

    async def get_item(self, key: str) -> str | None:
        return self._backend.get_item(key)

    async def key(self, index: int) -> str | None:
        return self._backend.key(index)

    async def length(self) -> int:
        return self._backend.length()

    async def keys(self) -> list[str]:
        return self._backend.keys()

    async def items(self) -> list[tuple[str, str]]:
        return self._backend.items()
