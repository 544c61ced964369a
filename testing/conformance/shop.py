"""The database that the suites read and change: a shop with three books and an empty log."""

from __future__ import annotations

from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_transaction import IDBTransaction

BOOKS = [{"isbn": 3, "author": "b"}, {"isbn": 1, "author": "a"}, {"isbn": 2, "author": "b"}]


def make_shop(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
    """Books by number, with an index of authors, and a store whose keys are generated."""
    books = db.create_object_store("books", key_path="isbn")
    books.create_index("by_author", "author")
    db.create_object_store("log", auto_increment=True)
