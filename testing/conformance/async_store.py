"""What every ``tfjsd.AsyncStore`` must do: what a Store does, awaited, and what only asynchronous code can ask for.

>>> class TestMyStore(AsyncStoreConformance):
...     @pytest.fixture
...     def opening(self):
...         return open_my_store()  # an asynchronous context manager
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import pytest

from ...errors import StoreClosedError
from ...model_io.store import AsyncStore, Store, StoreEvent
from .models import INGEST, example
from .store import StoreConformance


class AwaitedStorage:
    """An AsyncStorage, each call of which is awaited at once."""

    def __init__(self, storage: Any, run: Callable[[Any], Any]) -> None:
        self._storage = storage
        self._run = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: self._run(getattr(self._storage, name)(*arguments))

    @property
    def length(self) -> int:
        return cast(int, self._run(self._storage.length()))

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[str]:
        return iter(self._run(self._storage.keys()))

    def keys(self) -> list[str]:
        return cast("list[str]", self._run(self._storage.keys()))

    def __getitem__(self, key: str) -> str:
        return cast(str, self._run(self._storage.get_item(key)))

    def __setitem__(self, key: str, value: str) -> None:
        self._run(self._storage.set_item(key, value))

    def update(self, items: Mapping[str, str]) -> None:
        self._run(self._storage.update(items))


class AwaitedStore:
    """An AsyncStore as a Store: the suite for the one is then the suite for the other."""

    def __init__(self, store: AsyncStore, run: Callable[[Any], Any]) -> None:
        self._store = store
        self._await = run

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments, **options: self._await(getattr(self._store, name)(*arguments, **options))

    @property
    def origin(self) -> str:
        return self._store.origin

    def local_storage(self) -> AwaitedStorage:
        return AwaitedStorage(self._store.local_storage(), self._await)

    def with_origin(self, origin: str) -> AwaitedStore:
        return AwaitedStore(self._store.with_origin(origin), self._await)

    def events(self, *, own: bool = True) -> Iterator[StoreEvent]:
        events = self._in_loop(lambda: self._store.events(own=own))
        self._await(events.__aenter__())
        return self._taken(events)

    def close(self) -> None:
        self._await(self._store.aclose())

    def __enter__(self) -> AwaitedStore:
        self._await(self._store.__aenter__())
        return self

    def __exit__(self, *exc: object) -> None:
        self._await(self._store.__aexit__(*exc))

    def _in_loop(self, function: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return function()

        return self._await(call())

    def _taken(self, events: Any) -> Iterator[StoreEvent]:
        try:
            while True:
                yield self._await(anext(events))
        finally:
            self._await(events.aclose())


class AsyncStoreConformance(StoreConformance):
    """Inherit, and provide a fixture ``opening``: an asynchronous context manager that gives the store."""

    @pytest.fixture
    def runner(self) -> Iterator[asyncio.Runner]:
        with asyncio.Runner() as runner:
            yield runner

    @pytest.fixture
    def async_store(
        self, runner: asyncio.Runner, opening: AbstractAsyncContextManager[AsyncStore]
    ) -> Iterator[AsyncStore]:
        async def enter() -> AsyncStore:
            return await opening.__aenter__()

        async def leave() -> None:
            await opening.__aexit__(None, None, None)

        yield runner.run(enter())
        runner.run(leave())

    @pytest.fixture
    def store(self, runner: asyncio.Runner, async_store: AsyncStore) -> Store:
        async def awaited(awaitable: Any) -> Any:
            return await awaitable

        def run(awaitable: Any) -> Any:
            loop = runner.get_loop()
            if loop.is_running():  # called from another thread, in the middle of something
                return asyncio.run_coroutine_threadsafe(awaited(awaitable), loop).result()
            return runner.run(awaited(awaitable))

        return cast(Store, AwaitedStore(async_store, run))

    def test_it_satisfies_the_protocol(self, store: Store) -> None:
        assert store.origin

    def test_it_satisfies_the_asynchronous_protocol(self, async_store: AsyncStore) -> None:
        assert isinstance(async_store, AsyncStore)

    def test_the_quota_is_exact(self, store: Store) -> None:
        """An AsyncStorage has no named properties; the rest is the Store's test."""
        storage = store.local_storage()
        storage.set_item("k", "x" * ((5 << 20) - 1))
        with pytest.raises(Exception, match="Failed to execute 'setItem' on 'Storage'"):
            storage.set_item("l", "")
        assert list(storage) == ["k"]

    def test_many_at_once(self, runner: asyncio.Runner, async_store: AsyncStore) -> None:
        async def work() -> None:
            await asyncio.gather(*(async_store.save(f"indexeddb://{i}", example(i + 1)) for i in range(20)))
            loaded = await asyncio.gather(*(async_store.load(f"indexeddb://{i}") for i in range(20)))
            assert loaded == [example(i + 1) for i in range(20)]

        runner.run(work())

    def test_events_are_subscribed_for_a_block(self, runner: asyncio.Runner, async_store: AsyncStore) -> None:
        async def work() -> None:
            async with async_store.events() as events:
                await async_store.save("indexeddb://a", example())
                assert (await anext(events)).data["url"] == "indexeddb://a"
            await events.aclose()
            await async_store.save("indexeddb://b", example())
            with pytest.raises(StopAsyncIteration):
                await anext(events)
            await async_store.events().aclose()

        runner.run(work())

    @pytest.mark.parametrize("turns", [0, 1, 2, 5, 10, 20])
    def test_a_cancelled_save_is_whole_or_absent(
        self, runner: asyncio.Runner, async_store: AsyncStore, turns: int
    ) -> None:
        async def work() -> None:
            saving = asyncio.ensure_future(async_store.save("indexeddb://a", example(INGEST)))
            for _ in range(turns):
                await asyncio.sleep(0)
            saving.cancel()
            await asyncio.gather(saving, return_exceptions=True)
            if "indexeddb://a" in await async_store.list_models():
                assert await async_store.load("indexeddb://a") == example(INGEST)
            await async_store.save("indexeddb://b", example())
            assert await async_store.load("indexeddb://b") == example()

        runner.run(work())

    def test_closing_twice_and_using_afterwards(self, store: Store) -> None:
        store.close()
        store.close()
        with pytest.raises(StoreClosedError):
            store.list_models()
