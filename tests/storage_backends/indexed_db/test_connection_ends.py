"""How connections end without a word from their owners: forgotten, with their loop, with their store."""

from __future__ import annotations

import asyncio
import gc

import pytest
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory


@pytest.fixture(params=ENGINES)
def databases(request, tmp_path):
    with open_home(request.param, tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        yield store
        store.close()


def make(db, tx, old, new):
    db.create_object_store("s")


# -- Forgotten ------------------------------------------------------------------------------------------------------


async def test_the_collector_itself_closes_no_connection(databases):
    """It runs amid anything, also where the thread holds the locks that closing takes."""
    db = await IDBFactory(databases).open("d", 1, upgrade=make)
    connection = db._connection
    for _ in range(10):
        await asyncio.sleep(0)  # until the loop itself has forgotten it
    del db
    gc.collect()
    assert not connection.is_closing
    await asyncio.sleep(0)
    assert connection.is_closed


async def test_who_waits_for_a_forgotten_connection_goes_on(databases):
    factory = IDBFactory(databases)
    db = await factory.open("d", 1, upgrade=make)
    blocked = asyncio.Event()
    deletion = factory.delete_database("d", blocked=lambda _: blocked.set())
    await blocked.wait()
    del db
    with databases.locks._mutex, databases.mutex:
        gc.collect()
    await deletion
    assert await factory.databases() == []
