"""What every IndexedDB must do with records: keep, order and find them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_key_range import IDBKeyRange
from ...storage_backends.script_types import UNDEFINED


class DatabaseRecords:
    """Needs a fixture ``shop``: a database with `BOOKS`."""

    async def test_records_are_read_in_order(self, shop: IDBDatabase) -> None:
        books = shop.transaction("books").object_store("books")
        assert [book["isbn"] for book in await books.get_all()] == [1, 2, 3]
        assert await books.get(2) == {"isbn": 2, "author": "b"}
        assert await books.get(9) is UNDEFINED
        assert await books.get_all_keys(IDBKeyRange.lower_bound(1, True), 1) == [2]
        assert await books.count(IDBKeyRange.bound(1, 2)) == 2
        assert [record.key for record in await books.index("by_author").get_all_records()] == ["a", "b", "b"]

    async def test_keys_are_generated(self, shop: IDBDatabase) -> None:
        tx = shop.transaction("log", "readwrite")
        log = tx.object_store("log")
        assert [await log.add("a"), await log.put("b", 10), await log.add("c")] == [1, 10, 11]
        await tx.done

    async def test_cursors_walk_update_and_delete(self, shop: IDBDatabase) -> None:
        async with shop.transaction("books", "readwrite") as tx:
            books = tx.object_store("books")
            async for cursor in books.iterate(None, "prev"):
                if cursor.key == 3:
                    await cursor.delete()
                else:
                    await cursor.update({"isbn": cursor.key, "author": "new"})
        books = shop.transaction("books").object_store("books")
        assert [(book["isbn"], book["author"]) for book in await books.get_all()] == [(1, "new"), (2, "new")]

    async def test_a_cursor_goes_where_it_is_sent(self, shop: IDBDatabase) -> None:
        async with shop.transaction("log", "readwrite") as tx:
            for number in range(300):
                tx.object_store("log").put(number, number)
        log = shop.transaction("log").object_store("log")
        cursor: Any = await log.open_cursor(IDBKeyRange.lower_bound(10))
        seen = [cursor.key]
        for _ in range(100):
            cursor = await cursor.continue_()
            seen.append(cursor.value)
        cursor = await cursor.advance(50)
        cursor = await cursor.continue_(250)
        assert (seen, cursor.key) == (list(range(10, 111)), 250)
        assert await (await cursor.continue_(299)).continue_() is None

    async def test_values_come_back_as_they_were(self, shop: IDBDatabase) -> None:
        shared = [1]
        value = {
            "numbers": [0, -1, 1.5, 2**60, -0.0],
            "none": [None, UNDEFINED, True],
            "text": "ä\ud800😀" * 10,
            "bytes": bytes(range(256)),
            "large": bytes(range(256)) * 2000,
            "long": "x" * 300_000,
            "date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "map": {1: "a"},
            "set": {1, 2},
            "shared": [shared, shared],
        }
        async with shop.transaction("log", "readwrite") as tx:
            await tx.object_store("log").put(value, "v")
        found = await shop.transaction("log").object_store("log").get("v")
        assert list(found) == list(value)
        assert all(found[name] == value[name] for name in value if name not in ("map", "set"))
        assert found["shared"][0] is found["shared"][1]
        assert (dict(found["map"]), set(found["set"])) == ({1: "a"}, {1, 2})

    async def test_arrays_keep_dtype_and_shape(self, shop: IDBDatabase) -> None:
        numpy = pytest.importorskip("numpy")
        matrix = numpy.arange(6, dtype="float32").reshape(2, 3)
        arrays = [matrix, numpy.ones((200, 300), "float64"), numpy.zeros(0, "int8")]
        async with shop.transaction("log", "readwrite") as tx:
            tx.object_store("log").put(arrays, "a")
        found = await shop.transaction("log").object_store("log").get("a")
        assert [(array.dtype, array.shape) for array in found] == [(array.dtype, array.shape) for array in arrays]
        assert all((got == put).all() for got, put in zip(found, arrays, strict=True))
