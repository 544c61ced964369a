"""Of a database that is not there and that nobody uses nothing is kept in memory."""

from __future__ import annotations

import asyncio

import pytest
from idb_support.homes import ORIGIN, each_engine, open_home

from tfjsd.errors import AbortError, VersionError
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory


async def nothing_left(store: IndexedDBBackingStore) -> None:
    """A request is told its outcome a moment before the queue goes on."""
    async with asyncio.timeout(30):
        while store._queues or store.catalogue._known:
            await asyncio.sleep(0.001)


@each_engine
async def test_no_name_leaves_anything_behind(tmp_path, engine):
    with open_home(engine, tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        factory = IDBFactory(store)

        def refuse(*_: object) -> None:
            raise ValueError

        for number in range(20):
            (await factory.open(f"made-{number}", 2)).close()
            with pytest.raises(VersionError):
                await factory.open(f"made-{number}", 1)
            await factory.delete_database(f"made-{number}")
            await factory.delete_database(f"only-asked-for-{number}")
            with pytest.raises(AbortError):
                await factory.open(f"refused-{number}", 1, upgrade=refuse)
        await nothing_left(store)
        with await factory.open("kept", 1) as db:
            assert list(store._queues) == list(store.catalogue._known) == ["kept"]
            waiting = factory.delete_database("kept")
            db.close()
            await waiting
        await nothing_left(store)
        store.close()


async def test_many_threads_of_one_name_have_one_queue(tmp_path):
    """Who asks while the last one leaves is not on a queue of its own: two versions would be there at once."""
    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)

        async def open_and_delete() -> None:
            factory = IDBFactory(store)
            for _ in range(8):
                with await factory.open("d", 1, versionchange=lambda event: event.target.close()) as db:
                    assert db.version == 1
                await factory.delete_database("d")

        async with asyncio.timeout(60):
            await asyncio.gather(*(asyncio.to_thread(asyncio.run, open_and_delete()) for _ in range(4)))
        await nothing_left(store)
        store.close()
