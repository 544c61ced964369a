"""Transactions: when they are active, what they see, how they end."""

from __future__ import annotations

import asyncio
from typing import Any

from tfjsd.errors import (
    AbortError,
    ConstraintError,
    DataError,
    InvalidAccessError,
    InvalidStateError,
    NotFoundError,
    TransactionInactiveError,
)
from tfjsd.storage_backends.indexed_db import idle_limit
from tfjsd.storage_backends.script_types import UNDEFINED

from .registry import Bench, covers, failed, raised

BEGIN = "dom-idbdatabase-transaction"
LIFE = "transaction-lifetime"
COMMIT = "commit-a-transaction"
ABORT = "abort-a-transaction"
ORDER = "transaction-scheduling"
ERROR = "fire-an-error-event"
SUCCESS = "fire-a-success-event"


@covers(BEGIN, "upgrading")
async def no_transaction_begins_during_an_upgrade(bench: Bench) -> None:
    def body(db: Any, _tx: Any) -> None:
        db.create_object_store("s")
        raised(InvalidStateError, lambda: db.transaction("s"))

    await bench.upgrade(body)


@covers(BEGIN, "closing")
async def no_transaction_begins_on_a_closed_connection(bench: Bench) -> None:
    db = await bench.store()
    db.close()
    raised(InvalidStateError, lambda: db.transaction("s"))


@covers(BEGIN, "not-found")
async def every_store_of_the_scope_exists(bench: Bench) -> None:
    db = await bench.store()
    for scope in ("nope", ["nope"], ["s", "nope"], ""):
        raised(NotFoundError, lambda scope=scope: db.transaction(scope))  # type: ignore[misc]


@covers(BEGIN, "empty")
async def a_scope_is_not_empty(bench: Bench) -> None:
    db = await bench.store()
    raised(InvalidAccessError, lambda: db.transaction([]))


def _register_options() -> None:
    for name, mode in {"versionchange": "versionchange", "unknown": "bogus", "none": None, "upper": "READONLY"}.items():

        @covers(BEGIN, "mode", name)
        async def _(bench: Bench, mode: Any = mode) -> None:
            db = await bench.store()
            raised(TypeError, lambda: db.transaction("s", mode))

    for name, durability in {"unknown": "bogus", "none": None}.items():

        @covers(BEGIN, "durability", name)
        async def _(bench: Bench, durability: Any = durability) -> None:
            db = await bench.store()
            raised(TypeError, lambda: db.transaction("s", durability=durability))

    for mode in ("readonly", "readwrite"):
        for durability in ("default", "strict", "relaxed"):

            @covers(BEGIN, "transaction", f"{mode}-{durability}")
            async def _(bench: Bench, mode: str = mode, durability: str = durability) -> None:
                db = await bench.store()
                tx = db.transaction(["s", "other"], mode, durability=durability)
                assert (tx.mode, tx.durability, tx.db, tx.error) == (mode, durability, db, None)
                assert tx.object_store_names == ["other", "s"]
                await tx.done


_register_options()


