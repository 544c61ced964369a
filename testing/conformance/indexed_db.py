"""What every ``AsyncStore.indexed_db()`` must do, in process or across a socket.

>>> class TestMyDatabases(IndexedDBConformance):
...     @pytest.fixture
...     def opening(self):
...         return open_my_store()  # an asynchronous context manager; the origin is empty
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from ...model_io.store import AsyncStore
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from .database_connections import DatabaseConnections
from .database_names import DatabaseNames
from .database_records import DatabaseRecords
from .database_transactions import DatabaseTransactions
from .database_upgrades import DatabaseUpgrades
from .shop import BOOKS, make_shop


class IndexedDBConformance(DatabaseConnections, DatabaseNames, DatabaseUpgrades, DatabaseRecords, DatabaseTransactions):
    """Inherit, and provide ``opening``."""

    @pytest.fixture
    def opening(self) -> AbstractAsyncContextManager[AsyncStore]:
        raise NotImplementedError("provide the fixture `opening`")

    @pytest.fixture
    async def factory(self, opening: AbstractAsyncContextManager[AsyncStore]) -> AsyncIterator[IDBFactory]:
        async with opening as store:
            yield store.indexed_db()

    @pytest.fixture
    async def shop(self, factory: IDBFactory) -> AsyncIterator[IDBDatabase]:
        """An open database with three books."""
        with await factory.open("shop", 1, upgrade=make_shop) as db:
            async with db.transaction("books", "readwrite") as tx:
                for book in BOOKS:
                    tx.object_store("books").put(book)
            yield db
