"""A record that is put again: its entries in the indexes, and what the transaction knows of the state beneath."""

from __future__ import annotations

import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ENGINES, ORIGIN, open_home

from tfjsd.errors import StoreFailedError, UnknownError
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db import reclaimer, store_records
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory


def make(db, _tx, _old, _new):
    db.create_object_store("s", "id").create_index("i", "k", multi_entry=True)


@pytest.fixture(params=ENGINES)
async def opened(request, tmp_path):
    with open_home(request.param, tmp_path) as home:
        bucket = home.bucket(ORIGIN)
        store = IndexedDBBackingStore(bucket, CHROME)
        with await IDBFactory(store).open("d", 1, upgrade=make) as db:
            yield bucket, db
        store.close()


async def put(db, *values):
    async with db.transaction("s", "readwrite") as tx:
        for value in values:
            await tx.object_store("s").put(value)


async def entries(db):
    return [
        (repr(row.key), row.value["k"])
        for row in await db.transaction("s").object_store("s").index("i").get_all_records()
    ]


KEYS = [0, -0.0, "a", ["a", 0], ["a", -0.0], ["b", "a"], ["a", "b"], [], None, "b"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("old", KEYS, ids=repr)
@pytest.mark.parametrize("new", KEYS, ids=repr)
async def test_the_entries_are_those_of_the_last_value(opened, old, new, together):
    bucket, db = opened
    if together:
        await put(db, {"id": 1, "k": old}, {"id": 1, "k": new})
    else:
        await put(db, {"id": 1, "k": old})
        await put(db, {"id": 1, "k": new})
    keys = new if isinstance(new, list) else [] if new is None else [new]
    assert await entries(db) == [(repr(key), new) for key in sorted(keys, key=lambda key: (isinstance(key, str), key))]
    assert disagreements(bucket) == []
    async with db.transaction("s", "readwrite") as tx:
        await tx.object_store("s").delete(1)
    assert await entries(db) == []


async def test_nothing_is_committed_that_may_have_been_read_from_a_failed_commit(opened):
    bucket, db = opened
    tx = db.transaction("s", "readwrite")
    await tx.object_store("s").put({"id": 1, "k": 1})
    bucket._committer.failures += 1
    with pytest.raises(UnknownError) as caught:
        await tx.done
    assert isinstance(caught.value.__cause__ or caught.value, StoreFailedError | UnknownError)
    assert await db.transaction("s").object_store("s").count() == 0


@pytest.mark.parametrize("change", [lambda s, key: s.put({"id": key, "k": "new"}), lambda s, key: s.delete(key)])
async def test_the_entries_of_an_index_that_is_gone_are_the_reclaimers_alone(tmp_path, monkeypatch, change):
    """They go while a transaction is open that rewrites their records."""
    monkeypatch.setattr(store_records, "_CLEAR_AT_ONCE", 10)
    monkeypatch.setattr(reclaimer.Reclaimer, "wake", lambda _: None)
    with open_home("leveldb", tmp_path) as home:
        bucket = home.bucket(ORIGIN)
        store = IndexedDBBackingStore(bucket, CHROME)
        with await IDBFactory(store).open("d", 1, upgrade=make) as db:
            await put(db, *({"id": number, "k": number} for number in range(20)))
        drop = lambda _db, tx, *_: tx.object_store("s").delete_index("i")  # noqa: E731
        with await IDBFactory(store).open("d", 2, upgrade=drop) as db:
            async with db.transaction("s", "readwrite") as tx:
                await change(tx.object_store("s"), 3)
                assert reclaimer.Reclaimer(bucket).reclaim_all()
        assert disagreements(bucket) == []
        store.close()
