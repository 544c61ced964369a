"""IndexedDB and localStorage as Node's packages emulate them, beside tfjsd's own in this process.

What is stored here is on LevelDB: relaxed, so that it survives the process. fake-indexeddb keeps all in memory,
node-localstorage has a file for each item, which nobody syncs. ``bench/indexed_db.py`` and ``bench/web_storage.py``
measure more of both.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import indexed_db
import web_storage
from indexed_db_contenders import Figures
from row import Row, each_in
from series import Series
from workbench import Workbench

MODULES = Path(__file__).resolve().parents[2] / "tests/js"
RECORDS = 5_000
REQUESTS = ("put", "get", "index get", "get_all", "cursor")
MICROSECOND = 1e-6


def rows(workbench: Workbench) -> Iterator[Row]:
    for package, measure in (("fake-indexeddb", databases), ("node-localstorage", items)):
        if shutil.which("node") is None:
            workbench.missing[package] = "install Node"
        elif not (MODULES / "node_modules" / package).is_dir():
            workbench.missing[package] = "npm ci in tests/js"
        else:
            yield from measure(workbench)


def databases(workbench: Workbench) -> Iterator[Row]:
    """Processor time for each record, all threads' included; JavaScript is compiled, as the first round is left out."""
    found = asyncio.run(indexed_db.measure(MODULES, RECORDS, workbench.rounds, cpu=True))
    for request in REQUESTS:
        series = {name: of_request(request, name, rounds[1:]) for name, rounds in found.items()}
        ratio = series["tfjsd, LevelDB"].ratio(series["fake-indexeddb"])
        yield Row(f"IndexedDB, {request}, by fake-indexeddb", ratio, None, each_in("µs", series))


def of_request(request: str, name: str, rounds: Sequence[Figures]) -> Series:
    return Series(name, tuple(figures[request] * MICROSECOND for figures in rounds))


def items(workbench: Workbench) -> Iterator[Row]:
    """The best of each round's runs."""
    measured: dict[str, list[web_storage.Row]] = {"tfjsd, LevelDB": [], "node-localstorage": []}
    with workbench.directory() as directory, web_storage.local_storage(directory / "home", "relaxed") as storage:
        for number in range(workbench.rounds):
            measured["tfjsd, LevelDB"].append(web_storage.measure_mapping(storage))
            place = directory / str(number)
            measured["node-localstorage"].append(web_storage.measure_peer("node-localstorage", MODULES, place))
    for at, operation in enumerate(("setItem", "getItem")):
        series = {
            name: Series(name, tuple(row[at] * MICROSECOND for row in rounds)) for name, rounds in measured.items()
        }
        ratio = series["tfjsd, LevelDB"].ratio(series["node-localstorage"])
        yield Row(f"localStorage, {operation}, by node-localstorage", ratio, None, each_in("µs", series))
