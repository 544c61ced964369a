"""Those that ``indexed_db.py`` compares. They live for the whole run: JavaScript has compiled after the first round."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import tfjsd
from tfjsd.model_io.store import AsyncStore
from tfjsd.testing.daemon_process import DaemonProcess

ROOT = Path(__file__).resolve().parent.parent
WORKLOAD = Path(__file__).with_name("indexed_db.js")
Figures = dict[str, float]
Contender = Callable[[int], Awaitable[Figures]]
"""Runs the workload with so many records: microseconds for each operation."""

Clock = Callable[[], float]
"""Seconds that have passed, or that the process has worked."""

RECLAIMED = 1.0
"""Within so many seconds the records of a deleted database are reclaimed, in the background: that work belongs to none
of the next contender's figures."""


def _upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
    db.create_object_store("s", "id").create_index("i", "author")


async def workload(store: AsyncStore, count: int, clock: Clock) -> Figures:
    """``indexed_db.js``, line for line."""
    found: Figures = {}

    async def timed(name: str, work: Awaitable[None]) -> None:
        began = clock()
        await work
        found[name] = (clock() - began) * 1e6 / count

    async def put(run: Any) -> None:
        async with db.transaction("s", "readwrite", durability="relaxed") as tx:
            s = tx.object_store("s")
            await run(lambda i: s.put({"id": i, "author": f"a{i}", "n": i / 2}))

    async def get(run: Any) -> None:
        s = db.transaction("s").object_store("s")
        await run(lambda i: s.get(i))

    async def index_get(run: Any) -> None:
        x = db.transaction("s").object_store("s").index("i")
        await run(lambda i: x.get(f"a{i}"))

    async def awaited(request: Callable[[int], Any]) -> None:
        for number in range(count):
            await request(number)

    async def together(request: Callable[[int], Any]) -> None:
        for one in [request(number) for number in range(count)]:
            await one

    async def get_all() -> None:
        await db.transaction("s").object_store("s").get_all()

    async def cursor() -> None:
        async for here in db.transaction("s").object_store("s").iterate():
            assert here.value

    factory = store.indexed_db()
    with await factory.open("bench", 1, upgrade=_upgrade) as db:
        for run, mark in ((awaited, ""), (together, " +")):
            await timed("put" + mark, put(run))
            await timed("get" + mark, get(run))
            await timed("index get" + mark, index_get(run))
        await timed("get_all", get_all())
        await timed("cursor", cursor())

    async def delete() -> None:
        await factory.delete_database("bench")
        if clock is time.process_time:
            await asyncio.sleep(RECLAIMED)

    await timed("delete", delete())
    return found


@asynccontextmanager
async def _store(
    opening: AbstractAsyncContextManager[AsyncStore], clock: Clock = time.perf_counter
) -> AsyncIterator[Contender]:
    async with opening as store:
        yield lambda count: workload(store, count, clock)


def in_memory(clock: Clock) -> AbstractAsyncContextManager[Contender]:
    return _store(tfjsd.aopen_store(), clock)


@asynccontextmanager
async def on_disk(clock: Clock) -> AsyncIterator[Contender]:
    with tempfile.TemporaryDirectory(prefix="tfjsd-bench-") as directory:
        async with _store(tfjsd.aopen_store(Path(directory) / "home"), clock) as contender:
            yield contender


@asynccontextmanager
async def over_the_socket() -> AsyncIterator[Contender]:
    with (
        tempfile.TemporaryDirectory(prefix="tfjsd-bench-") as directory,
        DaemonProcess(Path(directory) / "home") as daemon,  # its log lies beside its home
    ):
        async with _store(daemon.aconnect()) as contender:
            yield contender


@asynccontextmanager
async def in_chromium() -> AsyncIterator[Contender]:
    """A page of a headless Chromium with a profile on the disk."""
    sys.path.insert(0, str(ROOT / "tests"))
    from idb_support.chromium import page

    async with page() as browser:
        await browser.evaluate(WORKLOAD.read_text() + "\n;0")

        async def run(count: int) -> Figures:
            return dict(json.loads(await browser.evaluate(f"bench({count}, 'relaxed').then(JSON.stringify)")))

        yield run


_NODE = """require("fake-indexeddb/auto");
%s
require("readline").createInterface({input: process.stdin}).on("line", (count) =>
  bench(Number(count), "relaxed").then((found) => console.log(JSON.stringify(found))));"""

_CPU_CLOCK = """
clock = () => { const {user, system} = process.cpuUsage(); return (user + system) / 1000; };"""


@asynccontextmanager
async def in_node(directory: Path, *, cpu: bool) -> AsyncIterator[Contender]:
    """fake-indexeddb, which is in memory, as it schedules itself in Node: by setImmediate."""
    program = _NODE % (WORKLOAD.read_text() + (_CPU_CLOCK if cpu else ""))
    process = await asyncio.create_subprocess_exec(
        "node", "-e", program, cwd=directory,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    stdin, stdout = process.stdin, process.stdout
    assert stdin is not None
    assert stdout is not None

    async def run(count: int) -> Figures:
        stdin.write(f"{count}\n".encode())
        return dict(json.loads(await stdout.readline()))

    try:
        yield run
    finally:
        stdin.close()
        await process.wait()
