"""Reading and writing records."""

from __future__ import annotations

from typing import Any

from tfjsd.errors import (
    ConstraintError,
    DataCloneError,
    DataError,
    InvalidStateError,
    ReadOnlyError,
    TransactionInactiveError,
)
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.idb_request import IDBRequest
from tfjsd.storage_backends.script_types import UNDEFINED, Array

from .keys import INVALID
from .registry import Bench, covers, failed, raised

READS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "get": ("get", (1,)),
    "get_key": ("getkey", (1,)),
    "get_all": ("getall", ()),
    "get_all_keys": ("getallkeys", ()),
    "get_all_records": ("getallrecords", ()),
    "count": ("count", ()),
    "open_cursor": ("opencursor", ()),
    "open_key_cursor": ("openkeycursor", ()),
}
WRITES: dict[str, tuple[str, tuple[Any, ...]]] = {
    "put": ("put", ("v", 9)),
    "add": ("add", ("v", 9)),
    "delete": ("delete", (1,)),
    "clear": ("clear", ()),
}
BOOKS = [
    {"id": 1, "n": "a"},
    {"id": 2, "n": "b"},
    {"id": 3, "n": "a"},
    {"id": 4, "n": "b"},
    {"id": 5, "n": "c"},
    {"id": 6, "n": "a"},
]
BY_N = {"i": {"key_path": "n"}}
ENTRIES = [("a", 1), ("a", 3), ("a", 6), ("b", 2), ("b", 4), ("c", 5)]
UNIQUE_NEXT = [("a", 1), ("b", 2), ("c", 5)]
UNIQUE_PREV = [("c", 5), ("b", 2), ("a", 1)]
DIRECTIONS = {
    "next": ENTRIES,
    "nextunique": UNIQUE_NEXT,
    "prev": ENTRIES[::-1],
    "prevunique": UNIQUE_PREV,
}


def _store_method(method: str, short: str, arguments: tuple[Any, ...]) -> None:
    algorithm = f"dom-idbobjectstore-{short}"

    @covers(algorithm, "deleted")
    async def _(bench: Bench) -> None:
        def body(db: Any, _tx: Any) -> None:
            store = db.create_object_store("s")
            db.delete_object_store("s")
            raised(InvalidStateError, lambda: getattr(store, method)(*arguments))

        await bench.upgrade(body)

    @covers(algorithm, "not-active", "finished")
    async def _(bench: Bench) -> None:
        db = await bench.store()
        tx = db.transaction("s", "readwrite")
        store = tx.object_store("s")
        await tx.done
        raised(TransactionInactiveError, lambda: getattr(store, method)(*arguments))

    @covers(algorithm, "not-active", "aborted")
    async def _(bench: Bench) -> None:
        db = await bench.store()
        tx = db.transaction("s", "readwrite")
        store = tx.object_store("s")
        tx.abort()
        raised(TransactionInactiveError, lambda: getattr(store, method)(*arguments))

    @covers(algorithm, "not-active", "committing")
    async def _(bench: Bench) -> None:
        db = await bench.store()
        tx = db.transaction("s", "readwrite")
        store = tx.object_store("s")
        tx.commit()
        raised(TransactionInactiveError, lambda: getattr(store, method)(*arguments))
        await tx.done

    @covers(algorithm, "request")
    async def _(bench: Bench) -> None:
        db = await bench.store({1: "v"})
        async with db.transaction("s", "readwrite") as tx:
            store = tx.object_store("s")
            request = getattr(store, method)(*arguments)
            assert isinstance(request, IDBRequest)
            assert request.ready_state == "pending"
            assert request.source is store
            assert request.transaction is tx
            await request
            assert str(request.ready_state) == "done"


def _index_method(method: str, short: str, arguments: tuple[Any, ...]) -> None:
    algorithm = f"dom-idbindex-{short}"

    @covers(algorithm, "deleted", "index")
    async def _(bench: Bench) -> None:
        def body(db: Any, _tx: Any) -> None:
            store = db.create_object_store("s")
            index = store.create_index("i", "n")
            store.delete_index("i")
            raised(InvalidStateError, lambda: getattr(index, method)(*arguments))

        await bench.upgrade(body)

    @covers(algorithm, "deleted", "store")
    async def _(bench: Bench) -> None:
        def body(db: Any, _tx: Any) -> None:
            index = db.create_object_store("s").create_index("i", "n")
            db.delete_object_store("s")
            raised(InvalidStateError, lambda: getattr(index, method)(*arguments))

        await bench.upgrade(body)

    @covers(algorithm, "not-active")
    async def _(bench: Bench) -> None:
        db = await bench.store(indexes=BY_N)
        tx = db.transaction("s")
        index = tx.object_store("s").index("i")
        await tx.done
        raised(TransactionInactiveError, lambda: getattr(index, method)(*arguments))

    @covers(algorithm, "request")
    async def _(bench: Bench) -> None:
        db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
        async with db.transaction("s") as tx:
            index = tx.object_store("s").index("i")
            request = getattr(index, method)(*(arguments and ("a",)))
            assert request.source is index
            await request


