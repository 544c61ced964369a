"""A read-only cursor reads ahead, but by bytes: few large records, many small ones."""

from __future__ import annotations

from typing import Any

import pytest
from idb_support.homes import ORIGIN, open_home

from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db import idb_cursor
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.query import Query, within

SMALL, LINES, BINARY = "x", ["line " * 20] * 1000, bytes(400_000)
"""Of few bytes; of 100 kB in line; of 400 kB out of line."""


@pytest.fixture
async def db(tmp_path):
    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        with await IDBFactory(store).open("d", 1, upgrade=lambda db, *_: db.create_object_store("s")) as db:
            yield db
        store.close()


async def batches(db: Any, monkeypatch: pytest.MonkeyPatch, values: list[Any], direction: str = "next") -> list[int]:
    """How many rows each question of a walk over the values got."""
    async with db.transaction("s", "readwrite") as tx:
        for number, value in enumerate(values):
            tx.object_store("s").put(value, number)
    tx, counts = db.transaction("s"), []
    read = tx.backend.read

    def counting(query: Query, reply: Any) -> None:
        def replying(rows: Any, problem: Any) -> None:
            counts.append(len(rows))
            reply(rows, problem)

        read(query, replying)

    monkeypatch.setattr(tx.backend, "read", counting)
    walked = [cursor.key async for cursor in tx.object_store("s").iterate(None, direction)]
    assert sorted(walked) == list(range(len(values)))
    return counts


@pytest.mark.parametrize("direction", ["next", "prev"])
async def test_many_small_records_are_read_ahead(db, monkeypatch, direction):
    assert await batches(db, monkeypatch, [SMALL] * 90, direction) == [1, 4, 16, 64, 5, 0]


@pytest.mark.parametrize(("value", "most"), [(LINES, 10), (BINARY, 2), (bytes(2 << 20), 1)])
async def test_of_large_records_no_more_are_read_ahead_than_a_mebibyte(db, monkeypatch, value, most):
    counts = await batches(db, monkeypatch, [value] * 30)
    assert max(counts) == most


async def test_a_large_record_among_small_ones_comes_by_itself(db, monkeypatch):
    monkeypatch.setattr(idb_cursor, "_MAX_AHEAD", 300_000)
    assert await batches(db, monkeypatch, [SMALL, SMALL, SMALL, BINARY, SMALL, SMALL]) == [1, 2, 1, 2, 0]


def test_without_a_limit_all_rows_come():
    rows = [(b"k", b"k", b"v" * 100)] * 3
    assert list(within(None, rows)) == rows
    assert list(within(0, rows)) == rows[:1]
