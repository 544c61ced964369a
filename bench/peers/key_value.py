"""Embedded key-value stores, each with durable writes: LevelDB, SQLite, LMDB."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Value = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class KeyValueStore:
    """``put`` is on stable storage when it returns; ``get`` gives the value's length."""

    name: str
    put: Callable[[bytes, Value], object]
    get: Callable[[bytes], int]


@contextmanager
def leveldb(directory: Path) -> Iterator[KeyValueStore]:
    import plyvel

    database = plyvel.DB(str(directory / "leveldb"), create_if_missing=True)
    yield KeyValueStore(
        "LevelDB",
        lambda key, value: database.put(key, bytes(value), sync=True),
        lambda key: len(database.get(key)),
    )
    database.close()


@contextmanager
def sqlite(directory: Path) -> Iterator[KeyValueStore]:
    database = sqlite3.connect(directory / "sqlite.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE items (key BLOB PRIMARY KEY, value BLOB)")

    def get(key: bytes) -> int:
        return len(database.execute("SELECT value FROM items WHERE key = ?", (key,)).fetchone()[0])

    yield KeyValueStore(
        "SQLite", lambda key, value: database.execute("REPLACE INTO items VALUES (?, ?)", (key, value)), get
    )
    database.close()


@contextmanager
def lmdb(directory: Path) -> Iterator[KeyValueStore]:
    import lmdb as binding

    environment = binding.open(str(directory / "lmdb"), map_size=1 << 32)

    def put(key: bytes, value: Value) -> None:
        with environment.begin(write=True) as transaction:
            transaction.put(key, value)

    def get(key: bytes) -> int:
        with environment.begin() as transaction:
            return len(transaction.get(key) or b"")

    yield KeyValueStore("LMDB", put, get)
    environment.close()