for _method, (_short, _arguments) in {**READS, **WRITES}.items():
    _store_method(_method, _short, _arguments)
for _method, (_short, _arguments) in READS.items():
    _index_method(_method, _short, _arguments)


def _read_only(method: str, short: str, arguments: tuple[Any, ...]) -> None:
    @covers(f"dom-idbobjectstore-{short}", "read-only")
    async def _(bench: Bench) -> None:
        db = await bench.store({1: "v"})
        async with db.transaction("s") as tx:
            raised(ReadOnlyError, lambda: getattr(tx.object_store("s"), method)(*arguments))
            assert await tx.object_store("s").get_all() == ["v"]


for _method, (_short, _arguments) in WRITES.items():
    _read_only(_method, _short, _arguments)

# -- add-or-put --


def _both(step: str, name: str, check: Any, **store: Any) -> None:
    for method in ("put", "add"):

        @covers("add-or-put", step, f"{method}-{name}")
        async def _(bench: Bench, method: str = method) -> None:
            db = await bench.store(**store)
            async with db.transaction("s", "readwrite") as tx:
                handle = tx.object_store("s")
                result = check(getattr(handle, method))
                if result is not None:
                    await result
                assert await handle.count() == 0


_both("key-given", "in-line", lambda put: raised(DataError, lambda: put({"id": 1}, 1)) and None, key_path="id")
_both(
    "key-given",
    "generator",
    lambda put: raised(DataError, lambda: put({}, 1)) and None,
    key_path="id",
    auto_increment=True,
)
_both("key-missing", "out-of-line", lambda put: raised(DataError, lambda: put("v")) and None)
_both("key-missing", "undefined", lambda put: raised(DataError, lambda: put("v", UNDEFINED)) and None)
for _name, (_step, _value) in INVALID.items():
    if _value is not None and _value is not UNDEFINED:
        _both("invalid-key", _name, lambda put, value=_value: raised(DataError, lambda: put("v", value)) and None)
for _name, _value in (("function", len), ("nested", {"a": [len]}), ("module", __builtins__ if False else object())):
    _both("clone", _name, lambda put, value=_value: raised(DataCloneError, lambda: put(value, 1)) and None)
_both("key-path-failure", "missing", lambda put: raised(DataError, lambda: put({})) and None, key_path="id")
_both("key-path-invalid", "null", lambda put: raised(DataError, lambda: put({"id": None})) and None, key_path="id")
_both(
    "cannot-inject",
    "primitive",
    lambda put: raised(DataError, lambda: put(5)) and None,
    key_path="id",
    auto_increment=True,
)
_both("clone-before-key", "both-wrong", lambda put: raised(DataCloneError, lambda: put(len, {})) and None)


@covers("add-or-put", "clone", "a-released-buffer")
async def a_released_memoryview_is_no_value_and_no_key(bench: Bench) -> None:
    view = memoryview(b"detached")
    view.release()
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        raised(DataCloneError, lambda: store.put({"buffer": view}, 1))
        raised(DataError, lambda: store.put("v", view))
        raised(DataError, lambda: store.get([view]))
        assert await store.count() == 0


