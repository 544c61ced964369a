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
    del db
    while not connection.is_closed:
        gc.collect()  # which finds it once the loop and the committing thread have forgotten it
        assert not connection.is_closing
        await asyncio.sleep(0)


async def test_who_waits_for_a_forgotten_connection_goes_on(databases):
    factory = IDBFactory(databases)
    db = await factory.open("d", 1, upgrade=make)
    blocked = asyncio.Event()
    deletion = factory.delete_database("d", blocked=lambda _: blocked.set())
    await blocked.wait()
    del db
    while deletion.ready_state == "pending":
        with databases.locks._mutex, databases.mutex:
            gc.collect()  # which finds it once the loop and the committing thread have forgotten it
        await asyncio.sleep(0)
    assert await factory.databases() == []
