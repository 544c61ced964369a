"""What transactions leave in the bucket: durability, quota, large values, failures, several loops and threads."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.errors import DataError, QuotaExceededError, StoreFailedError, UnknownError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI
from tfjsd.storage_backends.indexed_db import idle_limit, write_set
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.local_transaction import LocalTransaction
from tfjsd.storage_backends.script_types import UNDEFINED, Date


@pytest.fixture(params=ENGINES)
def home(request, tmp_path):
    with open_home(request.param, tmp_path) as home:
        yield home


@pytest.fixture
def bucket(home):
    return home.bucket(ORIGIN)


def make(db, tx, old, new):
    store = db.create_object_store("s")
    store.create_index("i", "n")
    db.create_object_store("auto", "id", True)


@contextlib.asynccontextmanager
async def opened(bucket, browser=CHROME, limit=None):
    store = IndexedDBBackingStore(bucket, browser, limit=limit)
    db = await IDBFactory(store).open("d", 1, upgrade=make)
    try:
        yield db
    finally:
        db.close()
        store.close()


async def values(db, name="s"):
    async with db.transaction(name) as tx:
        return await tx.object_store(name).get_all()


@pytest.mark.parametrize("durability", ["strict", "relaxed"])
async def test_what_is_complete_is_there_after_a_restart(tmp_path, durability):
    for run in range(3):
        with open_home("leveldb", tmp_path) as home:
            async with opened(home.bucket(ORIGIN)) as db:
                assert await values(db) == [{"n": number} for number in range(run)]
                async with db.transaction(["s", "auto"], "readwrite", durability=durability) as tx:
                    await tx.object_store("s").put({"n": run}, run)
                    assert await tx.object_store("auto").put({}) == run + 1
                assert [row["id"] for row in await values(db, "auto")] == list(range(1, run + 2))


async def test_a_large_array_is_a_blob_and_reads_back_mapped(bucket):
    array = np.arange(INLINE_LIMIT, dtype="f4").reshape(256, -1)
    async with opened(bucket) as db:
        async with db.transaction("s", "readwrite") as tx:
            tx.object_store("s").put({"w": array, "bytes": b"x" * (INLINE_LIMIT + 1)}, 1)
        async with db.transaction("s") as tx:
            value = await tx.object_store("s").get(1)
            cursor = await tx.object_store("s").open_cursor()
        np.testing.assert_array_equal(value["w"], array, strict=True)
        assert not value["w"].flags.writeable
        assert isinstance(value["bytes"], memoryview)
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").clear()
        np.testing.assert_array_equal(value["w"], array)
        np.testing.assert_array_equal(cursor.value["w"], array)
    assert bucket.bytes_used() < 5000


async def test_what_was_staged_for_nothing_is_let_go(bucket):
    large = b"x" * (INLINE_LIMIT + 1)
    async with opened(bucket) as db:
        tx = db.transaction("s", "readwrite")
        tx.object_store("s").put({"w": large}, 1)
        with pytest.raises(DataError):
            tx.object_store("s").put({"w": large + b"1"}, {})
        tx.abort()
        await tx.settled()
        async with db.transaction("s", "readwrite") as tx:
            tx.object_store("s").put(large + b"2", 2)
            tx.object_store("s").put(large + b"3", 2)
            tx.object_store("s").put(large + b"4", 2)
        assert bytes((await values(db))[0]) == large + b"4"
    for _ in range(200):  # a commit's pins go after its acknowledgement
        if not any(bucket.blobs.is_pinned(digest) for digest, _ in bucket.blobs.digests()):
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("a blob stays pinned")


@pytest.mark.parametrize(("browser", "found"), [(CHROME, [(2, 2), (3, 3)]), (FIREFOX, [(2, 2)]), (SAFARI, [(2, 2)])])
async def test_a_later_index_has_the_generated_key_that_a_date_has_lost_where_the_browser_has_it(
    bucket, browser, found
):
    def upgrade(db, tx, old, new):
        if old:
            store = tx.object_store("d")
            store.create_index("same", "o.id")
            store.create_index("both", ["o.id", "o.id"])
            return
        store = db.create_object_store("d", "o.id", True)
        store.put({"o": {"id": 2}})
        store.put(Date(7))

    store = IndexedDBBackingStore(bucket, browser)
    for version in (1, 2):
        with await IDBFactory(store).open("e", version, upgrade=upgrade) as db:
            if version == 2:
                source = db.transaction("d").object_store("d")
                rows = await source.index("same").get_all_records()
                assert [(row.key, row.primary_key) for row in rows] == found
                assert await source.index("both").count() == len(found)
    store.close()


async def test_chrome_refuses_at_the_commit(bucket):
    async with opened(bucket, CHROME.derive(bucket_quota=20_000)) as db:
        tx = db.transaction("s", "readwrite")
        request = tx.object_store("s").put("x" * 30_000, 1)
        assert await request == 1
        with pytest.raises(QuotaExceededError) as caught:
            await tx.done
        assert tx.error is caught.value
        assert (caught.value.message, caught.value.unit, caught.value.limit) == ("", "disk", 20_000)
        assert (caught.value.quota, caught.value.requested) == (None, None)
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put("y" * 9_000, 1)
        assert await values(db) == ["y" * 9_000]


@pytest.mark.parametrize("browser", [FIREFOX, SAFARI], ids=lambda browser: browser.name)
async def test_others_refuse_the_request(bucket, browser):
    async with opened(bucket, browser.derive(bucket_quota=20_000)) as db:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put("old", 1)
        tx = db.transaction("s", "readwrite")
        request = tx.object_store("s").put("x" * 30_000, 1)
        with pytest.raises(QuotaExceededError) as caught:
            await request
        assert caught.value.message == browser.bucket.record_message
        with pytest.raises(QuotaExceededError):
            await tx.done
        assert await values(db) == ["old"]


@pytest.mark.parametrize("browser", [FIREFOX, SAFARI], ids=lambda browser: browser.name)
async def test_others_count_index_entries_at_the_request(bucket, browser):
    def upgrade(db, tx, old, new):
        db.create_object_store("many").create_index("i", "k", multi_entry=True)

    store = IndexedDBBackingStore(bucket, browser.derive(bucket_quota=100_000))
    with await IDBFactory(store).open("m", 1, upgrade=upgrade) as db:
        async with db.transaction("many", "readwrite") as tx:
            many = tx.object_store("many")
            await many.put({"k": ["a"]}, 0)
            with pytest.raises(QuotaExceededError):
                await many.put({"k": [f"{n:03}" * 500 for n in range(40)]}, 1).prevent_default()
            await many.put({"k": ["b"]}, 2)
        async with db.transaction("many") as tx:
            assert await tx.object_store("many").get_all_keys() == [0, 2]
            assert await tx.object_store("many").index("i").get_all_keys() == [0, 2]
    store.close()
    assert disagreements(bucket) == []


async def test_room_that_was_freed_can_be_used_at_once(bucket):
    async with opened(bucket, CHROME.derive(bucket_quota=200_000)) as db:
        for _ in range(3):
            async with db.transaction("s", "readwrite") as tx:
                for number in range(700):
                    tx.object_store("s").put("x" * 100, number)
            async with db.transaction("s", "readwrite") as tx:
                await tx.object_store("s").clear()
        assert await values(db) == []


async def test_inline_data_of_one_transaction_is_bounded(bucket, monkeypatch):
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 10_000)
    async with opened(bucket) as db:
        tx = db.transaction("s", "readwrite")
        tx.object_store("s").put("x" * 6_000, 1)
        request = tx.object_store("s").put("x" * 6_000, 2)
        with pytest.raises(UnknownError, match="more than 10000 bytes"):
            await request
        with pytest.raises(UnknownError):
            await tx.done
        assert await values(db) == []


async def test_a_failed_commit_aborts_and_what_follows_sees_the_old_data(bucket, monkeypatch):
    async with opened(bucket) as db:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put({"n": "old"}, 1)
        original = bucket._slot.commit
        failing = threading.Event()

        def commit(*arguments, **options):
            if failing.is_set():
                failing.clear()
                raise StoreFailedError("the disk is gone")
            return original(*arguments, **options)

        monkeypatch.setattr(bucket._slot, "commit", commit)
        failing.set()
        tx = db.transaction("s", "readwrite")
        tx.object_store("s").put({"n": "new"}, 1)
        with pytest.raises(UnknownError) as caught:
            await tx.done
        assert isinstance(caught.value.__cause__, StoreFailedError)
        assert await values(db) == [{"n": "old"}]
        async with db.transaction("s", "readwrite") as tx:
            assert await tx.object_store("s").put({"n": "newer"}, 1) == 1
        assert await values(db) == [{"n": "newer"}]


async def test_a_transaction_that_read_what_was_not_committed_is_aborted(bucket, monkeypatch):
    async with opened(bucket) as db:
        original = bucket._slot.commit
        go_on = threading.Event()

        def commit(*_arguments, **_options):
            go_on.wait(10)
            monkeypatch.setattr(bucket._slot, "commit", original)
            raise StoreFailedError("the disk is gone")

        monkeypatch.setattr(bucket._slot, "commit", commit)
        writer = db.transaction("s", "readwrite")
        writer.object_store("s").put({"n": "never"}, 1)
        follower = db.transaction("s", "readwrite")
        follower.hold()
        assert await follower.object_store("s").get(1) == {"n": "never"}
        go_on.set()
        await follower.settled()
        for tx in (writer, follower):
            with pytest.raises(UnknownError) as caught:
                await tx.done
            assert isinstance(caught.value.__cause__, StoreFailedError)
        assert await values(db) == []


async def test_nothing_is_logged_about_exceptions_that_nobody_asked_for(bucket, caplog):
    async with opened(bucket) as db:
        tx = db.transaction("s", "readwrite")
        tx.object_store("s").add(1, 1)
        tx.object_store("s").add(2, 1)
        await tx.settled()
        del tx
        gc.collect()
        await asyncio.sleep(0)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_loops_in_different_threads_share_a_database(bucket):
    store = IndexedDBBackingStore(bucket, CHROME)
    rounds, threads = 20, 4

    async def count():
        with await IDBFactory(store).open("d", 1, upgrade=make, versionchange=lambda e: e.target.close()) as db:
            for _ in range(rounds):
                async with db.transaction("s", "readwrite", durability="relaxed") as tx:
                    number = await tx.object_store("s").get("n")
                    await asyncio.sleep(0)
                    await tx.object_store("s").put((0 if number is UNDEFINED else number) + 1, "n")

    workers = [threading.Thread(target=lambda: asyncio.run(count())) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    async def read():
        with await IDBFactory(store).open("d") as db:
            return await values(db)

    assert asyncio.run(read()) == [rounds * threads]
    store.close()


def test_a_loop_that_is_gone_takes_its_connections_with_it(bucket):
    store = IndexedDBBackingStore(bucket, CHROME)
    kept = []

    async def leave():
        db = await IDBFactory(store).open("d", 1, upgrade=make)
        tx = db.transaction("s", "readwrite")
        tx.hold()
        tx.object_store("s").put("never", 1)
        kept.append((db, tx))

    asyncio.run(leave())

    async def upgrade():
        with await asyncio.wait_for(IDBFactory(store).open("d", 2), 10) as db:
            return db.version, await values(db)

    assert asyncio.run(upgrade()) == (2, [])
    kept[0][1]._idle_limit.stop()
    store.close()


async def test_models_and_front_ends_wait_for_one_another(bucket):
    store = IndexedDBBackingStore(bucket, CHROME)
    with await IDBFactory(store).open("d", 1, upgrade=make) as db:
        async with db.transaction("s", "readwrite") as tx:
            direct = store.transact("d", ["s"], "readonly", lambda direct: direct.count("s"))
            await tx.object_store("s").put("v", 1)
            assert not direct.done()
        assert await asyncio.wrap_future(direct) == 1
    store.close()


async def test_generated_keys_survive_a_failed_commit_unused(bucket):
    async with opened(bucket, CHROME.derive(bucket_quota=20_000)) as db:
        tx = db.transaction("auto", "readwrite")
        assert await tx.object_store("auto").put({"x": "x" * 30_000}) == 1
        with pytest.raises(QuotaExceededError):
            await tx.done
        async with db.transaction("auto", "readwrite") as tx:
            assert await tx.object_store("auto").put({}) == 1


async def test_webkit_gives_room_back_only_when_databases_go(bucket):
    store = IndexedDBBackingStore(bucket, SAFARI.derive(bucket_quota=30_000))
    factory = IDBFactory(store)
    with await factory.open("d", 1, upgrade=make) as db:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put("x" * 20_000, 1)
            await tx.object_store("s").put("y" * 8_000, 2)
        async with db.transaction("s", "readwrite") as tx:
            with pytest.raises(QuotaExceededError):
                await tx.object_store("s").put("z" * 20_000, 3).prevent_default()
            await tx.object_store("s").clear()
        async with db.transaction("s", "readwrite") as tx:
            with pytest.raises(QuotaExceededError):
                await tx.object_store("s").put("z" * 20_000, 3).prevent_default()
    await factory.delete_database("d")
    with await factory.open("d", 1, upgrade=make) as db:
        async with db.transaction("s", "readwrite") as tx:
            assert await tx.object_store("s").put("z" * 20_000, 3) == 3
    store.close()


async def test_webkit_opens_no_new_database_in_a_full_bucket(bucket):
    async with opened(bucket, SAFARI.derive(bucket_quota=10_000)) as db, db.transaction("s", "readwrite") as tx:
        await tx.object_store("s").put("x" * 9_000, 1)
    store = IndexedDBBackingStore(bucket, SAFARI.derive(bucket_quota=5_000))
    with pytest.raises(QuotaExceededError, match="Failed to OpenBackingStore"):
        await IDBFactory(store).open("new")
    with await IDBFactory(store).open("d") as db:
        assert len((await values(db))[0]) == 9_000
    store.close()


async def test_a_put_that_is_too_much_leaves_the_old_record_whole(bucket, monkeypatch):
    async with opened(bucket) as db:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put({"n": "old"}, 1)
        monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 10_000)
        async with db.transaction("s", "readwrite") as tx:
            store = tx.object_store("s")
            with pytest.raises(UnknownError):
                await store.put({"n": "new", "x": "x" * 11_000}, 1).prevent_default()
            assert await store.index("i").get_key("old") == 1
        assert await values(db) == [{"n": "old"}]


async def test_a_put_that_is_too_much_leaves_no_entries(bucket, monkeypatch):
    def upgrade(db, tx, old, new):
        db.create_object_store("s", "id").create_index("u", "u", unique=True, multi_entry=True)

    store = IndexedDBBackingStore(bucket, CHROME)
    with await IDBFactory(store).open("d", 1, upgrade=upgrade) as db:
        monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 1 << 20)
        async with db.transaction("s", "readwrite") as tx:
            records = tx.object_store("s")
            with pytest.raises(UnknownError):
                await records.put({"id": "k" * 20_000, "u": list(range(100))}).prevent_default()
            assert await records.index("u").count() == 0
            assert await records.add({"id": "other", "u": [3]}) == "other"
        assert await values(db) == [{"id": "other", "u": [3]}]
    assert disagreements(bucket) == []
    store.close()


async def test_a_put_with_no_room_for_its_generated_key_leaves_no_record(bucket, monkeypatch):
    async with opened(bucket) as db:
        monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 10_000)
        refused = 0
        for size in range(9_850, 10_000):
            async with db.transaction("auto", "readwrite") as tx:
                store = tx.object_store("auto")
                await store.clear()
                try:
                    await store.put({"x": "x" * size}).prevent_default()
                except UnknownError:
                    refused += 1
                    assert await store.count() == 0
                else:
                    assert await store.count() == 1
        assert 0 < refused < 150


@pytest.mark.parametrize("blocks", [True, False], ids=["here", "elsewhere"])
async def test_a_schema_change_that_takes_long_is_not_idleness(bucket, monkeypatch, blocks):
    create_index = LocalTransaction.create_index

    def slow(self, *arguments):
        if blocks:
            time.sleep(0.4)  # as a large index holds the loop
            create_index(self, *arguments)
        else:
            asyncio.get_running_loop().call_later(0.4, create_index, self, *arguments)

    async def upgrade(db, tx, old, new):
        store = db.create_object_store("s")
        await asyncio.sleep(0.05)  # nobody waits for a request
        store.create_index("i", "n")
        await asyncio.sleep(0 if blocks else 0.3)
        await asyncio.sleep(0)

    monkeypatch.setattr(idle_limit, "IDLE_SECONDS", 0.2)
    monkeypatch.setattr(LocalTransaction, "create_index", slow)
    store = IndexedDBBackingStore(bucket, CHROME)
    with await IDBFactory(store).open("d", 1, upgrade=upgrade) as db:
        assert db.transaction("s").object_store("s").index_names == ["i"]
    store.close()


def test_a_connection_that_is_left_open_ends_with_the_interpreter():
    program = """
import asyncio, tfjsd
async def main():
    globals()["store"] = tfjsd.aopen_store(None)
    factory = store.indexed_db()
    globals()["database"] = await factory.open("d", 1)
    globals()["deletion"] = factory.delete_database("d")
    await asyncio.sleep(0.05)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
