"""Damage that a checksum did not catch is an error that names the object, and harms nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ORIGIN, open_home

from tfjsd.errors import AbortError, CorruptionError, UnknownError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db import held_blobs, store_records
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.key_coding import encode_key
from tfjsd.storage_backends.indexed_db.layout import NEXT_ID, database_key, prefix_of, store_key
from tfjsd.storage_backends.indexed_db.record_head import read_head, stored_blobs, value_of, write_head
from tfjsd.storage_backends.indexed_db.schema import DatabaseSchema, IndexSchema, StoreSchema
from tfjsd.storage_backends.indexed_db.schema_form import decode_schema, encode_schema, schema_to_form
from tfjsd.storage_backends.indexed_db.store_indexes import StoreIndexes
from tfjsd.storage_backends.script_types import UNDEFINED
from tfjsd.storage_backends.values import cannot_stage, decode, encode

SCHEMA = DatabaseSchema(
    1,
    "shop",
    2,
    2,
    {"books": StoreSchema(1, "books", ["a", "b.c"], False, {"by": IndexSchema(2, "by", "author", True, False)})},
)


def test_a_schema_reads_back_as_it_was():
    assert decode_schema(encode_schema(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("gone", ["id", "name", "version", "lastId", "stores"])
@pytest.mark.parametrize("other", [UNDEFINED, None, "x", -1, 1.5, [1], {}])
def test_an_odd_member_of_a_schema_is_damage(gone, other):
    form = schema_to_form(SCHEMA) | {gone: other}
    if gone == "name" and other == "x":
        return
    with pytest.raises(CorruptionError, match='"id"' if other == [1] and gone == "stores" else f'"{gone}"'):
        decode_schema(encode(form, cannot_stage).data)


@pytest.mark.parametrize("value", [UNDEFINED, None, 1, "x", [], {}])
def test_what_is_no_schema_is_damage(value):
    with pytest.raises(CorruptionError, match="schema is damaged"):
        decode_schema(encode(value, cannot_stage).data)


def test_any_byte_of_a_schema_may_change():
    data = encode_schema(SCHEMA)
    for place in range(len(data)):
        for byte in range(256):
            changed = data[:place] + bytes((byte,)) + data[place + 1 :]
            with contextlib.suppress(CorruptionError):
                assert isinstance(decode_schema(changed), DatabaseSchema)


def test_any_byte_of_a_record_may_change():
    record = b"\x0c\x02\x00\x00\x00\x02\x05\x30abc\x00\x00" + encode({"n": [1.5, "x"]}, cannot_stage).data
    for place in range(len(record)):
        for byte in range(256):
            changed = record[:place] + bytes((byte,)) + record[place + 1 :]
            with contextlib.suppress(CorruptionError):
                decode(changed[read_head(changed)[2] :], lambda _: memoryview(b""))


@contextlib.contextmanager
def opened(tmp_path):
    with open_home("memory", tmp_path) as home:
        bucket = home.bucket(ORIGIN)
        store = IndexedDBBackingStore(bucket, CHROME)
        yield bucket, IDBFactory(store)
        store.close()


def make(db, tx, _old, _new):
    db.create_object_store("s", auto_increment=True)
    tx.object_store("s").put("value")


async def damage(tmp_path, key, bytes_):
    """A factory on two databases of which one got a record of other bytes."""
    stack = contextlib.ExitStack()
    bucket, factory = stack.enter_context(opened(tmp_path))
    for name in ("whole", "shop"):
        (await factory.open(name, 1, upgrade=make)).close()
    assert disagreements(bucket) == []
    found = next(found for found, _ in bucket.scan(key, None) if found.startswith(key))
    with bucket.mutate() as mutation:
        mutation.put(found, bytes_)
    mutation.future.result()
    return stack, IDBFactory(IndexedDBBackingStore(bucket, CHROME))


@pytest.mark.parametrize(
    "record", [b"", b"\x01", encode({}, cannot_stage).data, encode_schema(DatabaseSchema(9, "other", 1))]
)
async def test_a_damaged_database_is_named_and_others_open(tmp_path, record):
    stack, factory = await damage(tmp_path, database_key("shop"), record)
    with stack:
        with pytest.raises(UnknownError, match="database 'shop' is damaged") as caught:
            await factory.open("shop")
        assert isinstance(caught.value.__cause__, CorruptionError)
        assert await factory.databases() == [("shop", 0), ("whole", 1)]
        with await factory.open("whole") as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]


NAMED_BY_A_NUMBER: Any = StoreSchema(1, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("record", [b"", encode_schema(DatabaseSchema(2, "shop", 1, 1, {"s": NAMED_BY_A_NUMBER}))])
async def test_a_damaged_database_can_be_deleted_with_all_it_held(tmp_path, record):
    stack, factory = await damage(tmp_path, database_key("shop"), record)
    with stack:
        await factory.delete_database("shop")
        assert await factory.databases() == [("whole", 1)]
        factory._store.make_room()
        assert disagreements(factory._store.bucket) == []
        with await factory.open("whole") as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]
        with await factory.open("shop", 1, upgrade=make) as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]


async def test_of_two_damaged_databases_each_can_be_deleted(tmp_path):
    stack, factory = await damage(tmp_path, database_key("shop"), b"")
    with stack:
        bucket = factory._store.bucket
        with bucket.mutate() as mutation:
            mutation.put(database_key("other"), b"\x01")
        for name in ("other", "shop"):
            await factory.delete_database(name)
        factory._store.make_room()
        assert disagreements(bucket) == []
        with await factory.open("whole") as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]


@pytest.mark.parametrize(
    ("key", "record", "named"),
    [
        (store_key(3, 1), b"\x00\x00", "place of the object store 's' is damaged"),
        (prefix_of(3, 4), b"", "cut short|object store 's' of the database 'shop' is damaged"),
        (prefix_of(3, 4), b"\x00\x07", "object store 's' of the database 'shop' is damaged"),
        (prefix_of(3, 4), b"\x00\x01\x00\x99\x99", "object store 's' of the database 'shop' is damaged"),
    ],
)
async def test_a_damaged_store_is_named(tmp_path, key, record, named):
    stack, factory = await damage(tmp_path, key, record)
    with stack:
        with await factory.open("shop") as db:
            tx = db.transaction("s")
            with pytest.raises(UnknownError, match=named) as caught:
                await tx.object_store("s").get_all()
            assert isinstance(caught.value.__cause__, CorruptionError)
            with pytest.raises(UnknownError):
                await tx.done
        with await factory.open("whole") as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]


@pytest.mark.parametrize(("path", "needs_it"), [("n", False), ("t.length", False), ("b", True), ("t", True)])
async def test_an_index_is_made_over_a_damaged_binary_that_it_does_not_look_at(tmp_path, path, needs_it):
    def fill(db, tx, _old, _new):
        size = INLINE_LIMIT + 1
        db.create_object_store("s").put({"n": 1, "b": b"b" * size, "t": "t" * size}, "key")

    def index(db, tx, _old, _new):
        tx.object_store("s").create_index("i", path)

    with opened(tmp_path) as (bucket, factory):
        (await factory.open("d", 1, upgrade=fill)).close()
        for digest in list(bucket.blobs._data):
            bucket.blobs._data[digest] = b"damaged"
        opening = factory.open("d", 2, upgrade=index)
        if needs_it:
            with pytest.raises(AbortError) as caught:
                await opening
            assert isinstance(caught.value.__cause__.__cause__, CorruptionError)
            return
        with await opening as db:
            assert await db.transaction("s").object_store("s").index("i").get_all_keys() == ["key"]


DAMAGED = [b"", b"\x00", b"\x00\x07", b"\x7f\x02", b"\x80", b"\x00\x01\x01\x05", bytes(40), b"\x00\x02\x00zz"]
"""Heads and tables of blobs that cannot be read, some of them behind a head that can."""

SHARED = b"s" * (INLINE_LIMIT + 1)

WAYS_OUT: dict[str, Callable[[Any], Awaitable[object]]] = {
    "put": lambda store: store.put({"a": 9, "large": SHARED}, 1),
    "put without entries": lambda store: store.put("nothing", 1),
    "delete": lambda store: store.delete(1),
    "delete a range": lambda store: store.delete(IDBKeyRange.lower_bound(1)),
    "clear": lambda store: store.clear(),
}


def fill(db, _tx, _old, _new):
    store = db.create_object_store("s")
    store.create_index("a", "a", unique=True)
    for key in range(3):
        store.put({"a": key, "m": [key, "all"], "large": SHARED, "own": SHARED + bytes([key])}, key)


def index_later(_db, tx, _old, _new):
    tx.object_store("s").create_index("m", "m", multi_entry=True)


@contextlib.asynccontextmanager
async def with_a_damaged_record(tmp_path, record):
    """A database whose second record of three has other bytes."""
    with opened(tmp_path) as (bucket, factory):
        (await factory.open("d", 1, upgrade=fill)).close()
        (await factory.open("d", 2, upgrade=index_later)).close()
        assert disagreements(bucket) == []
        own = prefix_of(1, 2)
        key = [key for key, _ in bucket.scan(own, own + b"\xff")][1]
        with bucket.mutate() as mutation:
            mutation.put(key, record if isinstance(record, bytes) else record(bucket.get(key)))
        mutation.future.result()
        yield bucket, factory


async def leave(factory, way):
    with await factory.open("d") as db:
        tx = db.transaction("s", "readwrite")
        with pytest.raises(UnknownError):
            await tx.object_store("s").get_all()
        tx = db.transaction("s", "readwrite")
        await WAYS_OUT[way](tx.object_store("s"))
        await tx.done
    factory._store.make_room()


@pytest.mark.parametrize("record", DAMAGED)
@pytest.mark.parametrize("way", WAYS_OUT)
async def test_a_damaged_record_can_be_replaced_and_deleted(tmp_path, way, record):
    async with with_a_damaged_record(tmp_path, record) as (bucket, factory):
        await leave(factory, way)
        assert disagreements(bucket) == []
        left = {"put": [0, 2, 9], "delete a range": [0], "clear": []}.get(way, [0, 2])
        with await factory.open("d") as db:
            store = db.transaction("s").object_store("s")
            assert [value["a"] for value in await store.index("a").get_all()] == left
            assert await store.index("m").get_all_keys("all") == [key for key in left if key != 9]


def with_another_key(record):
    """Its head names an entry that is not there."""
    return write_head([(index, encode_key(7)) for index, _ in read_head(record)[0]], None) + value_of(record)


def with_another_blob(record):
    """It names a blob that it does not refer to."""
    named = bytes.fromhex(stored_blobs(prefix_of(1, 2) + b"key", record)[0].digest)
    return record.replace(named, bytes(32))


@pytest.mark.parametrize("lie", [with_another_key, with_another_blob])
@pytest.mark.parametrize("way", WAYS_OUT)
async def test_a_record_that_names_what_is_not_there_can_be_replaced_and_deleted(tmp_path, way, lie):
    async with with_a_damaged_record(tmp_path, lie) as (bucket, factory):
        with await factory.open("d") as db:
            async with db.transaction("s", "readwrite") as tx:
                await WAYS_OUT[way](tx.object_store("s"))
        factory._store.make_room()
        assert disagreements(bucket) == []


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("record", DAMAGED)
async def test_a_damaged_record_goes_with_its_store_or_database(tmp_path, monkeypatch, record, at_once):
    def drop(db, _tx, _old, _new):
        db.delete_object_store("s")

    if not at_once:
        monkeypatch.setattr(store_records, "_CLEAR_AT_ONCE", 0)
    async with with_a_damaged_record(tmp_path, record) as (bucket, factory):
        (await factory.open("d", 3, upgrade=drop)).close()
        factory._store.make_room()
        assert disagreements(bucket) == []
        assert bucket.bytes_used() < 1000
    async with with_a_damaged_record(tmp_path / "other", record) as (bucket, factory):
        await factory.delete_database("d")
        factory._store.make_room()
        assert disagreements(bucket) == []
        assert bucket.bytes_used() < 1000


@pytest.mark.parametrize(
    ("place", "what", "said"),
    [(StoreIndexes, "_search", "does not agree"), (held_blobs, "_referred", "refers to a blob for nothing")],
)
async def test_the_check_catches_what_a_damaged_record_leaves_behind(tmp_path, monkeypatch, place, what, said):
    """The negative control: what the record does not name is not looked for."""
    monkeypatch.setattr(place, what, lambda *_: [])
    async with with_a_damaged_record(tmp_path, b"") as (bucket, factory):
        await leave(factory, "delete")
        assert any(said in found for found in disagreements(bucket))


async def test_a_damaged_next_id_is_named(tmp_path):
    stack, factory = await damage(tmp_path, NEXT_ID, b"\x01")
    with stack:
        for _ in range(2):
            with pytest.raises(UnknownError, match="next id is damaged"):
                await factory.open("new", 1, upgrade=make)
        with await factory.open("shop") as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]
