"""What IndexedDB costs: ``python bench/indexed_db.py [RECORDS] [DIRECTORY WITH node_modules/fake-indexeddb]``.

Puts, gets, index look-ups, get_all and a cursor walk over small records, each request awaited, in one run: here (memory
and LevelDB), over a daemon's socket, in a real Chromium, and with fake-indexeddb in Node. Microseconds per record, best
of three.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import tfjsd
from tfjsd.model_io.store import AsyncStore
from tfjsd.testing.daemon_process import DaemonProcess

ROOT = Path(__file__).resolve().parent.parent
WORKLOAD = Path(__file__).with_suffix(".js")
ROUNDS = 3
OPERATIONS = ("put", "get", "index get", "get_all", "cursor")
Figures = dict[str, float]


async def workload(opening: AbstractAsyncContextManager[AsyncStore], count: int) -> Figures:
    """The workload on a store."""
    found: Figures = {}

    async def timed(name: str, body: Callable[[], Awaitable[None]]) -> None:
        began = time.perf_counter()
        await body()
        found[name] = (time.perf_counter() - began) * 1e6 / count

    def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        db.create_object_store("s", "id").create_index("i", "author")

    async with opening as store:
        factory = store.indexed_db()
        with await factory.open("bench", 1, upgrade=upgrade) as db:

            async def put() -> None:
                async with db.transaction("s", "readwrite", durability="relaxed") as tx:
                    s = tx.object_store("s")
                    for number in range(count):
                        await s.put({"id": number, "author": f"a{number}", "n": number / 2})

            async def get() -> None:
                s = db.transaction("s").object_store("s")
                for number in range(count):
                    await s.get(number)

            async def index_get() -> None:
                index = db.transaction("s").object_store("s").index("i")
                for number in range(count):
                    await index.get(f"a{number}")

            async def get_all() -> None:
                await db.transaction("s").object_store("s").get_all()

            async def cursor() -> None:
                async for found in db.transaction("s").object_store("s").iterate():
                    assert found.value

            for name, body in zip(OPERATIONS, (put, get, index_get, get_all, cursor), strict=True):
                await timed(name, body)
    return found


def on_disk(count: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="tfjsd-bench-") as directory:
        return asyncio.run(workload(tfjsd.aopen_store(Path(directory) / "home"), count))


def over_the_socket(count: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="tfjsd-bench-") as directory, DaemonProcess(Path(directory)) as daemon:
        return asyncio.run(workload(daemon.aconnect(), count))


def in_chromium(count: int) -> Figures:
    sys.path.insert(0, str(ROOT / "tests"))
    from idb_support.chromium import page

    async def run() -> Figures:
        async with page() as browser:
            await browser.evaluate(WORKLOAD.read_text() + "\n;0")
            return dict(json.loads(await browser.evaluate(f"bench({count}, 'relaxed').then(JSON.stringify)")))

    return asyncio.run(run())


def in_node(directory: Path, count: int) -> Figures:
    program = f"""require("fake-indexeddb/auto");
{WORKLOAD.read_text()}
bench({count}, "relaxed").then((found) => console.log(JSON.stringify(found)));"""
    ran = subprocess.run(["node", "-e", program], cwd=directory, capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout))


def best_of(run: Callable[[], Figures]) -> Figures:
    rounds = [run() for _ in range(ROUNDS)]
    return {name: min(found[name] for found in rounds) for name in OPERATIONS}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    runs: dict[str, Callable[[], Figures]] = {
        "tfjsd, memory": lambda: asyncio.run(workload(tfjsd.aopen_store(), count)),
        "tfjsd, LevelDB": lambda: on_disk(count),
        "tfjsd, socket": lambda: over_the_socket(count),
    }
    if shutil.which("chromium") or shutil.which("google-chrome"):
        runs["Chromium"] = lambda: in_chromium(count)
    if len(sys.argv) > 2:
        runs["fake-indexeddb"] = lambda: in_node(Path(sys.argv[2]), count)
    print(f"{'µs per record':16}" + "".join(f"{name:>11}" for name in OPERATIONS))
    for name, run in runs.items():
        figures = best_of(run)
        print(f"{name:16}" + "".join(f"{figures[operation]:11.1f}" for operation in OPERATIONS))


if __name__ == "__main__":
    main()
