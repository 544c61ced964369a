"""Opening, upgrading, closing and deleting databases."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from tfjsd.errors import AbortError, ConstraintError, InvalidStateError, VersionError
from tfjsd.storage_backends.script_types import UNDEFINED

from .registry import Bench, covers, failed, raised

OPEN = "open-a-database-connection"
FACTORY_OPEN = "dom-idbfactory-open"
UPGRADE = "upgrade-a-database"
DELETE = "delete-a-database"
CLOSE = "close-a-database-connection"
QUEUE = "connection-queue"


def _log(log: list[Any], line: str, _request: Any) -> None:
    log.append(line)


async def _turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def _until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


@covers(OPEN, "new-database")
async def a_new_database_has_version_1(bench: Bench) -> None:
    db = await bench.open(None, None)
    assert (db.name, db.version, db.object_store_names) == ("d", 1, [])


@covers(OPEN, "new-database", "with-version")
async def a_new_database_gets_the_version_asked_for(bench: Bench) -> None:
    seen: list[Any] = []
    db = await bench.open(lambda db, tx, old, new: seen.append((db.version, old, new)), 7)
    assert (db.version, seen) == (7, [(7, 0, 7)])


@covers(OPEN, "existing-version")
async def without_a_version_a_database_opens_as_it_is(bench: Bench) -> None:
    await bench.open(None, 5)
    calls: list[Any] = []
    db = await bench.open(lambda *arguments: calls.append(arguments), None)
    assert (db.version, calls) == (5, [])


@covers(OPEN, "same-version")
async def the_same_version_needs_no_upgrade(bench: Bench) -> None:
    await bench.open(None, 5)
    calls: list[Any] = []
    assert (await bench.open(lambda *arguments: calls.append(arguments), 5)).version == 5
    assert calls == []


@covers(OPEN, "lower-version")
async def a_lower_version_is_refused(bench: Bench) -> None:
    await bench.open(None, 5)
    for version in (1, 4):
        problem = await failed(VersionError, bench.open(None, version))
        assert str(problem) == f"The requested version ({version}) is less than the existing version (5)."
    assert (await bench.open(None, None)).version == 5


def _register_versions() -> None:
    for name, version in {
        "zero": 0,
        "negative": -1,
        "nan": float("nan"),
        "infinite": float("inf"),
        "large": 2**53,
        "text": "1",
        "half": 0.5,
    }.items():

        @covers(FACTORY_OPEN, "version-zero" if name in ("zero", "half") else "enforce-range", name)
        async def _(bench: Bench, version: Any = version) -> None:
            raised(TypeError, lambda: bench.factory.open("d", version))
            assert await bench.factory.databases() == []

    for name, version in {"one": 1, "fraction": 1.9, "largest": 2**53 - 1}.items():

        @covers(FACTORY_OPEN, "version", name)
        async def _(bench: Bench, version: Any = version) -> None:
            assert (await bench.open(None, version)).version == int(version)

    for name in ("", "a b", "中", "\ud800", "a/b", "..", "x" * 500, "a\0b"):

        @covers(FACTORY_OPEN, "name", repr(name)[:40])
        async def _(bench: Bench, name: str = name) -> None:
            db = await bench.open(None, 1, name)
            assert db.name == name
            assert await bench.factory.databases() == [(name, 1)]


_register_versions()


@covers(FACTORY_OPEN, "request")
async def open_gives_a_request(bench: Bench) -> None:
    request = bench.factory.open("d")
    assert request.ready_state == "pending"
    assert (request.source, request.transaction) == (None, None)
    raised(InvalidStateError, lambda: request.result)
    db = await request
    assert await request is db is request.result
    db.close()


@covers(OPEN, "versionchange-event")
async def other_connections_hear_of_an_upgrade(bench: Bench) -> None:
    heard: list[Any] = []

    def listen(event: Any) -> None:
        heard.append((event.type, event.old_version, event.new_version, event.target))
        event.target.close()

    db = await bench.open(None, 1, versionchange=listen)
    blocked: list[Any] = []
    await bench.open(None, 3, blocked=blocked.append)
    assert heard == [("versionchange", 1, 3, db)]
    assert blocked == []


@covers(OPEN, "versionchange-event", "asynchronous-listener")
async def a_listener_may_be_asynchronous(bench: Bench) -> None:
    async def listen(event: Any) -> None:
        await asyncio.sleep(0)
        event.target.close()

    await bench.open(None, 1, versionchange=listen)
    assert (await bench.open(None, 2)).version == 2


@covers(OPEN, "versionchange-event", "not-to-closing-ones")
async def a_closing_connection_hears_nothing(bench: Bench) -> None:
    heard: list[Any] = []

    def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        db.create_object_store("s")

    db = await bench.open(upgrade, 1, versionchange=heard.append)
    async with db.transaction("s", "readwrite"):
        db.close()
        opening = asyncio.ensure_future(bench.open(None, 2))
        await _turns()
        assert not opening.done()
    assert (await opening).version == 2
    assert heard == []


@covers(OPEN, "blocked-event")
async def an_open_connection_blocks_an_upgrade(bench: Bench) -> None:
    db = await bench.open(None, 1)
    events: list[Any] = []
    opening = asyncio.ensure_future(bench.open(None, 2, blocked=events.append))
    await _until(lambda: events)
    assert [(event.type, event.old_version, event.new_version) for event in events] == [("blocked", 1, 2)]
    assert not opening.done()
    db.close()
    assert (await opening).version == 2
    assert len(events) == 1


@covers(OPEN, "wait-closed")
async def an_upgrade_waits_for_the_transactions_of_closed_connections(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        db.close()
        opening = asyncio.ensure_future(bench.open(None, 2))
        await _turns()
        assert not opening.done()
        await tx.object_store("s").put("v", 1)
    upgraded = await opening
    async with upgraded.transaction("s") as tx:
        assert await tx.object_store("s").get(1) == "v"


@covers(QUEUE, "order")
async def requests_for_one_database_come_one_after_the_other(bench: Bench) -> None:
    log: list[Any] = []

    async def upgrade(db: Any, _tx: Any, old: int, new: int) -> None:
        log.append(f"begin {new}")
        await asyncio.sleep(0)
        log.append(f"end {new}")

    def close(event: Any) -> None:
        event.target.close()

    requests = [bench.factory.open("d", version, upgrade=upgrade, versionchange=close) for version in (1, 2, 3)]
    for number, request in enumerate(requests, 1):
        request.add_done_callback(partial(_log, log, f"open {number}"))
    await asyncio.gather(*requests)
    assert log == ["begin 1", "end 1", "open 1", "begin 2", "end 2", "open 2", "begin 3", "end 3", "open 3"]
    (await requests[-1]).close()


@covers(QUEUE, "databases-apart")
async def requests_for_different_databases_do_not_wait(bench: Bench) -> None:
    await bench.open(None, 1, "a")
    waiting = asyncio.ensure_future(bench.open(None, 2, "a"))
    assert (await bench.open(None, 1, "b")).version == 1
    bench.opened[0].close()
    await waiting


# -- Upgrades --


@covers(UPGRADE, "transaction")
async def an_upgrade_has_a_version_change_transaction(bench: Bench) -> None:
    seen: list[Any] = []

    def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
        seen.append((tx.mode, tx.db, tx.is_active, request.transaction, request.old_version, old, new))
        assert (request.ready_state, request.result, request.error) == ("done", db, None)

    request: Any = bench.factory.open("d", 4, upgrade=upgrade)
    db = await request
    assert seen[0][:3] == ("versionchange", db, True)
    assert seen[0][3].mode == "versionchange"
    assert seen[0][4:] == (0, 0, 4)
    assert request.transaction is None
    db.close()


@covers(UPGRADE, "sync-function")
async def an_upgrade_may_place_requests_without_waiting(bench: Bench) -> None:
    def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        store = db.create_object_store("s")
        store.put("v", 1).add_done_callback(lambda _: store.put("w", 2))

    db = await bench.open(upgrade)
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == ["v", "w"]


@covers(UPGRADE, "async-function")
async def an_upgrade_may_wait(bench: Bench) -> None:
    async def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        store = db.create_object_store("s")
        await store.put("v", 1)
        await asyncio.sleep(0.01)
        await store.put("w", 2)

    db = await bench.open(upgrade)
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == ["v", "w"]


def _register_failures() -> None:
    async def late(db: Any, _tx: Any, _old: int, _new: int) -> None:
        await db.create_object_store("s").put("v", 1)
        raise ZeroDivisionError

    def early(db: Any, _tx: Any, _old: int, _new: int) -> None:
        db.create_object_store("s")
        raise ZeroDivisionError

    for name, upgrade in {"sync": early, "async": late}.items():

        @covers(UPGRADE, "exception", name)
        async def _(bench: Bench, upgrade: Any = upgrade) -> None:
            problem = await failed(AbortError, bench.open(upgrade, 3))
            assert isinstance(problem.__cause__, ZeroDivisionError)
            assert await bench.factory.databases() == []
            assert (await bench.open(None, 1)).object_store_names == []


_register_failures()


@covers(UPGRADE, "failed-request")
async def an_unhandled_failure_aborts_the_upgrade(bench: Bench) -> None:
    def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        store = db.create_object_store("s")
        store.add("v", 1)
        store.add("w", 1)

    problem = await failed(AbortError, bench.open(upgrade, 3))
    assert isinstance(problem.__cause__, ConstraintError)
    assert await bench.factory.databases() == []


@covers(UPGRADE, "order-of-events")
async def the_transaction_completes_before_the_request_succeeds(bench: Bench) -> None:
    log: list[str] = []

    def upgrade(_db: Any, tx: Any, _old: int, _new: int) -> None:
        tx.add_done_callback(lambda _: log.append("complete"))

    request = bench.factory.open("d", 1, upgrade=upgrade)
    request.add_done_callback(lambda _: log.append("success"))
    (await request).close()
    assert log == ["complete", "success"]


@covers(UPGRADE, "closed-meanwhile")
async def closing_during_the_upgrade_fails_the_request(bench: Bench) -> None:
    def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        db.create_object_store("s")
        db.close()

    problem = await failed(AbortError, bench.open(upgrade, 2))
    assert str(problem) == "The connection was closed."
    assert await bench.factory.databases() == [("d", 2)]
    assert (await bench.open(None, None)).object_store_names == ["s"]


@covers(UPGRADE, "aborted-closes")
async def a_connection_whose_upgrade_was_aborted_is_closed(bench: Bench) -> None:
    kept: list[Any] = []

    def upgrade(db: Any, tx: Any, _old: int, _new: int) -> None:
        db.create_object_store("s")
        kept.append(db)
        tx.abort()

    await failed(AbortError, bench.open(upgrade, 2))
    raised(InvalidStateError, lambda: kept[0].transaction("s"))
    assert (await bench.open(None, 1)).version == 1


# -- Closing --


@covers(CLOSE, "pending")
async def closing_lets_running_transactions_end(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    await store.put("a", 1)
    db.close()
    await store.put("b", 2)
    assert await store.get_all() == ["a", "b"]
    await tx.done
    db.close()


@covers(CLOSE, "block")
async def a_with_block_closes(bench: Bench) -> None:
    with await bench.open(None, 1) as db:
        assert not db.is_closing
    assert db.is_closing
    assert (await bench.open(None, 2)).version == 2


@covers(CLOSE, "garbage")
async def a_connection_that_nobody_holds_is_closed(bench: Bench) -> None:
    held = weakref.ref(await bench.factory.open("d", 1))

    def is_gone() -> bool:
        gc.collect()
        return held() is None

    await _until(is_gone)  # what came of the upgrade holds it for a while
    assert (await bench.open(None, 2)).version == 2


# -- Deleting --


@covers(DELETE, "missing")
async def deleting_what_is_not_there_succeeds(bench: Bench) -> None:
    request = bench.factory.delete_database("d")
    assert await request is UNDEFINED
    assert request.old_version == 0


@covers(DELETE, "delete")
async def a_deleted_database_is_gone(bench: Bench) -> None:
    db = await bench.store(dict.fromkeys(range(700), "v"), indexes={"i": {"key_path": "length"}})
    db.close()
    request = bench.factory.delete_database("d")
    assert await request is UNDEFINED
    assert request.old_version == 1
    assert await bench.factory.databases() == []
    again = await bench.store()
    async with again.transaction("s") as tx:
        assert await tx.object_store("s").count() == 0
        assert tx.object_store("s").index_names == []


@covers(DELETE, "versionchange-event")
async def connections_hear_of_a_deletion(bench: Bench) -> None:
    heard: list[Any] = []

    def listen(event: Any) -> None:
        heard.append((event.old_version, event.new_version))
        event.target.close()

    await bench.open(None, 3, versionchange=listen)
    await bench.factory.delete_database("d")
    assert heard == [(3, None)]


@covers(DELETE, "blocked-event")
async def an_open_connection_blocks_a_deletion(bench: Bench) -> None:
    db = await bench.open(None, 3)
    events: list[Any] = []
    request = bench.factory.delete_database("d", blocked=events.append)
    await _until(lambda: events)
    assert request.ready_state == "pending"
    assert [(event.old_version, event.new_version) for event in events] == [(3, None)]
    db.close()
    await request


@covers(DELETE, "wait-transactions")
async def a_deletion_waits_for_the_transactions(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        db.close()
        request = bench.factory.delete_database("d")
        await _turns()
        assert request.ready_state == "pending"
        await tx.object_store("s").put("v", 1)
    await request


@covers(QUEUE, "open-after-delete")
async def an_open_waits_for_an_earlier_deletion(bench: Bench) -> None:
    db = await bench.open(None, 3)
    deletion = bench.factory.delete_database("d")
    opening = asyncio.ensure_future(bench.open(None, None))
    await _turns()
    assert not opening.done()
    db.close()
    await deletion
    assert (await opening).version == 1


@covers("dom-idbfactory-databases", "list")
async def databases_are_listed(bench: Bench) -> None:
    assert await bench.factory.databases() == []
    for name, version in (("b", 2), ("a", 7)):
        await bench.open(None, version, name)
    found = await bench.factory.databases()
    assert [(info.name, info.version) for info in found] == [("a", 7), ("b", 2)]


@covers("dom-idbfactory-databases", "during-creation")
async def a_database_that_is_being_made_is_not_listed(bench: Bench) -> None:
    async def body(_db: Any, _tx: Any) -> Any:
        return await bench.factory.databases()

    assert await bench.upgrade(body) == []


@covers("dom-idbfactory-databases", "during-upgrade")
async def during_an_upgrade_the_old_version_is_listed(bench: Bench) -> None:
    (await bench.open(None, 3)).close()

    async def body(_db: Any, _tx: Any) -> Any:
        return await bench.factory.databases()

    assert await bench.upgrade(body, 4) == [("d", 3)]
