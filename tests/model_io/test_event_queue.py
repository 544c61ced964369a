"""The end of events that several wait for."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tfjsd.model_io.event_queue import AsyncEventQueue, EventQueue


def never(_listener):
    return lambda: None


def test_closing_ends_every_wait_in_other_threads():
    events = EventQueue(never)
    with ThreadPoolExecutor(3) as pool:
        waits = [pool.submit(list, events) for _ in range(3)]
        events.close()
        assert [wait.result(10) for wait in waits] == [[]] * 3


async def test_closing_ends_every_wait_in_other_tasks():
    events = AsyncEventQueue(never)

    async def heard():
        return [event async for event in events]

    waits = [asyncio.create_task(heard()) for _ in range(3)]
    await asyncio.sleep(0)
    await events.aclose()
    assert await asyncio.wait_for(asyncio.gather(*waits), 10) == [[]] * 3
