"""An index that is made on records that are there: what names its entries, and what the making takes."""

from __future__ import annotations

import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.errors import UnknownError
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db import store_records, write_set
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.layout import RECORDS
from tfjsd.storage_backends.indexed_db.store_indexes import StoreIndexes


@pytest.fixture(params=ENGINES)
def bucket(request, tmp_path):
    with open_home(request.param, tmp_path) as home:
        yield home.bucket(ORIGIN)


@pytest.fixture
def factory(bucket):
    store = IndexedDBBackingStore(bucket, CHROME)
    yield IDBFactory(store)
    store.close()


async def change(factory, version, work):
    async def upgrade(db, tx, *_):
        await work(tx.object_store("s") if "s" in db.object_store_names else db.create_object_store("s", "id"))

    (await factory.open("d", version, upgrade=upgrade)).close()


async def filled(store):
    store.create_index("early", "a")
    for number in range(1, 6):
        await store.put({"id": number, "a": number, "b": [number, -0.0], "c": [f"{number}"], "x": "x" * 1_000})


async def later(store):
    store.create_index("b", "b")
    store.create_index("c", "c", multi_entry=True)


async def read(factory):
    """The primary keys in each index, in order."""
    with await factory.open("d") as db:
        store = db.transaction("s").object_store("s")
        return {name: await store.index(name).get_all_keys() for name in store.index_names}


async def put_the_same(store):
    await store.put({"id": 2, "a": 2, "b": [2, -0.0], "c": ["2"]})


async def put_another(store):
    await store.put({"id": 2, "a": 9, "b": [9, 9], "c": ["8", "9"]})


async def put_without(store):
    await store.put({"id": 2, "a": 2})


async def delete(store):
    await store.delete(2)


async def delete_and_put(store):
    await store.delete(2)
    await put_another(store)


async def empty(store):
    await store.clear()


CHANGES = {
    put_the_same: ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
    put_another: ([1, 3, 4, 5, 2], [1, 3, 4, 5, 2, 2]),
    put_without: ([1, 3, 4, 5], [1, 3, 4, 5]),
    delete: ([1, 3, 4, 5], [1, 3, 4, 5]),
    delete_and_put: ([1, 3, 4, 5, 2], [1, 3, 4, 5, 2, 2]),
    empty: ([], []),
}


@pytest.mark.parametrize("changed", CHANGES, ids=lambda changed: changed.__name__)
@pytest.mark.parametrize("in_the_upgrade", [True, False])
async def test_the_entries_follow_their_records(factory, bucket, changed, in_the_upgrade):
    async def work(store):
        await later(store)
        if in_the_upgrade:
            await changed(store)

    await change(factory, 1, filled)
    await change(factory, 2, work)
    if not in_the_upgrade:
        with await factory.open("d") as db:
            async with db.transaction("s", "readwrite") as tx:
                await changed(tx.object_store("s"))
    b, c = CHANGES[changed]
    found = await read(factory)
    assert (found["b"], found["c"]) == (b, c)
    assert disagreements(bucket) == []


async def test_records_can_be_older_than_one_index_after_the_other(factory, bucket):
    await change(factory, 1, filled)
    await change(factory, 2, later)

    async def replace(store):
        store.delete_index("b")
        store.delete_index("early")
        store.create_index("b", "a")
        await store.delete(1)

    await change(factory, 3, replace)
    assert await read(factory) == {"b": [2, 3, 4, 5], "c": [2, 3, 4, 5]}
    assert disagreements(bucket) == []

    async def none(store):
        store.delete_index("b")
        store.delete_index("c")
        await put_another(store)
        await store.delete(3)

    await change(factory, 4, none)
    await change(factory, 5, later)
    assert await read(factory) == {"b": [4, 5, 2], "c": [4, 5, 2, 2]}
    assert disagreements(bucket) == []


async def test_the_check_catches_entries_that_nothing_names(factory, bucket, monkeypatch):
    """The negative control of ``disagreements``."""
    await change(factory, 1, filled)
    monkeypatch.setattr(StoreIndexes, "_name_later", lambda *_: None)
    await change(factory, 2, later)
    assert disagreements(bucket) == [
        f"the head of {number} in 'd'.'s' does not name its entries" for number in range(1, 6)
    ]


