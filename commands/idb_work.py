"""What the ``idb`` verbs ask of an origin's databases; coroutine functions for ``Client.run``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ..model_io.store import AsyncStore
    from ..storage_backends.indexed_db.idb_database import IDBDatabase
    from ..storage_backends.indexed_db.idb_key_range import IDBKeyRange


async def databases(client: AsyncStore) -> list[tuple[str, int]]:
    return [(info.name, info.version) for info in await client.indexed_db().databases()]


async def stores(client: AsyncStore, name: str) -> dict[str, Any]:
    """Name, version and stores of a database."""
    async with _opened(client, name) as db:
        found = []
        for store_name in db.object_store_names:
            store = db.transaction(store_name).object_store(store_name)
            indexes = [store.index(index_name) for index_name in store.index_names]
            found.append(
                {
                    "name": store_name,
                    "keyPath": store.key_path,
                    "autoIncrement": store.auto_increment,
                    "records": await store.count(),
                    "indexes": [
                        {
                            "name": index.name,
                            "keyPath": index.key_path,
                            "unique": index.unique,
                            "multiEntry": index.multi_entry,
                        }
                        for index in indexes
                    ],
                }
            )
        return {"name": db.name, "version": db.version, "stores": found}


async def get(client: AsyncStore, name: str, store: str, key: Any) -> tuple[bool, Any]:
    """Whether there is a record, and its value."""
    async with _opened(client, name) as db:
        source = _source(db, store)
        count, value = source.count(key), source.get(key)
        return bool(await count), await value


async def put(client: AsyncStore, name: str, store: str, value: Any, key: Any) -> Any:
    """Stores a value durably; gives its key."""
    async with _opened(client, name) as db:
        _check_named(db, store)
        tx = db.transaction(store, "readwrite")
        stored = await tx.object_store(store).put(value, key)
        await tx.done
        return stored


async def count(client: AsyncStore, name: str, store: str, index: str | None, query: IDBKeyRange | None) -> int:
    async with _opened(client, name) as db:
        number: int = await _source(db, store, index).count(query)
        return number


async def records(
    client: AsyncStore, name: str, store: str, index: str | None, query: IDBKeyRange | None, limit: int | None
) -> list[tuple[Any, Any, Any]]:
    """Key, primary key and value of each record."""
    async with _opened(client, name) as db:
        found = await _source(db, store, index).get_all_records(query, limit)
        return [(record.key, record.primary_key, record.value) for record in found]


async def delete_database(client: AsyncStore, name: str, waits: Callable[[], object]) -> int:
    """Waits until other connections are closed, and calls ``waits`` where they do not at once.

    Gives the version that was deleted. Raises NotFoundError.
    """
    await _check(client, name)
    request = client.indexed_db().delete_database(name, blocked=lambda _: waits())
    await request
    return request.old_version or 0


@asynccontextmanager
async def _opened(client: AsyncStore, name: str) -> AsyncIterator[IDBDatabase]:
    """The database as it is. Raises NotFoundError: opening what is not there would make it."""
    await _check(client, name)
    db = await client.indexed_db().open(name, versionchange=lambda event: event.target.close())
    with db:
        yield db


def _source(db: IDBDatabase, store: str, index: str | None = None) -> Any:
    """A store of a read-only transaction of its own, or one of its indexes. Raises NotFoundError."""
    _check_named(db, store)
    found = db.transaction(store).object_store(store)
    if index is None:
        return found
    if index not in found.index_names:
        raise NotFoundError(
            f"no index {index!r} on {store!r} of {db.name!r}", hint=_named("indexes", found.index_names)
        )
    return found.index(index)


def _check_named(db: IDBDatabase, store: str) -> None:
    """Raises NotFoundError in words that name the store."""
    if store not in db.object_store_names:
        hint = _named("object stores", db.object_store_names)
        raise NotFoundError(f"no object store {store!r} in {db.name!r}", hint=hint)


def _named(kind: str, names: list[str]) -> str:
    return f"there is {', '.join(map(repr, names))}" if names else f"there are no {kind}"


async def _check(client: AsyncStore, name: str) -> None:
    known = [found for found, _ in await databases(client)]
    if name not in known:
        hint = f"there is {', '.join(map(repr, known))}" if known else "the origin has no databases"
        raise NotFoundError(f"no database {name!r} in {client.origin}", hint=hint)
