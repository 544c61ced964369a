"""A request during which a read of the engine fails, wherever that is: it fails, and the transaction goes on as if it had
never been made.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from idb_support.agreement import disagreements
from idb_support.homes import ORIGIN

from tfjsd.errors import AbortError, CorruptionError, UnknownError
from tfjsd.storage_backends.abc import INLINE_LIMIT
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, Browser
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.faulty import Fault, Faults, Operation, faulty_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange
from tfjsd.storage_backends.indexed_db.transaction_view import TransactionView

MANY = 600
"""More than are deleted one by one."""

LARGE = b"x" * (INLINE_LIMIT + 1)


def record(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "k": f"k{number}", "u": number, "m": [number, "all", -0.0], **more}


def make(db, _tx, _old, _new):
    store = db.create_object_store("s", "id", True)
    store.create_index("k", "k")
    store.create_index("u", "u", unique=True)
    store.create_index("m", "m", multi_entry=True)
    for number in range(1, 8):
        store.put(record(number, large=LARGE) if number == 6 else record(number))
    many = db.create_object_store("many", auto_increment=True)
    many.create_index("k", "k")
    for number in range(MANY):
        many.put({"k": number})


async def changed_before(tx):
    """The transaction has changes of its own by then, which the requests below meet."""
    store = tx.object_store("s")
    await store.put(record(2, k="other"))
    await store.put(record(20))
    await store.delete(3)
    await store.put({"u": 30, "large": LARGE + b"2"})
    await tx.object_store("many").put({"k": -1})
    await store.index("m").get_all_keys()  # the keys of its own are in order now


async def changed_after(tx):
    store = tx.object_store("s")
    await store.put(record(1, k="after"))
    await store.add({"u": 40, "k": "generated"})
    await store.delete(4)
    await tx.object_store("many").put({"k": -2})


async def a_cursor(tx, place=0):
    cursor = await tx.object_store("s").index("k").open_cursor(IDBKeyRange.bound("k1", "k5"))
    for _ in range(place):
        cursor = await cursor.continue_()
    return cursor


Prepare = Callable[[Any], Awaitable[Callable[[], Any]]]


def at_once(request: Callable[[Any], Any]) -> Prepare:
    """A request that needs nothing to be read before."""

    async def prepared(tx):
        return lambda: request(tx)

    return prepared


async def update(tx):
    cursor = await a_cursor(tx)
    return lambda: cursor.update(record(1, k="updated", m=[1, 2, 3]))


async def delete_at_a_cursor(tx):
    cursor = await a_cursor(tx, 2)  # behind k1 and k20
    return cursor.delete


REQUESTS: dict[str, Prepare] = {
    "put new": at_once(lambda tx: tx.object_store("s").put(record(50))),
    "put over": at_once(lambda tx: tx.object_store("s").put(record(1, k="other", m=["x"]))),
    "put over, some entries stay": at_once(lambda tx: tx.object_store("s").put(record(1, k="other"))),
    "put over its own": at_once(lambda tx: tx.object_store("s").put(record(20, k="other", large=LARGE))),
    "put over a large one": at_once(lambda tx: tx.object_store("s").put(record(6))),
    "put large": at_once(lambda tx: tx.object_store("s").put(record(5, k="l", large=LARGE + b"3"))),
    "put with a generated key": at_once(lambda tx: tx.object_store("s").put({"k": "new", "u": 60, "m": [7, 8]})),
    "put far ahead of the generator": at_once(lambda tx: tx.object_store("s").put(record(5_000))),
    "add": at_once(lambda tx: tx.object_store("s").add(record(51))),
    "delete one": at_once(lambda tx: tx.object_store("s").delete(1)),
    "delete a range": at_once(lambda tx: tx.object_store("s").delete(IDBKeyRange.bound(1, 30))),
    "clear": at_once(lambda tx: tx.object_store("s").clear()),
    "clear many": at_once(lambda tx: tx.object_store("many").clear()),
    "update at a cursor": update,
    "delete at a cursor": delete_at_a_cursor,
}


class World(NamedTuple):
    faults: Faults
    bucket: Bucket
    factory: IDBFactory


@contextlib.asynccontextmanager
async def world(browser: Browser = CHROME) -> AsyncIterator[World]:
    """The engine holds all that was committed, and nobody but the transaction reads it."""
    faults = Faults()
    with Home(None, engines=faulty_factory(memory_engine, faults)) as home:
        bucket = home.bucket(ORIGIN)
        store = IndexedDBBackingStore(bucket, browser)
        factory = IDBFactory(store)
        (await factory.open("d", 1, upgrade=make)).close()
        store.reclaimer.stop()
        try:
            yield World(faults, bucket, factory)
        finally:
            store.close()


def pending(tx) -> tuple[Any, ...]:
    """All that the transaction would commit."""
    view = tx.backend._view
    writes = view.writes
    by_key = (writes.writes, writes.before, writes.blobs, writes.old_blobs)
    in_order = [list(found.items()) for found in by_key]
    return in_order, writes.size, writes.growth, view.took_id, view.left_garbage


def committed(bucket: Bucket) -> tuple[Any, ...]:
    """Every record with the totals, but not how many commits there were."""
    assert disagreements(bucket) == []
    return dict(bucket.scan(b"\x01", None)), bucket.totals().numbered(0)


def planned(faults: Faults, operation: Operation, at: int, error: Exception) -> None:
    faults.planned = [Fault(operation, faults.calls.get(operation, 0) + at, error=error)]


async def without(browser: Browser) -> tuple[Any, ...]:
    """What is committed where the request is not made."""
    async with world(browser) as (_, bucket, factory):
        with await factory.open("d") as db:
            async with db.transaction(["s", "many"], "readwrite") as tx:
                await changed_before(tx)
                await changed_after(tx)
        return committed(bucket)


async def failing(prepare: Prepare, operation: Operation, at: int, error: Exception, browser: Browser) -> Any:
    """Makes the read of that number fail; None where the request comes to no such read, else what is committed."""
    async with world(browser) as (faults, bucket, factory):
        with await factory.open("d") as db:
            async with db.transaction(["s", "many"], "readwrite") as tx:
                await changed_before(tx)
                place = await prepare(tx)
                before = pending(tx)
                planned(faults, operation, at, error)
                request = place().prevent_default()
                with contextlib.suppress(UnknownError):
                    await request
                faults.planned = []
                if not faults.fired:
                    return None
                assert request.error.__cause__ is error
                assert pending(tx) == before, "the transaction keeps something of the request"
                await changed_after(tx)
        return committed(bucket)


def following(at: int) -> int:
    """The next read to fail: of hundreds alike some will do."""
    return at + 1 + at // 16 * 16


async def check(name: str, error: Exception, browser: Browser = CHROME) -> int:
    """Fails each read of the request in turn; how many were."""
    expected = await without(browser)
    reads = 0
    for operation in ("get", "scan"):
        at = 1
        while (found := await failing(REQUESTS[name], operation, at, error, browser)) is not None:
            assert found == expected, f"{operation} {at}"
            at, reads = following(at), reads + 1
    return reads


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_that_cannot_read_changes_nothing(name):
    assert await check(name, CorruptionError("injected")) > 0


@pytest.mark.parametrize("name", ["put over", "delete a range"])
async def test_any_error_of_the_engine_counts(name):
    assert await check(name, OSError("injected")) > 3


@pytest.mark.parametrize("name", ["put over", "put large"])
async def test_where_the_quota_is_decided_at_the_request(name):
    assert await check(name, CorruptionError("injected"), FIREFOX) > 3


@pytest.mark.parametrize("name", ["put over", "put large", "delete a range", "clear", "update at a cursor"])
async def test_the_check_catches_what_is_left_behind(name, monkeypatch):
    """The negative control: nothing is taken back."""
    monkeypatch.setattr(TransactionView, "take_back", lambda *_: None)
    with pytest.raises(AssertionError, match="keeps something"):
        await check(name, CorruptionError("injected"))


CHANGES: dict[str, Callable[[Any], object]] = {
    "create a store": lambda tx: tx.db.create_object_store("new"),
    "delete a store": lambda tx: tx.db.delete_object_store("s"),
    "delete a large store": lambda tx: tx.db.delete_object_store("many"),
    "create an index": lambda tx: tx.object_store("s").create_index("new", "k"),
    "delete an index": lambda tx: tx.object_store("s").delete_index("m"),
    "delete a large index": lambda tx: tx.object_store("many").delete_index("k"),
}


async def failing_change(change: Callable[[Any], object], operation: Operation, at: int) -> bool:
    """The same of a change of the schema, which nobody can prevent from aborting its transaction."""
    error = CorruptionError("injected")
    async with world() as (faults, bucket, factory):
        before = committed(bucket)
        seen = []

        async def upgrade(_db, tx, _old, _new):
            await changed_before(tx)
            seen.append(pending(tx))
            planned(faults, operation, at, error)
            change(tx)
            faults.planned = []
            seen.append(pending(tx))

        with contextlib.suppress(AbortError, UnknownError):
            (await factory.open("d", 2, upgrade=upgrade)).close()
        if not faults.fired:
            return False
        assert seen[0] == seen[1], "the transaction keeps something of the request"
        assert committed(bucket) == before
        return True


async def check_change(name: str) -> int:
    reads = 0
    for operation in ("get", "scan"):
        at = 1
        while await failing_change(CHANGES[name], operation, at):
            at, reads = following(at), reads + 1
    return reads


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_of_the_schema_that_cannot_read_changes_nothing(name):
    assert await check_change(name) > 0


@pytest.mark.parametrize("name", ["delete a store", "create an index", "delete an index"])
async def test_the_check_catches_what_a_change_of_the_schema_leaves(name, monkeypatch):
    monkeypatch.setattr(TransactionView, "take_back", lambda *_: None)
    with pytest.raises(AssertionError, match="keeps something"):
        await check_change(name)
