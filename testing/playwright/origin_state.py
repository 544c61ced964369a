"""One origin's storage as an entry of Playwright's storage state: out of a store, and into one."""

from __future__ import annotations

from typing import Any

from ...model_io.store import AsyncStore
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from ...storage_backends.indexed_db.idb_object_store import IDBObjectStore
from .script_values import member, read_member

OriginState = dict[str, Any]
"""``origin``, ``localStorage`` (a list of name and value), ``indexedDB`` (a list of databases with their records)."""


async def collect(store: AsyncStore) -> OriginState:
    """All items and all databases of the store's origin.

    Raises DataCloneError for a stored value that the format has no form for.
    """
    items = await store.local_storage().items()
    state: OriginState = {
        "origin": store.origin,
        "localStorage": [{"name": name, "value": value} for name, value in items],
    }
    factory = store.indexed_db()
    databases = [await _collect_database(factory, info.name) for info in await factory.databases()]
    if databases:
        state["indexedDB"] = databases
    return state


async def restore(store: AsyncStore, state: OriginState) -> None:
    """Puts the entry's items and databases into the store's origin, whatever origin the entry names.

    Items and databases of the same names are replaced, others stay. Raises QuotaExceededError, and KeyError or
    TypeError where the entry is malformed.
    """
    await store.local_storage().update({item["name"]: item["value"] for item in state.get("localStorage", ())})
    for database in state.get("indexedDB", ()):
        await _restore_database(store.indexed_db(), database)


async def _collect_database(factory: IDBFactory, name: str) -> dict[str, Any]:
    with await factory.open(name) as database:
        names = database.object_store_names
        transaction = database.transaction(names, "readonly") if names else None
        stores = [await _collect_store(transaction.object_store(each)) for each in names if transaction is not None]
        return {"name": name, "version": database.version, "stores": stores}


async def _collect_store(store: IDBObjectStore) -> dict[str, Any]:
    found: dict[str, Any] = {"name": store.name, "autoIncrement": store.auto_increment, **_path(store.key_path)}
    records: list[dict[str, Any]] = []
    found |= {"records": records, "indexes": [_index(store, name) for name in store.index_names]}
    for key in await store.get_all_keys():
        record = member("key", key) if store.key_path is None else {}
        records.append(record | member("value", await store.get(key)))
    return found


def _index(store: IDBObjectStore, name: str) -> dict[str, Any]:
    index = store.index(name)
    return {"name": name, **_path(index.key_path), "multiEntry": index.multi_entry, "unique": index.unique}


def _path(key_path: str | list[str] | None) -> dict[str, Any]:
    if key_path is None:
        return {}
    return {"keyPath": key_path} if isinstance(key_path, str) else {"keyPathArray": list(key_path)}


async def _restore_database(factory: IDBFactory, state: dict[str, Any]) -> None:
    def upgrade(database: IDBDatabase, *_: object) -> None:
        for store in state["stores"]:
            made = database.create_object_store(store["name"], _key_path(store), bool(store.get("autoIncrement")))
            for index in store.get("indexes", ()):
                made.create_index(
                    index["name"],
                    _key_path(index) or "",
                    unique=bool(index.get("unique")),
                    multi_entry=bool(index.get("multiEntry")),
                )

    await factory.delete_database(state["name"])
    with await factory.open(state["name"], state["version"], upgrade=upgrade) as database:
        if not state["stores"]:
            return
        async with database.transaction([store["name"] for store in state["stores"]], "readwrite") as transaction:
            for store in state["stores"]:
                target = transaction.object_store(store["name"])
                for record in store["records"]:
                    value = read_member("value", record)
                    await (target.add(value) if target.key_path is not None else target.add(value, _key(record)))


def _key(record: dict[str, Any]) -> Any:
    return read_member("key", record)


def _key_path(state: dict[str, Any]) -> str | list[str] | None:
    path: str | list[str] | None = state.get("keyPathArray", state.get("keyPath"))
    return path
