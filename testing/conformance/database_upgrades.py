"""What every IndexedDB must do in an upgrade: change the schema whole, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from ...errors import AbortError, ConstraintError
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from ...storage_backends.indexed_db.idb_transaction import IDBTransaction


class DatabaseUpgrades:
    """Needs fixtures ``factory`` and ``shop``, a database with `BOOKS`."""

    async def test_an_upgrade_changes_stores_and_indexes(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        shop.close()

        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            books = tx.object_store("books")
            books.name = "volumes"
            books.index("by_author").name = "authors"
            books.create_index("pairs", ["author", "isbn"], unique=True)
            db.delete_object_store("log")

        with await factory.open("shop", 2, upgrade=upgrade) as db:
            assert db.object_store_names == ["volumes"]
            volumes = db.transaction("volumes").object_store("volumes")
            assert volumes.index_names == ["authors", "pairs"]
            assert await volumes.index("pairs").get_key(["b", 3]) == 3
            assert await volumes.index("authors").get_all_keys("b") == [2, 3]

    async def test_an_upgrade_that_raises_is_taken_back(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        shop.close()

        async def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            db.delete_object_store("log")
            tx.object_store("books").name = "volumes"
            await tx.object_store("volumes").clear()
            raise ValueError("no")

        with pytest.raises(AbortError) as caught:
            await factory.open("shop", 2, upgrade=upgrade)
        assert isinstance(caught.value.__cause__, ValueError)
        with await factory.open("shop") as db:
            assert (db.version, db.object_store_names) == (1, ["books", "log"])
            assert await db.transaction("books").object_store("books").count() == 3

    @pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit, ValueError])
    @pytest.mark.parametrize("is_async", [False, True])
    async def test_whatever_an_upgrade_raises_takes_it_back(
        self, factory: IDBFactory, kind: type[BaseException], is_async: bool
    ) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # an unfinished task is told of

        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            db.create_object_store("s")
            raise kind("no")

        async def asynchronous(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            await tx.db.create_object_store("t").put(1, 1)
            upgrade(db, tx, old, new)

        with pytest.raises(AbortError) as caught:
            async with asyncio.timeout(20):
                await factory.open("d", 1, upgrade=asynchronous if is_async else upgrade)
        assert isinstance(caught.value.__cause__, kind)
        assert await factory.databases() == []

    async def test_an_index_that_cannot_be_unique_aborts_the_upgrade(
        self, factory: IDBFactory, shop: IDBDatabase
    ) -> None:
        shop.close()

        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            tx.object_store("books").create_index("unique", "author", unique=True)

        with pytest.raises(AbortError) as caught:
            await factory.open("shop", 2, upgrade=upgrade)
        assert isinstance(caught.value.__cause__, ConstraintError)
