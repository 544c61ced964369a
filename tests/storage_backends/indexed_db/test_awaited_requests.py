"""When a request settles that somebody waits for."""

from __future__ import annotations

import asyncio

import pytest
from idb_support.homes import ORIGIN, open_home

from tfjsd.errors import ConstraintError
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.request_queue import AT_ONCE


@pytest.fixture
async def db(tmp_path):
    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        with await IDBFactory(store).open("d", 1, upgrade=lambda db, *_: db.create_object_store("s")) as db:
            async with db.transaction("s", "readwrite") as tx:
                for number in range(100):
                    await tx.object_store("s").put(number, number)
            yield db
        store.close()


async def test_no_request_settles_in_its_own_call(db):
    s = db.transaction("s").object_store("s")
    await s.get(1)
    request = s.get(2)
    assert request.ready_state == "pending"
    assert await request == 2
    assert request.ready_state == "done"


async def test_others_run_while_one_awaits_request_after_request(db):
    turns = []

    async def other():
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    s = db.transaction("s").object_store("s")
    for number in range(100):
        assert await s.get(number) == number
    task.cancel()
    assert len(turns) >= 100 // (AT_ONCE + 1)


async def test_requests_settle_in_order_whichever_is_awaited(db):
    s, order = db.transaction("s").object_store("s"), []
    requests = [s.get(number) for number in range(5)]
    for request in requests[:4]:
        request.add_done_callback(lambda request: order.append(request.result))
    assert await requests[4] == 4
    assert order == [0, 1, 2, 3]


async def test_a_failure_that_is_caught_and_prevented_lets_the_transaction_go_on(db):
    async with db.transaction("s", "readwrite") as tx:
        s = tx.object_store("s")
        for _ in range(2 * AT_ONCE):
            try:
                await (request := s.add("x", 1))
            except ConstraintError:
                request.prevent_default()
            assert await s.get(1) == 1
        await s.put("new", 1)
    assert await db.transaction("s").object_store("s").get(1) == "new"


async def test_a_failure_that_is_only_caught_aborts(db):
    tx = db.transaction("s", "readwrite")
    s = tx.object_store("s")
    with pytest.raises(ConstraintError):
        await s.add("x", 1)
    s.put("y", 2)
    with pytest.raises(ConstraintError):
        await tx.done
    assert await db.transaction("s").object_store("s").get(2) == 2


async def test_a_transaction_stays_active_four_turns_after_the_settlement(db):
    tx = db.transaction("s")
    s = tx.object_store("s")
    await s.get(1)
    for _ in range(4):
        assert tx.is_active
        await asyncio.sleep(0)
    assert tx.is_active
    for _ in range(2):
        await asyncio.sleep(0)
    assert not tx.is_active


async def test_what_a_callback_raises_is_not_raised_by_the_await(db):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    request = db.transaction("s").object_store("s").get(1)
    request.add_done_callback(lambda _: 1 / 0)
    assert await request == 1
    assert [type(problem) for problem in told] == [ZeroDivisionError]


@pytest.mark.parametrize("mode", ["readonly", "readwrite"])
async def test_an_await_sees_its_own_settlement_of_a_cursor_that_a_callback_moves_on(db, mode):
    async with db.transaction("s", mode) as tx:
        request, moved = tx.object_store("s").open_cursor(), []

        def move(request):
            if not moved:
                moved.append(request.result)
                request.result.continue_()

        request.add_done_callback(move)
        assert await request is moved[0]
        assert (await request).key == 1
