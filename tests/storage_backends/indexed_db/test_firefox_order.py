"""The places that Firefox's error texts name."""

from __future__ import annotations

from typing import Any

from idb_support.homes import ORIGIN, open_home

from tfjsd.errors import ConstraintError
from tfjsd.storage_backends.browsers import FIREFOX
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

NAMES = [f"s{number:02}" for number in range(14)]
AFTER_OPENING = [3, 0, 2, 12, 10, 13, 8, 11, 9, 6, 7, 4, 1, 5]
"""Of fourteen stores, and of fourteen indexes, made in this order: measured with Firefox 153."""


def place(call: Any, *arguments: Any) -> int:
    try:
        call(*arguments)
    except ConstraintError as problem:
        return int(problem.message.rpartition("index '")[2].rstrip("'"))
    raise AssertionError("it was not there")


async def test_places_are_those_of_the_hash_table_once_the_database_was_opened(tmp_path):
    found: dict[int, list[list[int]]] = {}

    def upgrade(db, tx, _old, new):
        if new == 1:
            for name in NAMES:
                db.create_object_store(name)
            for name in NAMES:
                tx.object_store(NAMES[0]).create_index(name, "n")
        if new == 3:
            db.delete_object_store(NAMES[1])
            db.create_object_store(NAMES[1])
        stores = [place(db.create_object_store, name) for name in NAMES]
        indexes = [place(tx.object_store(NAMES[0]).create_index, name, "n") for name in NAMES]
        found[new] = [stores, indexes]

    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), FIREFOX)
        for version in (1, 2, 3):
            (await IDBFactory(store).open("d", version, upgrade=upgrade)).close()
        store.close()
    assert found[1] == [list(range(14))] * 2
    assert found[2] == [AFTER_OPENING] * 2
    moved = [place - 1 for place in AFTER_OPENING]  # the first one is the last one now
    moved[1] = 13
    assert found[3] == [moved, AFTER_OPENING]
