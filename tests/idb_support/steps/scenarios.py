"""What crosses several algorithms: the scenarios of the web platform tests' files of these names.

https://github.com/web-platform-tests/wpt/tree/master/IndexedDB
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import numpy as np

from tfjsd.errors import AbortError, ConstraintError, InvalidStateError, TransactionInactiveError
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.script_types import UNDEFINED, Blob, File

from .registry import Bench, covers, failed, raised

WEB_PLATFORM = "web-platform-tests"
LARGE: Final = 200_000
DIRECTIONS: Final = ("next", "nextunique", "prev", "prevunique")


def _large(number: int) -> bytes:
    return bytes((number,)) * LARGE


async def _keys(source: Any, direction: Any = "next") -> list[Any]:
    return [cursor.primary_key async for cursor in source.iterate(None, direction)]


# -- Names and orders --


@covers(WEB_PLATFORM, "name-scopes")
async def the_same_names_in_two_databases_are_apart(bench: Bench) -> None:
    def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
        for name in ("x", "y"):
            store = db.create_object_store(name, "id")
            for index in ("x", "y"):
                store.create_index(index, index)
            store.put({"id": 1, "x": f"{db.name}{name}x", "y": f"{db.name}{name}y"})

    databases = [await bench.open(upgrade, 1, name) for name in ("x", "y")]
    for db in databases:
        tx = db.transaction(["x", "y"])
        for name in ("x", "y"):
            for index in ("x", "y"):
                found = await tx.object_store(name).index(index).get_all(f"{db.name}{name}{index}")
                assert [value["id"] for value in found] == [1]
    databases[0].close()
    await bench.factory.delete_database("x")
    assert await databases[1].transaction("x").object_store("x").index("y").count() == 1


@covers(WEB_PLATFORM, "idbtransaction_objectStoreNames")
async def a_scope_is_sorted_and_has_each_name_once(bench: Bench) -> None:
    names = ["b", "", "a", "\uffff", "😀", "A"]

    def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
        for name in names:
            db.create_object_store(name)
        assert tx.object_store_names == db.object_store_names

    db = await bench.open(upgrade)
    assert db.object_store_names == ["", "A", "a", "b", "😀", "\uffff"]
    assert db.transaction(["b", "a", "b", "😀"]).object_store_names == ["a", "b", "😀"]


@covers(WEB_PLATFORM, "index_sort_order")
async def an_index_is_in_the_order_of_its_keys(bench: Bench) -> None:
    ordered: list[Any] = [-1, 0, 2.5, "", "a", "aa", b"", b"a", [], [1], ["a"]]
    records = [{"n": key} for key in reversed(ordered)]
    db = await bench.store(records, auto_increment=True, indexes={"i": {"key_path": "n"}})
    found = await db.transaction("s").object_store("s").index("i").get_all()
    assert [value["n"] for value in found] == ordered


@covers(WEB_PLATFORM, "reading-autoincrement-indexes")
async def generated_keys_are_found_through_indexes(bench: Bench) -> None:
    indexes: dict[str, dict[str, Any]] = {
        "id": {"key_path": "id"},
        "both": {"key_path": ["id", "n"]},
        "n": {"key_path": "n"},
    }
    records = [{"n": number % 3} for number in range(10)]
    db = await bench.store(records, key_path="id", auto_increment=True, indexes=indexes)
    store = db.transaction("s").object_store("s")
    for direction in DIRECTIONS:
        ids = list(range(1, 11)) if direction.startswith("next") else list(range(10, 0, -1))
        assert await _keys(store.index("id"), direction) == ids
        assert await _keys(store.index("both"), direction) == ids
    assert await store.index("both").get_key([4, 0]) == 4
    assert [value["id"] for value in await store.index("n").get_all(1)] == [2, 5, 8]


@covers(WEB_PLATFORM, "idbindex_tombstones")
async def deleted_records_are_not_seen_through_an_index(bench: Bench) -> None:
    records = [{"n": number // 2} for number in range(20)]
    db = await bench.store(records, auto_increment=True, indexes={"i": {"key_path": "n"}})
    for first, last in ((1, 4), (9, 12), (17, 20)):
        await db.transaction("s", "readwrite").object_store("s").delete(IDBKeyRange.bound(first, last))
    left = [5, 6, 7, 8, 13, 14, 15, 16]
    for mode in ("readonly", "readwrite"):
        index = db.transaction("s", mode).object_store("s").index("i")
        assert await index.count() == len(left)
        assert await _keys(index) == left
        assert await _keys(index, "prev") == left[::-1]
        assert await _keys(index, "nextunique") == left[::2]
        assert await _keys(index, "prevunique") == left[::2][::-1]
        assert await index.get_key(IDBKeyRange.lower_bound(0)) == 5


# -- Several things at a time --


@covers(WEB_PLATFORM, "request-event-ordering-large-mixed-with-small-values")
async def large_and_small_values_come_in_order(bench: Bench) -> None:
    db = await bench.store()
    order: list[Any] = []
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    for number in range(8):
        put = store.put(_large(number) if number % 2 else number, number)
        put.add_done_callback(lambda _, number=number: order.append(("put", number)))
        get = store.get(number)
        get.add_done_callback(lambda request, number=number: order.append(("get", number, len(bytes(request.result)))))
    await tx.done
    expected: list[Any] = []
    for number in range(8):
        expected += [("put", number), ("get", number, LARGE if number % 2 else number)]
    assert order == expected
    reads: list[Any] = []
    tx = db.transaction("s")
    for number in (1, 0, 3, 2, 7):
        tx.object_store("s").get(number).add_done_callback(lambda _, number=number: reads.append(number))
    await tx.done
    assert reads == [1, 0, 3, 2, 7]


@covers(WEB_PLATFORM, "request-abort-ordering")
async def aborted_requests_end_in_order(bench: Bench) -> None:
    db = await bench.store()
    order: list[int] = []
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    requests = [store.put(_large(1), 1), store.get(1), store.count(), store.put("x", 2), store.open_cursor()]
    for number, request in enumerate(requests):
        request.add_done_callback(lambda _, number=number: order.append(number))
    tx.abort()
    for request in requests:
        await failed(AbortError, request)
    assert order == [0, 1, 2, 3, 4]
    assert await db.transaction("s").object_store("s").count() == 0


@covers(WEB_PLATFORM, "large-requests-abort")
async def an_abort_while_large_values_are_read(bench: Bench) -> None:
    db = await bench.store({number: _large(number) for number in range(4)})
    tx = db.transaction("s")
    first, rest = tx.object_store("s").get(0), tx.object_store("s").get_all()
    assert bytes(await first) == _large(0)
    tx.abort()
    await failed(AbortError, rest)
    assert [bytes(value) for value in await db.transaction("s").object_store("s").get_all()] == [
        _large(number) for number in range(4)
    ]


@covers(WEB_PLATFORM, "interleaved-cursors")
async def cursors_go_on_side_by_side(bench: Bench) -> None:
    values = {key: {"key": key, "data": _large(key) if key % 3 == 0 else key} for key in range(12)}
    db = await bench.store(values)
    for mode in ("readonly", "readwrite"):
        tx = db.transaction("s", mode)
        store = tx.object_store("s")
        cursors = await asyncio.gather(*(store.open_cursor(IDBKeyRange.lower_bound(start)) for start in range(4)))
        for step in range(8):
            for start, cursor in enumerate(cursors):
                assert cursor.key == start + step
                assert cursor.value["key"] == start + step
            cursors = await asyncio.gather(*(cursor.continue_() for cursor in cursors))


@covers(WEB_PLATFORM, "parallel-cursors-upgrade")
async def cursors_go_on_side_by_side_in_an_upgrade(bench: Bench) -> None:
    async def body(db: Any, _tx: Any) -> None:
        store = db.create_object_store("s", "key")
        for key in range(6):
            store.put({"key": key})
        cursors = [await store.open_cursor() for _ in range(5)]
        for key in range(6):
            assert [cursor.key for cursor in cursors] == [key] * 5
            following = [cursor.continue_() for cursor in cursors]
            moved = [await request for request in following]
        assert moved == [None] * 5

    await bench.upgrade(body)


@covers(WEB_PLATFORM, "transaction-scheduling-across-databases")
async def writers_of_different_databases_do_not_wait(bench: Bench) -> None:
    def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
        db.create_object_store("s")

    first, second = [await bench.open(upgrade, 1, name) for name in ("a", "b")]
    async with first.transaction("s", "readwrite") as tx:
        await tx.object_store("s").put(1, 1)
        async with second.transaction("s", "readwrite") as other:
            assert await other.object_store("s").put(1, 1) == 1
        assert await second.transaction("s").object_store("s").count() == 1


# -- Values --


@covers(WEB_PLATFORM, "nested-cloning")
async def arrays_of_all_sizes_within_one_value(bench: Bench) -> None:
    def make(seed: int) -> dict[str, Any]:
        sizes = [1, 1000, 70_000, 140_000, 300_000]
        arrays = [np.full(size, seed + place, "u1") for place, size in enumerate(sizes)]
        return {"list": arrays, "nested": {"again": arrays[3], "same": np.full(140_000, seed + 3, "u1")}, "n": seed}

    db = await bench.store(key_path="id", auto_increment=True, indexes={"i": {"key_path": "n"}})
    async with db.transaction("s", "readwrite") as tx:
        assert [await tx.object_store("s").put(make(seed)) for seed in (1, 2)] == [1, 2]
    store = db.transaction("s").object_store("s")
    for seed, found in zip((1, 2), await store.index("i").get_all(), strict=True):
        expected = make(seed)
        for array, wanted in zip(found["list"], expected["list"], strict=True):
            np.testing.assert_array_equal(array, wanted)
        assert found["nested"]["again"] is found["list"][3]
        np.testing.assert_array_equal(found["nested"]["same"], expected["nested"]["same"])
        assert (found["id"], found["n"]) == (seed, seed)


@covers(WEB_PLATFORM, "blob-composite-blob-reads")
async def blobs_keep_type_name_and_bytes(bench: Bench) -> None:
    stored = [Blob(b"small", "text/plain"), Blob(_large(7), "x/y"), File(_large(8), "a/b", "f", 5.0)]
    db = await bench.store({1: {"blobs": stored, "one": stored[1]}})
    found = await db.transaction("s").object_store("s").get(1)
    assert [bytes(blob.data) for blob in found["blobs"]] == [b"small", _large(7), _large(8)]
    assert [blob.type for blob in found["blobs"]] == ["text/plain", "x/y", "a/b"]
    assert (found["blobs"][2].name, found["blobs"][2].last_modified) == ("f", 5.0)
    assert found["one"] is found["blobs"][1]


@covers(WEB_PLATFORM, "blob-valid-after-deletion", "record")
@covers(WEB_PLATFORM, "blob-delete-objectstore-db", "database")
async def what_was_read_outlives_its_record(bench: Bench) -> None:
    db = await bench.store({1: _large(1), 2: {"data": _large(2)}})
    one, two = await db.transaction("s").object_store("s").get_all()
    await db.transaction("s", "readwrite").object_store("s").delete(1)
    db.close()
    await bench.factory.delete_database("d")
    assert (bytes(one), bytes(two["data"])) == (_large(1), _large(2))


@covers(WEB_PLATFORM, "blob-valid-after-abort")
async def what_was_read_outlives_the_abort_of_what_wrote_it(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    await tx.object_store("s").put(_large(1), 1)
    found = await tx.object_store("s").get(1)
    tx.abort()
    await failed(AbortError, tx.done)
    assert bytes(found) == _large(1)
    assert await db.transaction("s").object_store("s").get(1) is UNDEFINED


# -- Upgrades and what an abort takes back --


async def _aborted_upgrade(bench: Bench, how: str) -> tuple[Any, Any]:
    (await bench.store([{"id": 1}], key_path="id")).close()
    kept: list[Any] = []

    async def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        kept.extend((db, tx))
        if how == "user":
            tx.abort()
            raised(TransactionInactiveError, lambda: db.create_object_store("t"))
            raised(TransactionInactiveError, lambda: db.delete_object_store("s"))
        else:
            await tx.object_store("s").add({"id": 1})

    await failed(AbortError, bench.open(upgrade, 2))
    return kept[0], kept[1]


@covers(WEB_PLATFORM, "upgrade-transaction-lifecycle-user-aborted", "user")
@covers(WEB_PLATFORM, "transaction-create_in_versionchange", "user-aborted")
async def after_an_aborted_upgrade_nothing_can_be_changed(bench: Bench) -> None:
    db, tx = await _aborted_upgrade(bench, "user")
    assert tx.error is None
    raised(InvalidStateError, lambda: db.create_object_store("t"))
    raised(InvalidStateError, lambda: db.delete_object_store("s"))
    raised(InvalidStateError, lambda: db.transaction("s"))


@covers(WEB_PLATFORM, "upgrade-transaction-lifecycle-backend-aborted")
async def after_a_failed_upgrade_nothing_can_be_changed(bench: Bench) -> None:
    db, tx = await _aborted_upgrade(bench, "backend")
    assert isinstance(tx.error, ConstraintError)
    raised(InvalidStateError, lambda: db.create_object_store("t"))
    raised(InvalidStateError, lambda: db.delete_object_store("s"))
    assert (await bench.open(None, None)).object_store_names == ["other", "s"]


@covers(WEB_PLATFORM, "upgrade-transaction-lifecycle-committed")
async def after_an_upgrade_the_schema_can_not_be_changed(bench: Bench) -> None:
    kept: list[Any] = []

    def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        kept.append(db.create_object_store("s"))

    db = await bench.open(upgrade)
    raised(InvalidStateError, lambda: db.create_object_store("t"))
    raised(InvalidStateError, lambda: db.delete_object_store("s"))
    raised(TransactionInactiveError, lambda: kept[0].create_index("i", "n"))
    raised(TransactionInactiveError, lambda: setattr(kept[0], "name", "t"))


@covers(WEB_PLATFORM, "transaction-abort-generator-revert")
async def an_aborted_upgrade_takes_generated_numbers_back(bench: Bench) -> None:
    (await bench.store([{}, {}], key_path="id", auto_increment=True)).close()

    async def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        assert await tx.object_store("s").put({}) == 3
        assert await tx.object_store("s").put({"id": 40}) == 40
        tx.abort()

    await failed(AbortError, bench.open(upgrade, 2))
    db = await bench.open(None, None)
    tx = db.transaction("s", "readwrite")
    assert await tx.object_store("s").put({}) == 3
    tx.abort()
    async with db.transaction("s", "readwrite") as tx:
        assert await tx.object_store("s").put({}) == 3
        await tx.object_store("s").clear()
        assert await tx.object_store("s").put({}) == 4


@covers(WEB_PLATFORM, "transaction-abort-object-store-metadata-revert")
async def handles_say_what_is_after_an_abort(bench: Bench) -> None:
    (await bench.store([{"id": 1, "n": 1}], key_path="id", indexes={"i": {"key_path": "n"}})).close()
    kept: dict[str, Any] = {}

    def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        old = tx.object_store("s")
        index = old.index("i")
        index.name = "j"
        old.name = "t"
        old.delete_index("j")
        again = old.create_index("j", "m")
        db.delete_object_store("t")
        new = db.create_object_store("s")
        made = new.create_index("k", "k")
        kept.update(db=db, tx=tx, old=old, index=index, again=again, new=new, made=made)
        tx.abort()
        assert (old.name, index.name, db.object_store_names) == ("s", "i", ["other", "s"])

    await failed(AbortError, bench.open(upgrade, 2))
    assert (kept["old"].name, kept["old"].index_names, kept["index"].name) == ("s", ["i"], "i")
    assert (kept["db"].object_store_names, kept["db"].version) == (["other", "s"], 1)
    assert kept["tx"].object_store_names == ["other", "s"]
    assert kept["new"].index_names == []
    raised(InvalidStateError, lambda: kept["new"].get(1))
    raised(InvalidStateError, lambda: kept["made"].get(1))
    raised(InvalidStateError, lambda: kept["again"].get(1))
    raised(TransactionInactiveError, lambda: kept["old"].get(1))
    db = await bench.open(None, None)
    assert await db.transaction("s").object_store("s").index("i").get_all() == [{"id": 1, "n": 1}]


@covers(WEB_PLATFORM, "idbobjectstore-rename-store")
async def names_can_be_swapped_and_given_anew(bench: Bench) -> None:
    (await bench.store({1: "s"})).close()

    async def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        first, second = tx.object_store("s"), tx.object_store("other")
        first.name = "temporary"
        second.name = "s"
        first.name = "other"
        await second.put("second", 1)
        db.delete_object_store("s")
        third = db.create_object_store("s")
        await third.put("third", 1)
        third.name = "\ud800"
        assert db.object_store_names == ["other", "\ud800"]

    db = await bench.open(upgrade, 2)
    async with db.transaction(["other", "\ud800"]) as tx:
        assert await tx.object_store("other").get_all() == ["s"]
        assert await tx.object_store("\ud800").get_all() == ["third"]