@covers("dom-idbtransaction-objectstore", "finished")
async def a_finished_transaction_gives_no_store(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s")
    tx.object_store("s")
    await tx.done
    raised(InvalidStateError, lambda: tx.object_store("s"))
    raised(InvalidStateError, lambda: tx.object_store("nope"))


@covers("dom-idbtransaction-objectstore", "not-found")
async def a_store_outside_of_the_scope_is_not_found(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s")
    raised(NotFoundError, lambda: tx.object_store("other"))
    raised(NotFoundError, lambda: tx.object_store("nope"))


@covers("dom-idbtransaction-objectstore", "same")
async def a_store_is_the_same_object_each_time(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s")
    assert tx.object_store("s") is tx.object_store("s")


# -- Lifetime --


@covers(LIFE, "active-at-creation")
async def a_transaction_is_active_in_the_turn_that_made_it(bench: Bench) -> None:
    db = await bench.store({1: "a"})
    tx = db.transaction("s")
    assert await tx.object_store("s").get(1) == "a"


@covers(LIFE, "inactive-later")
async def a_transaction_is_not_active_in_a_later_turn(bench: Bench) -> None:
    db = await bench.store({1: "a"})
    tx = db.transaction("s")
    store = tx.object_store("s")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    raised(TransactionInactiveError, lambda: store.get(1))
    await tx.done


@covers(LIFE, "inactive-later", "pending")
async def a_transaction_with_a_pending_request_is_not_active_in_a_later_turn(bench: Bench) -> None:
    db = await bench.store({1: "a"})
    async with db.transaction("s", "readwrite"):
        tx = db.transaction("s")
        store = tx.object_store("s")
        request = store.get(1)
        for _ in range(3):
            await asyncio.sleep(0)
        raised(TransactionInactiveError, lambda: store.get(1))
        assert request.ready_state == "pending"
    assert await request == "a"


async def _through(request: Any) -> Any:
    return await request


def _register_waits() -> None:
    waits: dict[str, Any] = {
        "await": lambda request: request,
        "gather": lambda request: asyncio.gather(request),
        "wait-for": lambda request: asyncio.wait_for(request, 5),
        "task": lambda request: asyncio.ensure_future(_through(request)),
        "gather-in-gather": lambda request: asyncio.gather(asyncio.gather(request)),
        "shield": lambda request: asyncio.shield(_through(request)),
    }
    for name, wait in waits.items():

        @covers(LIFE, "active-after-settlement", name)
        async def _(bench: Bench, wait: Any = wait) -> None:
            db = await bench.store({1: "a"})
            tx = db.transaction("s", "readwrite")
            store = tx.object_store("s")
            for number in range(3):
                await wait(store.put("b", number))
            await tx.done
            async with db.transaction("s") as tx:
                assert await tx.object_store("s").count() == 3


_register_waits()


@covers(LIFE, "active-after-settlement", "callback")
async def a_callback_may_place_requests(bench: Bench) -> None:
    db = await bench.store({1: "a"})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    seen: list[Any] = []
    store.get(1).add_done_callback(lambda request: seen.append(store.put(request.result + "b", 2)))
    await tx.done
    assert seen[0].result == 2


@covers(LIFE, "auto-commit")
async def a_transaction_commits_by_itself(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put("v", 1)
    await tx.done
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get(1) == "v"


@covers(LIFE, "auto-commit", "empty")
async def a_transaction_without_requests_completes(bench: Bench) -> None:
    db = await bench.store()
    await db.transaction("s").done
    await db.transaction("s", "readwrite").done


@covers(LIFE, "auto-commit", "after-a-foreign-wait")
async def waiting_for_something_else_lets_it_commit(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    await store.put("v", 1)
    await asyncio.sleep(0.02)
    problem = None
    try:
        store.put("w", 2)
    except TransactionInactiveError as raised_:
        problem = raised_
    assert problem is not None
    await tx.done


@covers(LIFE, "held")
async def a_block_keeps_the_transaction_active(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        await store.put("v", 1)
        await asyncio.sleep(0.02)
        await store.put("w", 2)
    assert tx.is_settled
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == ["v", "w"]


@covers(LIFE, "held", "exception")
async def an_exception_in_a_block_aborts(bench: Bench) -> None:
    db = await bench.store()
    try:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put("v", 1)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert isinstance(tx.error, AbortError)
    assert isinstance(tx.error.__cause__, ZeroDivisionError)
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").count() == 0


@covers(LIFE, "held", "failed-request")
async def a_failed_request_that_leaves_the_block_is_the_error(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    caught: BaseException | None = None
    try:
        async with db.transaction("s", "readwrite") as tx:
            await tx.object_store("s").add("w", 1)
    except ConstraintError as problem:
        caught = problem
    assert caught is not None
    assert tx.error is caught


@covers(LIFE, "held", "aborted-inside")
async def an_abort_by_hand_leaves_the_block_quietly(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite") as tx:
        tx.object_store("s").put("v", 1)
        tx.abort()
    assert tx.error is None
    await failed(AbortError, tx.done)


@covers(LIFE, "idle-limit")
async def an_idle_transaction_in_a_block_is_aborted(bench: Bench) -> None:
    db = await bench.store()
    limit, idle_limit.IDLE_SECONDS = idle_limit.IDLE_SECONDS, 0.01  # type: ignore[misc]
    try:
        async with db.transaction("s", "readwrite") as tx:
            store = tx.object_store("s")
            await store.put("v", 1)
            await tx.settled()
            raised(TransactionInactiveError, lambda: store.put("w", 2))
    except AbortError:
        pass
    finally:
        idle_limit.IDLE_SECONDS = limit  # type: ignore[misc]
    assert isinstance(tx.error, AbortError)


# -- Requests --


@covers("asynchronously-execute-a-request", "not-inside-the-call")
async def no_request_settles_inside_its_call(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    async with db.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        for request in (store.get(1), store.put("w", 2), store.count(), store.open_cursor()):
            assert request.ready_state == "pending"
            raised(InvalidStateError, lambda request=request: request.result)  # type: ignore[misc]
            raised(InvalidStateError, lambda request=request: request.error)  # type: ignore[misc]


@covers("asynchronously-execute-a-request", "order")
async def requests_are_carried_out_in_order(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    store, order = tx.object_store("s"), []
    requests = [
        store.put("a", 1),
        store.get(1),
        store.put("b", 1),
        store.get(1),
        store.delete(1),
        store.get(1),
        store.count(),
    ]
    for number, request in enumerate(requests):
        request.add_done_callback(lambda _, number=number: order.append(number))
    await tx.done
    assert order == list(range(7))
    assert [request.result for request in requests] == [1, "a", 1, "b", UNDEFINED, UNDEFINED, 0]


@covers("asynchronously-execute-a-request", "awaited-again")
async def a_request_can_be_awaited_again(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    good, bad = tx.object_store("s").get(1), tx.object_store("s").add("w", 1).prevent_default()
    assert await good == await good == "v"
    first = await failed(ConstraintError, bad)
    assert await failed(ConstraintError, bad) is first
    await tx.done
    await tx.done
    assert await good == "v"


@covers(SUCCESS, "result")
async def success_has_a_result_and_no_error(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    async with db.transaction("s") as tx:
        request = tx.object_store("s").get(1)
        await request
        assert (request.result, request.error) == ("v", None)


@covers(SUCCESS, "handler-exception")
async def the_next_request_waits_for_the_code_that_awaits(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    first, second = store.get(1), store.put("w", 2)

    async def abort_after_first() -> None:
        await first
        tx.abort()

    task = asyncio.ensure_future(abort_after_first())
    await failed(AbortError, second)
    await task


@covers(ERROR, "error")
async def failure_has_an_error_and_no_result(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    async with db.transaction("s", "readwrite") as tx:
        request = tx.object_store("s").add("w", 1).prevent_default()
        problem = await failed(ConstraintError, request)
        assert (request.result, request.error) == (UNDEFINED, problem)


@covers(ERROR, "aborts")
async def an_unhandled_failure_aborts(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put("w", 2)
    request = tx.object_store("s").add("w", 1)
    problem = await failed(ConstraintError, tx.done)
    assert problem is request.error is tx.error
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == ["v"]


@covers(ERROR, "aborts", "bare-except")
async def a_bare_except_still_aborts(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    await failed(ConstraintError, store.add("w", 1))
    after = store.put("x", 3)
    await failed(AbortError, after)
    await failed(ConstraintError, tx.done)


@covers(ERROR, "aborts", "later-requests")
async def requests_after_an_unhandled_failure_end_with_abort_error(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    store.add("w", 1)
    later = [store.get(1), store.put("x", 2)]
    for request in later:
        await failed(AbortError, request)
    await failed(ConstraintError, tx.done)


@covers(ERROR, "prevented")
async def prevent_default_before_awaiting(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    await failed(ConstraintError, store.add("w", 1).prevent_default())
    assert await store.put("x", 2) == 2
    await tx.done
    assert tx.error is None


@covers(ERROR, "prevented", "in-except")
async def prevent_default_by_the_code_that_awaits(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    request = store.add("w", 1)
    try:
        await asyncio.wait_for(request, 5)
    except ConstraintError:
        request.prevent_default()
    assert await store.put("x", 2) == 2
    await tx.done


@covers(ERROR, "prevented", "callback")
async def prevent_default_by_a_callback(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").add("w", 1).add_done_callback(lambda request: request.prevent_default())
    tx.object_store("s").put("x", 2)
    await tx.done


# -- Commit --


@covers("dom-idbtransaction-commit", "not-active", "finished")
async def a_finished_transaction_cannot_commit(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s")
    await tx.done
    raised(InvalidStateError, tx.commit)


@covers("dom-idbtransaction-commit", "not-active", "inactive")
async def an_inactive_transaction_cannot_commit(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite"):
        tx = db.transaction("s")
        tx.object_store("s").get(1)
        for _ in range(3):
            await asyncio.sleep(0)
        raised(InvalidStateError, tx.commit)
    await tx.done


@covers("dom-idbtransaction-commit", "not-active", "committing")
async def a_transaction_commits_once(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put("v", 1)
    tx.commit()
    raised(InvalidStateError, tx.commit)
    raised(InvalidStateError, tx.abort)
    await tx.done


@covers("dom-idbtransaction-commit", "commit")
async def commit_gives_done(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    request = tx.object_store("s").put("v", 1)
    await tx.commit()
    assert request.result == 1


@covers(COMMIT, "wait-for-requests")
async def a_commit_waits_for_the_requests(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    order: list[str] = []
    tx.object_store("s").put("v", 1).add_done_callback(lambda _: order.append("request"))
    tx.add_done_callback(lambda _: order.append("complete"))
    tx.commit()
    await tx.done
    assert order == ["request", "complete"]


@covers(COMMIT, "failing-request")
async def a_failing_request_aborts_an_explicit_commit(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    put, add = tx.object_store("s").put("w", 2), tx.object_store("s").add("w", 1)
    tx.commit()
    await failed(ConstraintError, tx.done)
    assert put.result == 2
    assert tx.error is add.error
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == ["v"]


@covers(COMMIT, "complete")
async def complete_comes_with_the_data_committed(bench: Bench) -> None:
    db, other = await bench.store(), await bench.open(None, None)
    tx = db.transaction("s", "readwrite")
    tx.object_store("s").put("v", 1)
    await tx.done
    async with other.transaction("s") as tx:
        assert await tx.object_store("s").get(1) == "v"


# -- Abort --


@covers("dom-idbtransaction-abort", "finished")
async def a_finished_transaction_cannot_be_aborted(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s")
    await tx.done
    raised(InvalidStateError, tx.abort)
    tx = db.transaction("s")
    tx.abort()
    raised(InvalidStateError, tx.abort)
    await tx.settled()


@covers("dom-idbtransaction-abort", "error-null")
async def an_abort_by_hand_has_no_error(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s")
    tx.abort()
    await failed(AbortError, tx.done)
    assert tx.error is None


@covers("dom-idbtransaction-abort", "inactive-allowed")
async def an_inactive_transaction_can_be_aborted(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite"):
        tx = db.transaction("s")
        request = tx.object_store("s").get(1)
        for _ in range(3):
            await asyncio.sleep(0)
        tx.abort()
        await failed(AbortError, request)


@covers(ABORT, "changes")
async def an_abort_takes_every_change_back(bench: Bench) -> None:
    db = await bench.store({1: "a", 2: "b"}, indexes={"i": {"key_path": "length"}})
    tx = db.transaction("s", "readwrite")
    store = tx.object_store("s")
    store.put("ccc", 3)
    store.put("aa", 1)
    store.delete(2)
    assert await store.get_all_keys() == [1, 3]
    await store.clear()
    tx.abort()
    await tx.settled()
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all() == ["a", "b"]
        assert await tx.object_store("s").index("i").get_all_keys() == [1, 2]


@covers(ABORT, "requests")
async def pending_requests_end_with_abort_error(bench: Bench) -> None:
    db = await bench.store({1: "a"})
    tx = db.transaction("s", "readwrite")
    store, order = tx.object_store("s"), []
    requests = [store.put("b", 2), store.get(1), store.open_cursor()]
    for number, request in enumerate(requests):
        request.add_done_callback(lambda _, number=number: order.append(number))
    tx.add_done_callback(lambda _: order.append("abort"))
    tx.abort()
    for request in requests:
        await failed(AbortError, request)
    await tx.settled()
    assert order == [0, 1, 2, "abort"]


@covers(ABORT, "event")
async def done_raises_what_it_was_aborted_with(bench: Bench) -> None:
    db = await bench.store({1: "v"})
    tx = db.transaction("s", "readwrite")
    request = tx.object_store("s").add("w", 1)
    problem = await failed(ConstraintError, tx.done)
    assert await failed(ConstraintError, tx.done) is problem is request.error


@covers(ABORT, "sync-exception")
async def an_exception_of_a_call_aborts_nothing(bench: Bench) -> None:
    db = await bench.store()
    tx = db.transaction("s", "readwrite")
    raised(DataError, lambda: tx.object_store("s").put("v", {}))
    await tx.object_store("s").put("v", 1)
    await tx.done


# -- Scheduling --


async def _log_of(db: Any, *transactions: tuple[Any, str]) -> list[str]:
    """In which order transactions get through, whose first request is placed at once."""
    log: list[str] = []
    begun = []
    for number, (scope, mode) in enumerate(transactions):
        tx = db.transaction(scope, mode)
        name = scope if isinstance(scope, str) else scope[0]
        tx.object_store(name).get(1).add_done_callback(lambda _, number=number: log.append(f"start {number}"))
        tx.add_done_callback(lambda _, number=number: log.append(f"end {number}"))
        begun.append(tx)
    await asyncio.gather(*(tx.settled() for tx in begun))
    return log


@covers(ORDER, "readwrite-exclusive")
async def writers_of_one_store_come_one_after_the_other(bench: Bench) -> None:
    db = await bench.store()
    log = await _log_of(db, ("s", "readwrite"), ("s", "readwrite"), ("s", "readwrite"))
    assert [line for line in log if line.startswith("start")] == ["start 0", "start 1", "start 2"]
    assert [line for line in log if line.startswith("end")] == ["end 0", "end 1", "end 2"]


@covers(ORDER, "readonly-parallel")
async def readers_run_at_the_same_time(bench: Bench) -> None:
    db = await bench.store()
    log = await _log_of(db, ("s", "readonly"), ("s", "readonly"))
    assert log[:2] == ["start 0", "start 1"]


@covers(ORDER, "reader-after-writer")
async def a_reader_sees_what_an_earlier_writer_wrote(bench: Bench) -> None:
    db = await bench.store()
    writer, reader = db.transaction("s", "readwrite"), db.transaction("s")
    found = reader.object_store("s").get(1)
    writer.object_store("s").put("v", 1)
    assert await found == "v"
    order: list[str] = []
    writer.add_done_callback(lambda _: order.append("writer"))
    reader.add_done_callback(lambda _: order.append("reader"))
    await reader.done
    await writer.done


@covers(ORDER, "writer-after-reader")
async def a_writer_waits_for_an_earlier_reader(bench: Bench) -> None:
    db = await bench.store({1: "old"})
    async with db.transaction("s") as reader:
        writer = db.transaction("s", "readwrite")
        put = writer.object_store("s").put("new", 1)
        for _ in range(10):
            await asyncio.sleep(0)
        assert put.ready_state == "pending"
        assert await reader.object_store("s").get(1) == "old"
    await writer.done


@covers(ORDER, "order")
async def a_reader_does_not_overtake_a_waiting_writer(bench: Bench) -> None:
    db = await bench.store({1: 0})
    async with db.transaction("s") as first:
        writer = db.transaction("s", "readwrite")
        writer.object_store("s").put(1, 1)
        reader = db.transaction("s")
        found = reader.object_store("s").get(1)
        assert await first.object_store("s").get(1) == 0
    assert await found == 1


@covers(ORDER, "no-overlap")
async def writers_of_different_stores_do_not_wait(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite"):
        assert await db.transaction("other", "readwrite").object_store("other").put("v", 1) == 1


@covers(ORDER, "overlap")
async def one_common_store_is_enough_to_wait(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite"):
        waiting = db.transaction(["other", "s"], "readwrite")
        request = waiting.object_store("other").put("v", 1)
        for _ in range(10):
            await asyncio.sleep(0)
        assert request.ready_state == "pending"
    await waiting.done


@covers(ORDER, "connections")
async def connections_share_the_order(bench: Bench) -> None:
    db, other = await bench.store(), await bench.open(None, None)
    async with db.transaction("s", "readwrite"):
        waiting = other.transaction("s", "readwrite")
        request = waiting.object_store("s").put("v", 1)
        for _ in range(10):
            await asyncio.sleep(0)
        assert request.ready_state == "pending"
    await waiting.done


@covers(ORDER, "aborted-while-waiting")
async def a_transaction_aborted_while_it_waits_lets_the_next_go(bench: Bench) -> None:
    db = await bench.store()
    async with db.transaction("s", "readwrite"):
        waiting, last = db.transaction("s", "readwrite"), db.transaction("s", "readwrite")
        waiting.object_store("s").put("never", 1)
        request = last.object_store("s").put("v", 2)
        waiting.abort()
    assert await request == 2
    async with db.transaction("s") as tx:
        assert await tx.object_store("s").get_all_keys() == [2]
