"""What every IndexedDB must do with names."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ConstraintError
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from ...storage_backends.indexed_db.idb_transaction import IDBTransaction


class DatabaseNames:
    """Needs a fixture ``factory``."""

    async def test_names_are_kept_to_the_code_unit(self, factory: IDBFactory) -> None:
        names = ["", "ä/\n😀", "\ud800", "a" * 300]
        for name in names:
            (await factory.open(name)).close()
        assert sorted(info.name for info in await factory.databases()) == sorted(names)

    @pytest.mark.parametrize("name", [5, None, b"x", 1.5, ["s"]])
    async def test_names_that_are_no_strings_are_refused(self, factory: IDBFactory, name: Any) -> None:
        refused: list[str] = []

        def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
            store = db.create_object_store("s")
            index = store.create_index("i", "a")
            for which, call in (
                ("create a store", lambda: db.create_object_store(name)),
                ("delete a store", lambda: db.delete_object_store(name)),
                ("rename a store", lambda: setattr(store, "name", name)),
                ("create an index", lambda: store.create_index(name, "a")),
                ("delete an index", lambda: store.delete_index(name)),
                ("rename an index", lambda: setattr(index, "name", name)),
                ("find an index", lambda: store.index(name)),
                ("find a store", lambda: tx.object_store(name)),
            ):
                with pytest.raises(TypeError):
                    call()
                refused.append(which)

        with await factory.open("d", 1, upgrade=upgrade) as db:
            assert (len(refused), db.object_store_names) == (8, ["s"])
            with pytest.raises(TypeError):
                db.transaction([name])
        for call in (factory.open, factory.delete_database):
            with pytest.raises(TypeError):
                call(name)
        assert await factory.databases() == [("d", 1)]

    async def test_a_character_and_its_surrogates_are_one_name(self, factory: IDBFactory) -> None:
        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            store = db.create_object_store("😀")
            store.create_index("\ud83d\ude00", "n")
            with pytest.raises(ConstraintError):
                db.create_object_store("\ud83d\ude00")
            with pytest.raises(ConstraintError):
                store.create_index("😀", "n")

        (await factory.open("d", 1, upgrade=upgrade)).close()
        with await factory.open("d") as db:
            store = db.transaction("\ud83d\ude00").object_store("\ud83d\ude00")
            assert (store.name, store.index("\ud83d\ude00").name) == ("😀", "😀")
            assert store.index("\ud83d\ude00") is store.index("😀")
