"""An embedded store's databases are opened in several event loops; none waits for what another one computes."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import tfjsd


async def test_who_computes_after_an_upgrade_keeps_no_other_loop_waiting():
    async with tfjsd.aopen_store(None) as store:
        factory = store.indexed_db()

        async def open_elsewhere() -> int:
            async with asyncio.timeout(30):
                with await factory.open("d") as db:
                    return db.version

        with ThreadPoolExecutor(1) as threads, await factory.open("d", 1):
            assert threads.submit(asyncio.run, open_elsewhere()).result() == 1, "this loop does not turn meanwhile"
