"""What an IndexedDB operation costs in a store of ten thousand, a hundred thousand and a million records, on LevelDB.

    python bench/indexed_db_growth.py [RECORDS …]

Microseconds of CPU time (all threads) for one operation, the median of five runs of 1,000, or of 100 with `get_all`,
`cursor` and `count`, at random places: `put` replaces records in one relaxed transaction, commit included; `get_all`
reads 100 records and `cursor` walks over 1,000 (each per record), `count` counts a range of 100 (per operation). `load`
is what each record cost as the store was filled, in transactions of 10,000, until LevelDB rests. `own` and `mapped` are
the MiB by which the process has grown since the store was empty: its own memory, and the pages of LevelDB's tables that
it has read, which the system takes back when it needs them.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import tfjsd
from tfjsd import IDBKeyRange

BATCH = 10_000
RUNS = 5
OPERATIONS = ("load", "put", "get", "index get", "get_all", "cursor", "count")
MEMORY = {"own": "RssAnon", "mapped": "RssFile"}
Figures = dict[str, float]


def record(number: int) -> dict[str, object]:
    return {"id": number, "author": f"a{number}", "n": number / 2}


async def load(db: Any, count: int) -> None:
    for first in range(0, count, BATCH):
        async with db.transaction("s", "readwrite", durability="relaxed") as tx:
            s = tx.object_store("s")
            for number in range(first, min(first + BATCH, count)):
                s.put(record(number))


async def put(db: Any, places: list[int]) -> None:
    async with db.transaction("s", "readwrite", durability="relaxed") as tx:
        s = tx.object_store("s")
        for place in places:
            await s.put(record(place))


async def get(db: Any, places: list[int]) -> None:
    s = db.transaction("s").object_store("s")
    for place in places:
        assert (await s.get(place))["id"] == place


async def index_get(db: Any, places: list[int]) -> None:
    index = db.transaction("s").object_store("s").index("i")
    for place in places:
        assert (await index.get(f"a{place}"))["id"] == place


async def get_all(db: Any, places: list[int]) -> None:
    s = db.transaction("s").object_store("s")
    for place in places[:100]:
        await s.get_all(IDBKeyRange.lower_bound(place), 100)


async def cursor(db: Any, places: list[int]) -> None:
    walk = db.transaction("s").object_store("s").iterate(IDBKeyRange.lower_bound(places[0]))
    for _ in range(1000):
        assert (await anext(walk)).value


async def count(db: Any, places: list[int]) -> None:
    s = db.transaction("s").object_store("s")
    for place in places[:100]:
        await s.count(IDBKeyRange.bound(place, place + 99))


MEASURED: dict[str, tuple[Callable[[Any, list[int]], Awaitable[None]], int]] = {
    "put": (put, 1000),
    "get": (get, 1000),
    "index get": (index_get, 1000),
    "get_all": (get_all, 100 * 100),
    "cursor": (cursor, 1000),
    "count": (count, 100),
}


async def measure(records: int) -> Figures:
    def upgrade(db: Any, _tx: Any, _old: int, _new: int) -> None:
        db.create_object_store("s", "id").create_index("i", "author")

    chance = random.Random(records)
    with tempfile.TemporaryDirectory(prefix="tfjsd-bench-") as directory:
        async with tfjsd.aopen_store(Path(directory) / "home") as store:
            with await store.indexed_db().open("bench", 1, upgrade=upgrade) as db:
                empty = _memory()
                began = time.process_time()
                await load(db, records)
                await _rest()
                found = {"load": (time.process_time() - began) * 1e6 / records}
                for name, (run, operations) in MEASURED.items():
                    found[name] = await _median(run, db, records, operations, chance)
                found |= {name: size - empty[name] for name, size in _memory().items()}
    return found


async def _rest() -> None:
    """Returns once nothing goes on in the background any more."""
    busy = True
    while busy:
        before = time.process_time()
        await asyncio.sleep(0.5)
        busy = time.process_time() - before > 0.02


def _memory() -> Figures:
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(fields[field].split()[0]) / 1024 for name, field in MEMORY.items()}


async def _median(run: Any, db: Any, records: int, operations: int, chance: random.Random) -> float:
    times = []
    for _ in range(RUNS):
        places = [chance.randrange(records - 1000) for _ in range(1000)]
        began = time.process_time()
        await run(db, places)
        times.append((time.process_time() - began) * 1e6 / operations)
    return statistics.median(times)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    names = (*OPERATIONS, *MEMORY)
    print(f"{'records':>10}" + "".join(f"{name:>11}" for name in names))
    for records in sizes:
        figures = asyncio.run(measure(records))
        print(f"{records:10,}" + "".join(f"{figures[name]:11.1f}" for name in names), flush=True)


if __name__ == "__main__":
    main()
