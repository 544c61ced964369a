"""Transactions that a fault interrupts, and what they start from. ``python -m idb_support.faulted home operation``."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import fault_injection

import tfjsd
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_database import IDBDatabase
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

from .agreement import disagreements, generators
from .typed_json import to_json

LARGE = 200_000
MANY = 600
"""More records than a transaction deletes one by one."""


def large(number: int) -> bytes:
    return bytes((number,)) * LARGE


def person(number: int) -> dict[str, Any]:
    return {"n": number, "tags": ["all", f"t{number % 3}"], "name": f"person {number}"}


def make(db: IDBDatabase, _tx: Any, _old: int, _new: int) -> None:
    people = db.create_object_store("people", "id", True)
    people.create_index("n", "n", unique=True)
    people.create_index("tags", "tags", multi_entry=True)
    db.create_object_store("files")
    db.create_object_store("many").create_index("n", "n")


async def fill(home: Path) -> None:
    """A home with one database of everything."""
    async with tfjsd.aopen_store(home) as store:
        with await store.indexed_db().open("d", 1, upgrade=make) as db:
            async with db.transaction(["people", "files", "many"], "readwrite") as tx:
                for number in range(5):
                    tx.object_store("people").put(person(number))
                tx.object_store("files").put({"data": large(1), "n": 1}, "one")
                tx.object_store("files").put({"data": large(2), "n": 2}, "two")
                for number in range(MANY):
                    tx.object_store("many").put({"n": number % 7}, number)


async def several_stores(factory: IDBFactory) -> None:
    with await factory.open("d") as db:
        fault_injection.begin()
        async with db.transaction(["people", "files", "many"], "readwrite") as tx:
            people, files = tx.object_store("people"), tx.object_store("files")
            await people.put(person(10))
            people.put(person(11) | {"id": 2})
            people.put(person(12) | {"id": 40})
            await people.delete(3)
            files.put({"data": large(3), "n": 3}, "three")
            tx.object_store("many").delete(tfjsd.IDBKeyRange.bound(10, 20))


async def replace_large(factory: IDBFactory) -> None:
    with await factory.open("d") as db:
        fault_injection.begin()
        async with db.transaction("files", "readwrite") as tx:
            files = tx.object_store("files")
            files.put({"data": large(3), "more": large(4)}, "one")
            files.put({"data": large(1)}, "three")  # a blob that another record just let go
            files.delete("two")


async def relaxed(factory: IDBFactory) -> None:
    with await factory.open("d") as db:
        fault_injection.begin()
        async with db.transaction(["people", "files"], "readwrite", durability="relaxed") as tx:
            tx.object_store("people").put(person(10))
            tx.object_store("files").put(large(5), "five")


async def clear_few(factory: IDBFactory) -> None:
    with await factory.open("d") as db:
        fault_injection.begin()
        async with db.transaction(["people", "files"], "readwrite") as tx:
            tx.object_store("people").clear()
            tx.object_store("files").clear()
            tx.object_store("people").put(person(20))


async def clear_many(factory: IDBFactory) -> None:
    """The records die at once and are deleted later."""
    with await factory.open("d") as db:
        fault_injection.begin()
        async with db.transaction("many", "readwrite") as tx:
            tx.object_store("many").clear()
            tx.object_store("many").put({"n": 1}, "new")


async def upgrade(factory: IDBFactory) -> None:
    fault_injection.begin()
    (await factory.open("d", 2, upgrade=_upgrade)).close()


async def _upgrade(db: IDBDatabase, tx: Any, _old: int, _new: int) -> None:
    people, files = tx.object_store("people"), tx.object_store("files")
    people.create_index("name", "name")
    people.delete_index("tags")
    people.index("n").name = "number"
    people.name = "persons"
    files.create_index("n", "n", unique=True)
    db.delete_object_store("many")
    new = db.create_object_store("many", auto_increment=True)
    await new.put({"data": large(6)})
    await people.put(person(30))
    await files.delete("one")


async def aborted_upgrade(factory: IDBFactory) -> None:
    async def change(db: IDBDatabase, tx: Any, old: int, new: int) -> None:
        await _upgrade(db, tx, old, new)
        tx.abort()

    fault_injection.begin()
    try:
        await factory.open("d", 2, upgrade=change)
    except tfjsd.AbortError:
        (await factory.open("d")).close()


async def abort(factory: IDBFactory) -> None:
    with await factory.open("d") as db:
        fault_injection.begin()
        tx = db.transaction(["people", "files"], "readwrite")
        await tx.object_store("people").put(person(10))
        await tx.object_store("files").put(large(7), "seven")
        await tx.object_store("files").delete("one")
        tx.abort()
        await tx.settled()


async def new_database(factory: IDBFactory) -> None:
    fault_injection.begin()
    (await factory.open("e", 3, upgrade=make)).close()


async def delete_database(factory: IDBFactory) -> None:
    fault_injection.begin()
    await factory.delete_database("d")


OPERATIONS: dict[str, Callable[[IDBFactory], Awaitable[None]]] = {
    "several stores": several_stores,
    "replace large": replace_large,
    "relaxed": relaxed,
    "clear few": clear_few,
    "clear many": clear_many,
    "upgrade": upgrade,
    "aborted upgrade": aborted_upgrade,
    "abort": abort,
    "new database": new_database,
    "delete database": delete_database,
}
CHANGING_NOTHING = ("aborted upgrade", "abort")


async def follow_up(factory: IDBFactory) -> None:
    """What another part of the same program does afterwards."""
    with await factory.open("after", 1, upgrade=lambda db, *_: db.create_object_store("s")) as db:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put(large(9), 1)


async def attempt(work: Callable[[IDBFactory], Awaitable[None]], factory: IDBFactory) -> None:
    """Prints ``done`` or the error's name, and its cause's where that is none of IndexedDB's own."""
    try:
        await work(factory)
    except tfjsd.TfjsdError as error:
        print(*[type(problem).__name__ for problem in (error, error.__cause__) if problem is not None], flush=True)
    else:
        print("done", flush=True)
    assert isinstance(factory._store, IndexedDBBackingStore)
    thread = factory._store.reclaimer._thread
    if thread is not None:  # else it is chance how many system calls there are
        await asyncio.to_thread(thread.join)


