"""What every IndexedDB must do with connections: open, tell, close, delete."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from ...errors import AbortError, InvalidStateError, VersionError
from ...model_io.store import AsyncStore
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from ...storage_backends.indexed_db.idb_transaction import IDBTransaction
from .shop import make_shop


class DatabaseConnections:
    """Needs fixtures ``opening``, ``factory`` and ``shop``, a database with `BOOKS`."""

    async def test_a_database_is_made_listed_and_deleted(self, factory: IDBFactory) -> None:
        assert await factory.databases() == []
        with await factory.open("shop", 2, upgrade=make_shop) as db:
            assert (db.name, db.version, db.object_store_names) == ("shop", 2, ["books", "log"])
            assert await factory.databases() == [("shop", 2)]
        request = factory.delete_database("shop")
        await request
        assert (request.old_version, await factory.databases()) == (2, [])

    async def test_an_older_version_is_refused(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        (await factory.open("shop")).close()
        shop.close()
        (await factory.open("shop", 5)).close()
        with pytest.raises(VersionError, match="less than the existing version"):
            await factory.open("shop", 4)

    @pytest.mark.parametrize("turns", [1, 2, 3, 10, 30])
    async def test_an_open_that_is_cancelled_leaves_no_connection(self, factory: IDBFactory, turns: int) -> None:
        async def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            await db.create_object_store("s").put(1, 1)

        async def opened(request: Any) -> Any:
            return await request

        request = factory.open("d", 1, upgrade=upgrade)
        task = asyncio.create_task(opened(request))
        for _ in range(turns):
            await asyncio.sleep(0)
        is_open = task.done()
        task.cancel()
        await asyncio.wait([task])
        if is_open:
            task.result().close()
        async with asyncio.timeout(20):
            await factory.delete_database("d")

    async def test_an_open_that_somebody_else_awaits_is_not_cancelled(self, factory: IDBFactory) -> None:
        async def opened(request: Any) -> Any:
            return await request

        request = factory.open("d", 1, upgrade=make_shop)
        tasks = [asyncio.create_task(opened(request)) for _ in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        with await tasks[1] as db:
            assert db.object_store_names == ["books", "log"]
            assert await request is db

    async def test_an_asynchronous_listener_may_close_before_others_are_blocked(self, factory: IDBFactory) -> None:
        async def close(event: Any) -> None:
            await asyncio.sleep(0)
            event.target.close()

        blocked: list[Any] = []
        db = await factory.open("shop", 1, upgrade=make_shop, versionchange=close)
        await factory.delete_database("shop", blocked=blocked.append)
        assert (blocked, db.is_closing) == ([], True)

    async def test_other_connections_are_told(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        events: list[tuple[int, int | None]] = []

        def close(event: Any) -> None:
            events.append((event.old_version, event.new_version))
            watching.close()

        watching = await factory.open("shop", versionchange=close)
        shop.close()
        (await factory.open("shop", 2)).close()
        assert (events, watching.is_closing) == ([(1, 2)], True)

    async def test_closing_the_store_settles_what_is_under_way(
        self, opening: AbstractAsyncContextManager[AsyncStore]
    ) -> None:
        async with opening as store:
            factory = store.indexed_db()
            db = await factory.open("shop", 1, upgrade=make_shop)
            held = db.transaction("log", "readwrite")
            held.hold()
            await held.object_store("log").put(1)
            waiting = db.transaction("log", "readwrite")
            put, opened = waiting.object_store("log").put(1), factory.open("shop", 2)
        for settled in (held.done, put, waiting.done, opened):
            with pytest.raises(AbortError):
                async with asyncio.timeout(20):
                    await settled
        with pytest.raises(InvalidStateError):
            db.transaction("log")
