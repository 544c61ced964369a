"""A directory of 1,000 models of mixed size: first pass, a pass without a change, live latencies, memory, beside rsync.

    python bench/sync.py [--models N] [--changes N]

The daemon is a process of its own on the disk of the temporary directory; rsync (where it is installed) copies the same
tree to the same disk. Latency: from the end of the last write on one side until the other side has the model.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import tfjsd
from tfjsd.model_io.node_file_system import file_system

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def artifacts(number: int, content: int = 0) -> tfjsd.ModelArtifacts:
    size = SIZES[number % len(SIZES)]
    specs = [{"name": "w", "shape": [size], "dtype": "uint8"}]
    return tfjsd.ModelArtifacts({"number": number, "content": content}, specs, random.randbytes(size))


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def resident(process: int, field: str) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def into_the_store(store: tfjsd.Client, place: Path, models: int, changes: int) -> list[float]:
    latencies = []
    for change in range(1, changes + 1):
        number = random.randrange(models)
        load = partial(store.load, f"indexeddb://{number}")
        file_system(place / str(number)).save(artifacts(number, change))
        latencies.append(timed(lambda load=load, change=change: until_content(load, change)))
    return latencies


def into_the_directory(
    store: tfjsd.Client, place: Path, models: int, changes: int, *, first: int = 0, pause: float = 0.0
) -> list[float]:
    latencies = []
    for change in range(first + changes + 1, first + 2 * changes + 1):
        time.sleep(pause)
        number = random.randrange(models)
        handler = file_system(place / str(number) / "model.json")
        store.save(f"indexeddb://{number}", artifacts(number, change))
        latencies.append(timed(lambda load=handler.load, change=change: until_content(load, change)))
    return latencies


def until_content(load: Callable[[], tfjsd.ModelArtifacts], content: int) -> None:
    until(lambda: load().model_topology["content"] == content)


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.002)


def measure(directory: Path, models: int, changes: int) -> None:
    place, home = directory / "models", directory / "home"
    for number in range(models):
        file_system(place / str(number)).save(artifacts(number))
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    print(f"{models:,} models, {size / 1e6:,.0f} MB")
    if shutil.which("rsync"):
        command = ["rsync", "-a", f"{place}/", f"{directory / 'copy'}/"]
        print(
            f"rsync, first copy            {timed(lambda: subprocess.run(command, check=True)):8.3f} s (without sync)"
        )
        print(f"rsync, without a change      {timed(lambda: subprocess.run(command, check=True)):8.3f} s")
    daemon = subprocess.Popen([sys.executable, "-m", "tfjsd", "serve", "--home", str(home)], stderr=subprocess.DEVNULL)
    until((home / "daemon.json").exists)
    try:
        with tfjsd.connect(home=home, autostart=False) as store:
            pairs = store.sync_pairs()
            print(f"resident without a pair      {resident(daemon.pid, 'VmRSS'):8.1f} MB")
            pairs.add(place, "indexeddb://", name="bench")
            print(f"first pass, durable          {timed(lambda: pairs.once('bench')):8.3f} s")
            until(lambda: pairs.list()["bench"]["state"] == "equal")
            print(f"resident after it, at most   {resident(daemon.pid, 'VmHWM'):8.1f} MB")
            report = pairs.once("bench")
            print(f"a pass without a change      {report['seconds']:8.3f} s, {report['read']} models read")
            calmly = partial(into_the_directory, first=2 * changes, pause=1.0)
            for what, direction, count in (
                ("into the store", into_the_store, changes),
                ("into the directory", into_the_directory, changes),
                ("the same, one a second", calmly, min(changes, 30)),
            ):
                latencies = direction(store, place, models, count)
                p50, p99 = percentile(latencies, 0.5) * 1000, percentile(latencies, 0.99) * 1000
                print(f"{what:28} {p50:8.0f} ms p50, {p99:.0f} ms p99 ({count} changes)")
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--changes", type=int, default=100)
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-bench-"))
    os.environ.pop("TFJSD_SOCKET", None)
    try:
        measure(directory, options.models, options.changes)
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