class Here:
    """A pool whose work the thread that made it does itself."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._thread = threading.get_ident()

    def submit(self, work: Callable[..., Any], *arguments: Any) -> None:
        if threading.get_ident() == self._thread:
            work(*arguments)
        else:
            self._pool.submit(work, *arguments)


def work_in_one_thread(store: Any) -> None:
    """A fault hits the N-th call of whichever thread makes so many first: only one that makes all is hit at each."""
    bucket, databases = store._store.storage.bucket, store._store.storage.databases
    bucket._queue._pool = bucket._in_background._pool = Here(bucket._queue._pool)
    databases.staging.close()


async def main(home: str, operation: str) -> None:
    async with tfjsd.aopen_store(home) as store:
        work_in_one_thread(store)
        await attempt(OPERATIONS[operation], store.indexed_db())
        await attempt(follow_up, store.indexed_db())


Contents = dict[str, Any]


async def contents(home: Path) -> Contents:
    """Everything that IndexedDB shows of a home, by database; what is stored agrees with itself."""
    async with tfjsd.aopen_store(home) as store:
        bucket = store._store.storage.bucket
        wrong = disagreements(bucket)
        assert not wrong, wrong
        factory, following = store.indexed_db(), generators(bucket)
        found = {}
        for name, version in await factory.databases():
            with await factory.open(name) as db:
                stores = await _stores(db) if db.object_store_names else {}
            next_numbers = {store: number for (database, store), number in following.items() if database == name}
            found[name] = [version, next_numbers, stores]
        return found


async def _stores(db: IDBDatabase) -> dict[str, Any]:
    async with db.transaction(db.object_store_names) as tx:
        return {name: await _records(tx.object_store(name)) for name in db.object_store_names}


async def _records(store: Any) -> dict[str, Any]:
    found = {"": await _rows(store), "made": [store.key_path, store.auto_increment]}
    for name in store.index_names:
        index = store.index(name)
        found[name] = [index.key_path, index.unique, index.multi_entry, await _rows(index)]
    return found


async def _rows(source: Any) -> list[Any]:
    rows = await source.get_all_records()
    return [[row.key, row.primary_key, to_json(_short(row.value))] for row in rows]


def _short(value: Any) -> Any:
    """Large binaries by their first byte and their length; they are of one byte all through."""
    if isinstance(value, memoryview):
        assert value == bytes((value[0],)) * len(value)
        return [value[0], len(value)]
    return {key: _short(item) for key, item in value.items()} if isinstance(value, dict) else value


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