@covers("add-or-put", "clone", "a-snapshot-of-the-moment")
async def a_later_change_of_the_value_is_not_stored(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        value = {"list": [1]}
        request = tx.object_store("s").put(value, 1)
        value["list"].append(2)
        await request
        stored = await tx.object_store("s").get(1)
        assert stored == {"list": [1]}
        stored["list"].append(3)
        assert await tx.object_store("s").get(1) == {"list": [1]}


# -- Storing --

STORE = "store-a-record-into-an-object-store"


@covers(STORE, "generate")
async def keys_are_generated_from_one_on(bench: Bench) -> None:
    db = await bench.store(auto_increment=True)
    async with db.transaction("s", "readwrite") as tx:
        assert [await tx.object_store("s").put("v") for _ in range(3)] == [1, 2, 3]


@covers(STORE, "generate", "in-line")
async def a_generated_key_is_in_the_value(bench: Bench) -> None:
    db = await bench.store(
        key_path="a.id",
        auto_increment=True,
        indexes={
            "same": {"key_path": "a.id"},
            "both": {"key_path": ["a.id", "x"]},
            "multi": {"key_path": "a.id", "multi_entry": True},
            "none": {"key_path": ["a.id", "missing"]},
            "other": {"key_path": "x"},
        },
    )
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        assert await store.put({"x": "y"}) == 1
        assert await store.put({"x": "z", "a": {"k": 0}}) == 2
        assert await store.get_all() == [{"x": "y", "a": {"id": 1}}, {"x": "z", "a": {"k": 0, "id": 2}}]
        for name, keys in {
            "same": [1, 2],
            "both": [[1, "y"], [2, "z"]],
            "multi": [1, 2],
            "none": [],
            "other": ["y", "z"],
        }.items():
            assert [row.key for row in await store.index(name).get_all_records()] == keys, name
        await store.delete(1)
        assert await store.index("both").count() == 1


@covers(STORE, "generator-exhausted")
async def a_generator_ends_at_2_to_the_53(bench: Bench) -> None:
    db = await bench.store(auto_increment=True)
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await store.put("a", 2**53 - 1)
        assert await store.put("b") == 2**53
        await failed(ConstraintError, store.put("c").prevent_default())
        assert await store.put("still", "x") == "x"
        await failed(ConstraintError, store.put("d").prevent_default())
        assert await store.count() == 3


@covers(STORE, "generator-exhausted", "by-infinity")
async def infinity_exhausts_a_generator(bench: Bench) -> None:
    db = await bench.store(auto_increment=True)
    async with db.transaction("s", "readwrite") as tx:
        await tx.object_store("s").put("a", float("inf"))
        await failed(ConstraintError, tx.object_store("s").put("b").prevent_default())


UPDATES = {
    "higher": (10, 11),
    "fraction": (10.9, 11),
    "lower": (0.5, 1),
    "negative": (-7, 1),
    "string": ("9", 1),
    "array": ([9], 1),
    "minus-infinity": (float("-inf"), 1),
    "date": (None, 1),
}


def _register_generator() -> None:
    for name, (key, following) in UPDATES.items():
        if key is None:
            continue

        @covers("possibly-update-the-key-generator", "number" if isinstance(key, int | float) else "not-a-number", name)
        async def _(bench: Bench, key: Any = key, following: int = following) -> None:
            db = await bench.store(auto_increment=True)
            async with db.transaction("s", "readwrite") as tx:
                await tx.object_store("s").put("v", key)
                assert await tx.object_store("s").put("w") == following


_register_generator()


@covers("generate-a-key", "increase")
async def a_generated_key_is_used_once(bench: Bench) -> None:
    db = await bench.store(auto_increment=True)
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await store.put("a")
        await store.clear()
        assert await store.put("b") == 2
        await store.delete(2)
        assert await store.put("c") == 3


@covers("generate-a-key", "reverted")
async def an_abort_takes_the_numbers_back(bench: Bench) -> None:
    db = await bench.store(auto_increment=True)
    tx = db.transaction("s", "readwrite")
    await tx.object_store("s").put("a")
    tx.abort()
    await tx.settled()
    async with db.transaction("s", "readwrite") as tx:
        assert await tx.object_store("s").put("b") == 1


@covers("generate-a-key", "reverted", "failed-request")
async def a_failed_request_uses_no_number_up(bench: Bench) -> None:
    db = await bench.store(auto_increment=True, indexes={"u": {"key_path": "u", "unique": True}})
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await store.add({"u": 1})
        await failed(ConstraintError, store.add({"u": 1}).prevent_default())
        assert await store.add({"u": 2}) == 2


@covers(STORE, "no-overwrite")
async def add_does_not_overwrite(bench: Bench) -> None:
    db = await bench.store({1: "old"})
    async with db.transaction("s", "readwrite") as tx:
        problem = await failed(ConstraintError, tx.object_store("s").add("new", 1).prevent_default())
        assert str(problem) == "Key already exists in the object store."
        assert await tx.object_store("s").get(1) == "old"


@covers(STORE, "remove-old")
async def put_replaces_the_record_and_its_index_entries(bench: Bench) -> None:
    db = await bench.store(
        [{"id": 1, "n": ["a", "b"]}], key_path="id", indexes={"i": {"key_path": "n", "multi_entry": True}}
    )
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await store.put({"id": 1, "n": ["b", "c"]})
        assert [row.key for row in await store.index("i").get_all_records()] == ["b", "c"]
        assert await store.count() == 1


@covers(STORE, "index-key-invalid")
async def a_record_without_a_valid_index_key_is_left_out(bench: Bench) -> None:
    db = await bench.store([{"id": 1}, {"id": 2, "n": None}, {"id": 3, "n": "x"}], key_path="id", indexes=BY_N)
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").index("i").get_all_keys() == [3]


@covers(STORE, "unique")
async def a_unique_index_refuses_a_second_record(bench: Bench) -> None:
    db = await bench.store([{"id": 1, "n": "a"}], key_path="id", indexes={"i": {"key_path": "n", "unique": True}})
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        for method in (store.put, store.add):
            problem = await failed(ConstraintError, method({"id": 2, "n": "a"}).prevent_default())
            assert "index 'i'" in str(problem)
        assert await store.put({"id": 1, "n": "a"}) == 1
        assert await store.get_all() == [{"id": 1, "n": "a"}]


@covers(STORE, "unique", "keeps-the-old-record")
async def a_refused_put_keeps_the_old_record(bench: Bench) -> None:
    books = [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]
    db = await bench.store(books, key_path="id", indexes={"i": {"key_path": "n", "unique": True}})
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await failed(ConstraintError, store.put({"id": 2, "n": "a"}).prevent_default())
        assert await store.get_all() == books
        assert await store.index("i").get_all_keys() == [1, 2]


@covers(STORE, "unique-multi-entry")
async def a_unique_multi_entry_index_refuses_one_common_key(bench: Bench) -> None:
    index = {"i": {"key_path": "t", "multi_entry": True, "unique": True}}
    db = await bench.store([{"id": 1, "t": ["a", "b", "b"]}], key_path="id", indexes=index)
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await failed(ConstraintError, store.put({"id": 2, "t": ["c", "a"]}).prevent_default())
        assert await store.put({"id": 3, "t": ["c"]}) == 3
        assert await store.index("i").count() == 3


@covers(STORE, "multi-entry")
async def a_multi_entry_index_has_one_entry_for_each_key(bench: Bench) -> None:
    index = {"i": {"key_path": "t", "multi_entry": True}}
    db = await bench.store([{"id": 1, "t": ["a", "b"]}, {"id": 2, "t": ["b"]}], key_path="id", indexes=index)
    async with db.transaction("s") as tx:
        rows = await tx.object_store("s").index("i").get_all_records()
        assert [(row.key, row.primary_key) for row in rows] == [("a", 1), ("b", 1), ("b", 2)]


@covers(STORE, "result")
async def a_put_gives_the_key(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        assert await tx.object_store("s").put("v", ["k", 1]) == ["k", 1]


# -- Retrieving --


@covers("retrieve-a-value-from-an-object-store", "none")
@covers("retrieve-a-key-from-an-object-store", "none")
async def nothing_is_undefined(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get(1) is UNDEFINED
        assert await tx.object_store("s").get_key(1) is UNDEFINED


@covers("retrieve-a-value-from-an-object-store", "first")
@covers("retrieve-a-key-from-an-object-store", "first")
async def the_first_record_of_a_range(bench: Bench) -> None:
    db = await bench.store({1: "a", 2: "b", 3: "c"})
    async with db.transaction("s") as tx:
        query = IDBKeyRange.lower_bound(1, True)
        assert await tx.object_store("s").get(query) == "b"
        assert await tx.object_store("s").get_key(query) == 2


@covers("retrieve-a-referenced-value-from-an-index", "first")
@covers("retrieve-a-value-from-an-index", "first")
async def the_first_record_of_an_index(bench: Bench) -> None:
    db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
    async with db.transaction("s") as tx:
        index = tx.object_store("s").index("i")
        assert await index.get("b") == BOOKS[1]
        assert await index.get_key("b") == 2


@covers("retrieve-a-referenced-value-from-an-index", "none")
@covers("retrieve-a-value-from-an-index", "none")
async def nothing_in_an_index_is_undefined(bench: Bench) -> None:
    db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").index("i").get("z") is UNDEFINED
        assert await tx.object_store("s").index("i").get_key("z") is UNDEFINED


COUNTS: dict[str, tuple[str, Any, int]] = {
    "absent": ("no-count", None, 6),
    "zero": ("no-count", 0, 6),
    "one": ("count", 1, 1),
    "fraction": ("count", 2.9, 2),
    "more": ("count", 99, 6),
    "largest": ("count", 2**32 - 1, 6),
}
BAD_COUNTS = {
    "negative": -1,
    "nan": float("nan"),
    "infinite": float("inf"),
    "too-large": 2**32,
    "text": "2",
    "none-number": {},
}


def _register_counts() -> None:
    for method in ("get_all", "get_all_keys", "get_all_records"):
        algorithm = f"retrieve-multiple-items-{method}"
        for name, (step, count, expected) in COUNTS.items():

            @covers(algorithm, step, name)
            async def _(bench: Bench, method: str = method, count: Any = count, expected: int = expected) -> None:
                db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
                async with db.transaction("s") as tx:
                    store = tx.object_store("s")
                    assert len(await getattr(store, method)(None, count)) == expected
                    assert len(await getattr(store.index("i"), method)(None, count)) == expected

        for name, bad in BAD_COUNTS.items():

            @covers(algorithm, "enforce-range", name)
            async def _(bench: Bench, method: str = method, count: Any = bad) -> None:
                db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
                async with db.transaction("s") as tx:
                    raised(TypeError, lambda: getattr(tx.object_store("s"), method)(None, count))

        for direction, entries in DIRECTIONS.items():

            @covers(algorithm, "direction", direction)
            async def _(bench: Bench, method: str = method, direction: str = direction, entries: Any = entries) -> None:
                db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
                async with db.transaction("s") as tx:
                    store = tx.object_store("s")
                    ids = [1, 2, 3, 4, 5, 6] if direction.startswith("next") else [6, 5, 4, 3, 2, 1]
                    found = await getattr(store, method)(direction=direction)
                    assert [_shown(method, item) for item in found] == [_wanted(method, key, key) for key in ids]
                    found = await getattr(store.index("i"), method)(direction=direction)
                    assert [_shown(method, item) for item in found] == [_wanted(method, *entry) for entry in entries]

        @covers(algorithm, "direction", "unknown")
        async def _(bench: Bench, method: str = method) -> None:
            db = await bench.store()
            async with db.transaction("s") as tx:
                raised(TypeError, lambda: getattr(tx.object_store("s"), method)(direction="forward"))

        @covers(algorithm, "options")
        async def _(bench: Bench, method: str = method) -> None:
            db = await bench.store(BOOKS, key_path="id")
            async with db.transaction("s") as tx:
                read = getattr(tx.object_store("s"), method)
                options = {"query": IDBKeyRange.lower_bound(3), "count": 2, "direction": "prev"}
                found = await read(options)
                assert [_shown(method, item) for item in found] == [_wanted(method, key, key) for key in (6, 5)]
                assert len(await read({})) == 6

        @covers(algorithm, "empty")
        async def _(bench: Bench, method: str = method) -> None:
            db = await bench.store()
            async with db.transaction("s") as tx:
                assert await getattr(tx.object_store("s"), method)() == []


def _shown(method: str, item: Any) -> Any:
    if method == "get_all_records":
        return (item.key, item.primary_key, item.value["id"])
    return item["id"] if method == "get_all" else item


def _wanted(method: str, key: Any, primary: Any) -> Any:
    return (key, primary, primary) if method == "get_all_records" else primary


_register_counts()


@covers("count-the-records-in-a-range", "count")
async def records_of_a_range_are_counted(bench: Bench) -> None:
    db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").count(IDBKeyRange.bound(2, 4)) == 3
        assert await tx.object_store("s").index("i").count("a") == 3


@covers("delete-records-from-an-object-store", "index-entries")
async def deleting_takes_index_entries_away(bench: Bench) -> None:
    db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
    async with db.transaction("s", "readwrite") as tx:
        assert await tx.object_store("s").delete(IDBKeyRange.bound(1, 3)) is UNDEFINED
        assert await tx.object_store("s").index("i").get_all_keys() == [6, 4, 5]


@covers("clear-an-object-store", "records")
async def clearing_takes_records_and_entries_away(bench: Bench) -> None:
    db = await bench.store(BOOKS, key_path="id", indexes=BY_N)
    async with db.transaction("s", "readwrite") as tx:
        assert await tx.object_store("s").clear() is UNDEFINED
        assert await tx.object_store("s").count() == 0
        assert await tx.object_store("s").index("i").count() == 0


@covers("clear-an-object-store", "records", "many")
async def clearing_many_records_leaves_them_to_the_reclaimer(bench: Bench) -> None:
    db = await bench.store({number: {"n": number} for number in range(600)}, indexes=BY_N, auto_increment=True)
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await store.put("own", 600)
        await store.clear()
        assert await store.count() == 0
        assert await store.put({"n": 1}) == 601
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == [{"n": 1}]
        assert await tx.object_store("s").index("i").get_all_keys() == [601]


@covers(STORE, "arrays-with-properties")
async def an_array_keeps_its_properties(bench: Bench) -> None:
    db = await bench.store({1: Array([1], {"x": 2})})
    async with db.transaction("s") as tx:
        assert (await tx.object_store("s").get(1)).properties == {"x": 2}
