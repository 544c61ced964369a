"""What IndexedDB costs: here, over a daemon's socket, in a real Chromium, and with fake-indexeddb in Node, in one run.

    python bench/indexed_db.py [--peers DIR] [--records N] [--rounds N] [--cpu]

DIR is where `npm install fake-indexeddb` was run. The same program runs everywhere, on small records with a key path
and an index: `put`, `get` and `index get` await each request before they place the next; with `+` all are placed in one
transaction and awaited afterwards; `get_all` reads all records with one request, `cursor` walks over all and looks at
each value; `delete` takes the database away, with `--cpu` including what reclaims its records. Writing is relaxed, and
includes the commit; fake-indexeddb keeps everything in memory. Microseconds per record: the median of the rounds, in
brackets the smallest and the largest. All take their turn in each round; the first round, in which JavaScript compiles,
stands apart. With `--cpu` the CPU time of all threads of the process is measured, which other work on the machine
hardly changes, where one process does it all: in memory, on LevelDB, in Node.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import shutil
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path

from indexed_db_contenders import Contender, Figures, in_chromium, in_memory, in_node, on_disk, over_the_socket

OPERATIONS = ("put", "put +", "get", "get +", "index get", "index get +", "get_all", "cursor", "delete")


async def measure(peers: Path | None, records: int, rounds: int, cpu: bool) -> dict[str, list[Figures]]:
    clock = time.process_time if cpu else time.perf_counter
    async with AsyncExitStack() as stack:
        contenders: dict[str, Contender] = {
            "tfjsd, memory": await stack.enter_async_context(in_memory(clock)),
            "tfjsd, LevelDB": await stack.enter_async_context(on_disk(clock)),
        }
        if not cpu:
            contenders["tfjsd, socket"] = await stack.enter_async_context(over_the_socket())
        if peers is not None:
            contenders["fake-indexeddb"] = await stack.enter_async_context(in_node(peers, cpu=cpu))
        if not cpu and (shutil.which("chromium") or shutil.which("google-chrome")):
            contenders["Chromium"] = await stack.enter_async_context(in_chromium())
        found: dict[str, list[Figures]] = {name: [] for name in contenders}
        for _ in range(1 + rounds):
            for name, run in contenders.items():
                found[name].append(await run(records))
    return found


def shown(title: str, found: dict[str, list[Figures]]) -> str:
    lines = ["", f"{title:14}" + "".join(f"{name:>21}" for name in found)]
    for operation in OPERATIONS:
        cells = []
        for rounds in found.values():
            values = [figures[operation] for figures in rounds]
            spread = f"({min(values):.1f}-{max(values):.1f})"
            cells.append(f"{statistics.median(values):7.1f}{spread:>14}")
        lines.append(f"{operation:14}" + "".join(cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="where fake-indexeddb is installed")
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", action="store_true", help="the CPU time of the process, where there is one")
    options = parser.parse_args()
    found = asyncio.run(measure(options.peers, options.records, options.rounds, options.cpu))
    what = "µs of CPU time" if options.cpu else "µs"
    print(f"Python {platform.python_version()}, {what} per record of {options.records}, {options.rounds} rounds")
    print(shown("first round", {name: rounds[:1] for name, rounds in found.items()}))
    print(shown("later rounds", {name: rounds[1:] for name, rounds in found.items()}))


if __name__ == "__main__":
    main()
