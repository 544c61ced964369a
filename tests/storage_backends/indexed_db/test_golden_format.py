"""Format 1 never changes: what is written today is what the golden file holds, and what it holds can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from idb_support.golden import BLOB, VALUES, make_bucket, make_values
from idb_support.homes import ENGINES, ORIGIN, open_home
from idb_support.typed_json import to_json

from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.values import blobs_of, decode, encode

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "indexeddb-1.json").read_text())


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_written_as_ever(name):
    assert make_values()[name].hex() == GOLDEN["values"][name]


@pytest.mark.parametrize("name", [name for name in VALUES if not name.startswith("long-")])
def test_a_value_of_the_golden_file_is_read(name):
    read = decode(bytes.fromhex(GOLDEN["values"][name]), lambda _: memoryview(b""))
    again = decode(encode(VALUES[name], lambda _: BLOB).data, lambda _: memoryview(b""))
    assert json.dumps(_shown(read)) == json.dumps(_shown(again))


def _shown(value):
    return [list(value.shape), to_json(value)] if hasattr(value, "shape") else to_json(value)


@pytest.mark.parametrize("name", [name for name in VALUES if name.startswith("long-")])
def test_what_lies_out_of_line_is_named(name):
    assert blobs_of(bytes.fromhex(GOLDEN["values"][name])) == [BLOB]
    assert BLOB.size == INLINE_LIMIT + 1


async def test_a_bucket_is_written_as_ever():
    assert [[key.hex(), value.hex()] for key, value in await make_bucket()] == GOLDEN["bucket"]


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_golden_bucket_is_read(engine, tmp_path):
    with open_home(engine, tmp_path) as home:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate() as mutation:
            for key, value in GOLDEN["bucket"]:
                mutation.put(bytes.fromhex(key), bytes.fromhex(value))
        mutation.future.result()
        store = IndexedDBBackingStore(bucket, CHROME)
        factory = IDBFactory(store)
        assert await factory.databases() == [("données", 3)]
        with await factory.open("données") as db:
            assert db.object_store_names == ["s", "\ud800 out"]
            async with db.transaction(db.object_store_names, "readwrite") as tx:
                records, out = tx.object_store("s"), tx.object_store("\ud800 out")
                assert (records.key_path, records.auto_increment) == ("id", True)
                assert [row["id"] for row in await records.get_all()] == [1, 2]
                assert [row.key for row in await records.index("multi").get_all_records()] == [0, "x", "y"]
                assert await records.index("unique").get_key([2, "b"]) == 2
                assert await out.get_all_records() == [(1, 1, "after")]
                assert await records.put({}) == 3
        store.close()
