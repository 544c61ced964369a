"""Damage that a checksum did not catch is an error that names the object, and harms nothing else."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ORIGIN, open_home

from tfjsd.errors import AbortError, CorruptionError, UnknownError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.layout import NEXT_ID, database_key, prefix_of, store_key
from tfjsd.storage_backends.indexed_db.record_head import read_head
from tfjsd.storage_backends.indexed_db.schema import DatabaseSchema, IndexSchema, StoreSchema
from tfjsd.storage_backends.indexed_db.schema_form import decode_schema, encode_schema, schema_to_form
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


async def test_a_damaged_next_id_is_named(tmp_path):
    stack, factory = await damage(tmp_path, NEXT_ID, b"\x01")
    with stack:
        for _ in range(2):
            with pytest.raises(UnknownError, match="next id is damaged"):
                await factory.open("new", 1, upgrade=make)
        with await factory.open("shop") as db:
            assert await db.transaction("s").object_store("s").get_all() == ["value"]