async def test_a_key_that_holds_a_minus_zero_comes_back_from_a_later_index(factory):
    await change(factory, 1, filled)
    await change(factory, 2, later)
    with await factory.open("d") as db:
        record = (await db.transaction("s").object_store("s").index("b").get_all_records())[0]
    assert repr(record.key) == "[1, -0.0]"


async def test_an_index_can_be_made_on_more_than_a_transaction_may_change(factory, bucket, monkeypatch):
    """It takes entries into the transaction, and no value."""
    await change(factory, 1, filled)
    before = dict(bucket.scan(RECORDS, RECORDS + b"\xff"))
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 2_500)
    await change(factory, 2, later)
    after = dict(bucket.scan(RECORDS, RECORDS + b"\xff"))
    assert sum(map(len, before.values())) > 5_000
    assert before.items() <= after.items()
    assert await read(factory) == {"b": [1, 2, 3, 4, 5], "c": [1, 2, 3, 4, 5], "early": [1, 2, 3, 4, 5]}
    assert disagreements(bucket) == []


async def test_what_one_transaction_deletes_is_bounded(factory, bucket, monkeypatch):
    await change(factory, 1, filled)
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 4_000)
    with await factory.open("d") as db:
        async with db.transaction("s", "readwrite") as tx:
            with pytest.raises(UnknownError, match="deletes or replaces more than 4000 bytes") as caught:
                await tx.object_store("s").delete(IDBKeyRange.lower_bound(1)).prevent_default()
            assert "clear the store" in caught.value.hint
            await tx.object_store("s").delete(5)
        assert await db.transaction("s").object_store("s").get_all_keys() == [1, 2, 3, 4]
    assert disagreements(bucket) == []


async def change_all(factory, work):
    with await factory.open("d") as db:
        async with db.transaction(db.object_store_names, "readwrite") as tx:
            await work(tx)


async def many_stores(factory):
    def upgrade(db, _tx, _old, _new):
        for number in range(10):
            db.create_object_store(f"s{number}").put("x" * 1_000, "k" * 500)

    (await factory.open("d", 1, upgrade=upgrade)).close()


async def cleared(factory):
    async def work(tx):
        for name in tx.object_store_names:
            await tx.object_store(name).clear()

    await change_all(factory, work)


async def dropped(factory):
    def upgrade(db, _tx, _old, _new):
        for name in db.object_store_names:
            db.delete_object_store(name)

    (await factory.open("d", 2, upgrade=upgrade)).close()


async def deleted(factory):
    await factory.delete_database("d")


@pytest.mark.parametrize("way", [cleared, dropped, deleted])
async def test_many_stores_go_at_once_whatever_they_hold(factory, bucket, monkeypatch, way):
    await many_stores(factory)
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 4_000)
    await way(factory)
    assert disagreements(bucket) == []
    factory._store.make_room()
    assert bucket.bytes_used() < 1_000


async def test_clear_has_no_limit_after_deletions_either(factory, monkeypatch):
    await change(factory, 1, filled)
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 4_000)
    with await factory.open("d") as db:
        async with db.transaction("s", "readwrite") as tx:
            for number in (1, 2, 3):
                await tx.object_store("s").delete(number)
            await tx.object_store("s").clear()
        assert await db.transaction("s").object_store("s").count() == 0


async def test_what_is_put_and_deleted_again_and_again_is_bounded(factory, monkeypatch):
    await change(factory, 1, filled)
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 10_000)

    async def work(tx):
        for number in range(100):
            key = f"{number:0500}"
            await tx.object_store("s").put({"id": key})
            await tx.object_store("s").delete(key)

    with pytest.raises(UnknownError, match="changes more than 10000 bytes"):
        await change_all(factory, work)


@pytest.mark.parametrize("limit", ["_CLEAR_AT_ONCE", "_CLEAR_AT_ONCE_BYTES"])
async def test_a_store_can_be_cleared_whatever_it_holds(factory, bucket, monkeypatch, limit):
    await change(factory, 1, filled)
    monkeypatch.setattr(write_set, "MAX_INLINE_BYTES", 4_000)
    monkeypatch.setattr(store_records, limit, 3)
    with await factory.open("d") as db:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").clear()
        assert await db.transaction("s").object_store("s").count() == 0
    assert disagreements(bucket) == []
