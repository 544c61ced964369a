"""What a session does, it does in order and one thing at a time, in whichever thread."""

from __future__ import annotations

import asyncio
import threading

from tfjsd.daemon.indexed_db.outbox import Outbox
from tfjsd.daemon.indexed_db.session_thread import SessionThread


def test_nothing_runs_here_before_what_was_posted():
    started, go_on, order = threading.Event(), threading.Event(), []
    thread = SessionThread(order.append)

    def slow():
        started.set()
        go_on.wait()
        order.append("posted")

    thread.post(slow)
    started.wait()
    assert not thread.run_here(lambda: order.append("overtaken"))
    go_on.set()
    thread.end(lambda: order.append("end"))
    thread.over.result(10)
    assert order == ["posted", "end"]
    assert not thread.run_here(lambda: order.append("late"))


def test_what_is_posted_meanwhile_waits_for_what_runs_here():
    order = []
    thread = SessionThread(order.append)

    def here():
        thread.post(lambda: order.append("posted"))
        thread.end(lambda: order.append("end"))
        order.append(threading.current_thread() is threading.main_thread())

    assert thread.run_here(here)
    thread.over.result(10)
    assert order == [True, "posted", "end"]


def test_what_a_task_raises_is_told_in_either_thread():
    told = []
    thread = SessionThread(lambda problem: told.append(type(problem)))
    assert thread.run_here(lambda: [][0])
    thread.end(lambda: {}["x"])
    thread.over.result(10)
    assert told == [IndexError, KeyError]


async def test_frames_leave_in_order_whoever_writes_them():
    outbox, written, held = Outbox(), [], asyncio.Event()

    async def write(frame):
        await held.wait()
        written.append(frame)

    pump = asyncio.ensure_future(outbox.pump(write))
    outbox.send(b"1")
    first = asyncio.ensure_future(outbox.flush(write))
    await asyncio.sleep(0)
    await asyncio.to_thread(outbox.send, b"2")
    outbox.send(b"3")
    await outbox.flush(write)
    assert not outbox.is_empty
    held.set()
    await first
    assert written == [b"1", b"2", b"3"]
    assert outbox.is_empty
    outbox.close()
    await pump
