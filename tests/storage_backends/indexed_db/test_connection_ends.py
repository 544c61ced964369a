"""How connections end without a word from their owners: forgotten, with their loop, with their store."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import pytest
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.errors import AbortError, InvalidStateError
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


# -- With their loop ------------------------------------------------------------------------------------------------


def run(coroutine, close=True):
    """As ``asyncio.run`` does it, or without a word to the loop before it is closed."""
    if close:
        return asyncio.run(coroutine)
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


def leave_open(databases, kept):
    """A coroutine that ends as a page's script may: with a transaction that still has something to do."""

    async def leave():
        db = await IDBFactory(databases).open("d", 1, upgrade=make)
        tx = db.transaction("s", "readwrite")
        kept.extend((db, tx))
        tx.object_store("s").put("never", 1)

    return leave()


async def written(databases):
    with await IDBFactory(databases).open("d", 1, upgrade=make) as db:
        async with asyncio.timeout(10), db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").add("other", 2)
            return await tx.object_store("s").get_all_keys()


each_end = pytest.mark.parametrize("orderly", [True, False], ids=["run", "closed"])


@each_end
def test_a_loop_that_has_ended_keeps_no_lock(databases, orderly):
    kept = []
    run(leave_open(databases, kept), orderly)
    assert asyncio.run(written(databases)) == [2]
    assert kept[0].is_closing or not orderly


@each_end
def test_a_closed_connection_whose_transaction_goes_on_keeps_no_lock_after_its_loop(databases, orderly):
    kept = []

    async def leave():
        await leave_open(databases, kept)
        kept[0].close()

    run(leave(), orderly)

    async def delete():
        await asyncio.wait_for(_awaited(IDBFactory(databases).delete_database("d")), 10)

    asyncio.run(delete())


@each_end
def test_work_that_is_not_a_front_ends_waits_for_no_loop_that_has_ended(databases, orderly):
    kept = []
    run(leave_open(databases, kept), orderly)
    assert databases.transact("d", ["s"], "readwrite", lambda tx: tx.count("s")).result(10) == 0


@each_end
def test_an_upgrade_that_its_loop_did_not_finish_is_taken_back(databases, orderly):
    async def leave():
        begun = asyncio.Event()

        def upgrade(db, tx, old, new):
            db.create_object_store("s")
            tx.hold()
            begun.set()

        kept.append(IDBFactory(databases).open("d", 1, upgrade=upgrade))
        await begun.wait()

    kept = []
    run(leave(), orderly)
    assert asyncio.run(written(databases)) == [2]


@each_end
def test_a_request_to_open_that_waits_ends_with_its_loop(databases, orderly):
    """It waits for a connection, and others would wait for it."""

    async def upgrade_in_vain():
        blocked = asyncio.Event()
        kept.append(IDBFactory(databases).open("d", 2, blocked=lambda _: blocked.set()))
        await blocked.wait()

    async def main():
        with await IDBFactory(databases).open("d", 1, upgrade=make):
            await asyncio.to_thread(run, upgrade_in_vain(), orderly)
            with await asyncio.wait_for(_awaited(IDBFactory(databases).open("d")), 10) as db:
                return db.version

    kept = []
    assert asyncio.run(main()) == 1


def test_who_waits_already_goes_on_when_the_loop_in_its_way_ends(databases):
    async def leave():
        await leave_open(databases, kept)
        kept[1].hold()
        is_open.set()
        await asyncio.to_thread(is_waited_for.wait)

    async def wait():
        with await IDBFactory(databases).open("d") as db:
            async with asyncio.timeout(10):
                tx = db.transaction("s", "readwrite")
                request = tx.object_store("s").count()
                is_waited_for.set()
                return await request

    kept, is_open, is_waited_for = [], threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(leave(),))
    thread.start()
    is_open.wait()
    assert asyncio.run(wait()) == 0
    thread.join()


def test_a_front_end_whose_loop_ends_is_told(databases):
    async def main():
        with await IDBFactory(databases).open("d", 1, upgrade=make) as db:
            tx = db.transaction("s", "readwrite")
            tx.hold()
            request = tx.object_store("s").put("never", 1)
            await asyncio.get_running_loop().shutdown_asyncgens()
            with pytest.raises(AbortError, match="event loop has ended"):
                await tx.done
            with pytest.raises(AbortError):
                await request
            return db.is_closing

    assert asyncio.run(main())


def test_loops_that_have_closed_all_they_had_are_not_kept(databases):
    async def use():
        (await IDBFactory(databases).open("d", 1, upgrade=make)).close()
        return weakref.ref(asyncio.get_running_loop())

    loops = [run(use(), close=False) for _ in range(10)]
    deadline = time.monotonic() + 10
    while sum(loop() is not None for loop in loops) > 1:  # the committing thread lets go of the first one in its time
        assert time.monotonic() < deadline
        time.sleep(0.01)
        gc.collect()


# -- With their store -----------------------------------------------------------------------------------------------


async def _awaited(request):
    return await request


async def test_what_is_under_way_is_settled_when_the_store_is_closed(databases):
    factory = IDBFactory(databases)
    db = await factory.open("d", 1, upgrade=make)
    held, waiting = db.transaction("s", "readwrite"), db.transaction("s", "readwrite")
    held.hold()
    await held.object_store("s").put(1, 1)
    request = waiting.object_store("s").put(1, 1)
    openings = [factory.open("d", 2), factory.open("d", 3), factory.delete_database("d")]
    await asyncio.sleep(0)
    databases.close()
    for settled in (held.done, waiting.done, request, *openings):
        with pytest.raises(AbortError, match=r"store was closed|transaction was aborted"):
            await asyncio.wait_for(_awaited(settled), 10)
    assert (held.error.message, waiting.error.message) == ("The store was closed.",) * 2
    for refused in (factory.open("d"), factory.open("new"), factory.delete_database("d"), factory.databases()):
        with pytest.raises(AbortError, match="store was closed"):
            await refused
    with pytest.raises(InvalidStateError):
        db.transaction("s")


@pytest.mark.parametrize("is_begun", [True, False])
async def test_an_upgrade_is_taken_back_when_the_store_is_closed(databases, is_begun):
    begun = asyncio.Event()

    async def upgrade(db, tx, old, new):
        begun.set()
        await asyncio.Event().wait()

    factory = IDBFactory(databases)
    holder = await factory.open("d", 1, upgrade=make)
    tx = holder.transaction("s", "readwrite")
    tx.hold()
    holder.close()
    request = factory.open("d", 2, upgrade=upgrade)
    if is_begun:
        tx.release(None)
        await begun.wait()
    else:
        await asyncio.sleep(0)
    databases.close()
    with pytest.raises(AbortError):
        await asyncio.wait_for(_awaited(request), 10)


def test_a_closed_store_ends_what_is_under_way_in_other_threads(databases):
    async def main():
        db = await IDBFactory(databases).open("d", 1, upgrade=make)
        tx = db.transaction("s", "readwrite")
        tx.hold()
        is_open.set()
        await tx.done

    is_open, problems = threading.Event(), []

    def work():
        try:
            asyncio.run(asyncio.wait_for(main(), 10))
        except AbortError as problem:
            problems.append(problem.message)

    thread = threading.Thread(target=work)
    thread.start()
    is_open.wait()
    databases.close()
    thread.join()
    assert problems == ["The store was closed."]
