"""A pair hears of every change of its models in the store, whoever makes it and in whichever way."""

from types import SimpleNamespace
from typing import Any

import pytest

import tfjsd
from tfjsd.daemon.sync.store_watch import StoreWatch
from tfjsd.wire.sync_pair import SyncPair

from .conftest import artifacts


class Heard:
    """How often a watch has woken its pair."""

    def __init__(self, store, prefix: str) -> None:
        self.count = 0
        pair = SyncPair.of({"directory": "/m", "prefix": prefix}, origin="http://localhost")
        origins: Any = SimpleNamespace(get=lambda name: store._store.storage)
        self.watch = StoreWatch(origins, pair, self.wake)
        self.watch.origin()

    def wake(self) -> None:
        self.count += 1

    def taken(self) -> int:
        count, self.count = self.count, 0
        return count


@pytest.fixture
async def store():
    async with tfjsd.aopen_store(None) as store:
        yield store


async def test_models_below_the_prefix_are_touched(store):
    heard = Heard(store, "indexeddb://team/")
    await store.save("indexeddb://team/a", artifacts(1))
    await store.save("indexeddb://other", artifacts(1))
    await store.save("localstorage://team/b", artifacts(1))
    assert heard.taken() >= 1
    assert heard.watch.touched() == {"a"}
    assert heard.watch.touched() == set()
    heard.watch.stop()
    await store.remove_model("indexeddb://team/a")
    assert heard.taken() == 0


async def test_models_that_are_put_raw_are_heard_of(store):
    await store.save("indexeddb://first", artifacts(1))
    heard = Heard(store, "indexeddb://")
    db = await store.indexed_db().open("tensorflowjs")
    async with db.transaction(["models_store", "model_info_store"], "readwrite") as tx:
        for name in ("models_store", "model_info_store"):
            record = await tx.object_store(name).get("first")
            await tx.object_store(name).put(record | {"modelPath": "second"})
    assert heard.taken() >= 1
    db.close()
    await store.indexed_db().delete_database("tensorflowjs")
    assert heard.taken() >= 1


async def test_other_databases_are_not(store):
    heard = Heard(store, "indexeddb://")
    db = await store.indexed_db().open("mine", 1, upgrade=lambda db, *_: db.create_object_store("things"))
    async with db.transaction("things", "readwrite") as tx:
        await tx.object_store("things").put(1, "key")
    db.close()
    assert heard.taken() == 0


async def test_local_storage_is_heard_of_item_by_item_and_when_it_is_cleared(store):
    await store.save("localstorage://m", artifacts(1))
    heard, elsewhere = Heard(store, "localstorage://"), Heard(store, "indexeddb://")
    await store.local_storage().set_item("notes", "mine")
    assert heard.taken() == 0
    await store.local_storage().set_item("tensorflowjs_models/m/info", "{}")
    assert (heard.taken(), heard.watch.touched()) == (1, {"m"})
    await store.local_storage().clear()
    assert heard.taken() == 1
    assert elsewhere.taken() == 0
