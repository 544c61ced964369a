"""Large binaries are hashed and synced beside the loop, and the order of requests stays what it was."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import numpy as np
import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.errors import DataCloneError, DataError, QuotaExceededError, StoreFailedError, UnknownError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db import passing_threads, staging
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

LARGE = b"x" * (INLINE_LIMIT + 1)


class Gate:
    """Holds what is being staged until it is opened; ``problem`` is then raised in its place."""

    def __init__(self, blobs, monkeypatch):
        self.opened = threading.Event()
        self.problem = None
        self.threads = []
        stage = blobs.stage

        def held(data):
            self.threads.append(threading.current_thread())
            assert self.opened.wait(60)
            if self.problem is not None:
                raise self.problem
            return stage(data)

        monkeypatch.setattr(blobs, "stage", held)


@pytest.fixture(params=ENGINES)
def bucket(request, tmp_path):
    with open_home(request.param, tmp_path) as home:
        yield home.bucket(ORIGIN)


@pytest.fixture
async def db(bucket):
    def upgrade(db, tx, old, new):
        db.create_object_store("s").create_index("n", "n")
        db.create_object_store("t", "o.id", True)

    store = IndexedDBBackingStore(bucket, CHROME)
    db = await IDBFactory(store).open("d", 1, upgrade=upgrade)
    yield db
    db.close()
    store.close()


@pytest.fixture
def gate(bucket, db, monkeypatch):
    gate = Gate(bucket.blobs, monkeypatch)
    yield gate
    gate.opened.set()


async def all_are_unpinned(bucket):
    async with asyncio.timeout(30):
        while any(bucket.blobs.is_pinned(digest) for digest, _ in bucket.blobs.digests()):
            await asyncio.sleep(0.01)


async def test_the_loop_goes_on_and_requests_stay_in_order(db, bucket, gate):
    order = []

    async def work():
        async with db.transaction("s", "readwrite") as tx:
            store = tx.object_store("s")
            requests = {
                "put": store.put({"n": 1, "data": LARGE}, 1),
                "get": store.get(1),
                "small": store.put({"n": 2}, 2),
                "count": store.index("n").count(),
                "again": store.put({"n": 1, "data": LARGE + b"2"}, 1),
                "last": store.get(1),
            }
            for name, request in requests.items():
                request.add_done_callback(lambda _, name=name: order.append(name))
            results = [await request for request in requests.values()]
            assert bytes(results[1]["data"]) == LARGE
            assert results[3] == 2
            assert bytes(results[5]["data"]) == LARGE + b"2"

    task = asyncio.create_task(work())
    async with db.transaction("t", "readwrite") as other:  # meanwhile
        assert await other.object_store("t").put({}) == 1
    assert order == []
    gate.opened.set()
    await task
    assert order == ["put", "get", "small", "count", "again", "last"]
    assert threading.main_thread() not in gate.threads
    await all_are_unpinned(bucket)
    assert disagreements(bucket) == []


async def test_what_is_put_is_what_it_was_at_the_call(db, gate):
    array, data = np.arange(INLINE_LIMIT, dtype="f4"), bytearray(LARGE)
    async with db.transaction("s", "readwrite") as tx:
        tx.object_store("s").put({"array": array, "data": data}, 1)
        array[:], data[:] = 0, b"y" * len(data)
        gate.opened.set()
    found = await db.transaction("s").object_store("s").get(1)
    assert (found["array"] == np.arange(INLINE_LIMIT, dtype="f4")).all()
    assert bytes(found["data"]) == LARGE


async def test_the_threads_end_where_there_is_nothing_to_stage(db, gate, monkeypatch):
    monkeypatch.setattr(passing_threads, "IDLE_SECONDS", 0.01)
    gate.opened.set()
    for _ in range(2):  # and start again
        async with db.transaction("s", "readwrite") as tx:
            tx.object_store("s").put(LARGE, 1)
            tx.object_store("s").put(LARGE + b"2", 2)
        async with asyncio.timeout(30):
            while any(thread.is_alive() for thread in gate.threads):
                await asyncio.sleep(0.01)
    assert len(gate.threads) == 4
    assert bytes(await db.transaction("s").object_store("s").get(2)) == LARGE + b"2"


async def test_without_threads_it_is_staged_at_once_and_room_is_given_back(db, bucket, gate, monkeypatch):
    def refused(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(staging, "_ROOM", len(LARGE))
    gate.opened.set()
    with monkeypatch.context() as refusal:
        refusal.setattr(passing_threads.PassingThreads, "_start", refused)
        async with db.transaction("s", "readwrite") as tx:
            assert await tx.object_store("s").put(LARGE, 1) == 1
    assert gate.threads == [threading.main_thread()]
    async with db.transaction("s", "readwrite") as tx:
        await tx.object_store("s").put(LARGE + b"2", 2)
    assert gate.threads[1] is not threading.main_thread()
    await all_are_unpinned(bucket)


async def test_the_commit_waits(db, gate):
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put(LARGE, 1)
    tx.commit()
    done = asyncio.ensure_future(tx.settled())
    await asyncio.sleep(0.05)
    assert not done.done()
    gate.opened.set()
    await done
    assert bytes(await db.transaction("s").object_store("s").get(1)) == LARGE


async def test_an_abort_does_not_wait_and_leaves_nothing(db, bucket, gate):
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put(LARGE, 1)
    tx.abort()
    await tx.settled()
    assert await db.transaction("s", "readwrite").object_store("s").count() == 0
    gate.opened.set()
    await all_are_unpinned(bucket)


async def test_a_generated_key_goes_beside_a_large_binary(db, gate, bucket):
    gate.opened.set()
    async with db.transaction("t", "readwrite") as tx:
        assert await tx.object_store("t").put({"data": LARGE}) == 1
        assert await tx.object_store("t").get(1) == {"data": LARGE, "o": {"id": 1}}
    assert len(gate.threads) == 1
    assert disagreements(bucket) == []


@pytest.mark.parametrize(
    ("problem", "kind"),
    [(QuotaExceededError("full", unit="disk"), QuotaExceededError), (StoreFailedError("broken"), UnknownError)],
)
async def test_what_cannot_be_staged_is_the_requests_failure(db, bucket, gate, problem, kind):
    gate.problem = problem
    gate.opened.set()
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    before, put, after = store.put("small", 2), store.put(LARGE, 1), store.count()
    assert await before == 2
    with pytest.raises(kind):
        await put
    with contextlib.suppress(kind):
        await tx.done
    assert tx.error is put.error
    with pytest.raises(Exception, match="abort"):
        await after
    assert await db.transaction("s").object_store("s").count() == 0
    async with db.transaction("s", "readwrite") as tx:
        put = tx.object_store("s").put(LARGE, 1).prevent_default()
        with pytest.raises(kind):
            await put
        tx.object_store("s").put("small", 2)
    assert await db.transaction("s").object_store("s").get_all_keys() == [2]
    await all_are_unpinned(bucket)


async def test_of_a_put_that_throws_nothing_is_staged(db, gate):
    tx = db.transaction(["s", "t"], "readwrite")
    with pytest.raises(DataError):
        tx.object_store("s").put({"data": LARGE}, {})
    with pytest.raises(DataCloneError):
        tx.object_store("s").put({"data": LARGE, "f": len}, {})
    with pytest.raises(DataCloneError):
        tx.object_store("t").put({"o": 5, "f": len})
    assert gate.threads == []


async def test_what_there_is_no_room_for_is_staged_at_once(db, gate, monkeypatch, bucket):
    monkeypatch.setattr(staging, "_ROOM", len(LARGE) + 1)
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put(LARGE, 1)
    threading.Timer(0.05, gate.opened.set).start()
    tx.object_store("s").put(LARGE + b"2", 2)
    assert threading.main_thread() in gate.threads
    await tx.done
    assert await db.transaction("s").object_store("s").count() == 2
    await all_are_unpinned(bucket)
