"""What the client costs: ``python bench/client.py [MEBIBYTES]``.

Starts a daemon on a home in the temporary directory and prints, for one quiet machine, the best and the median of
several runs. Compare figures of one run with each other, not with those of another machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import tfjsd
from tfjsd.client.client import Client

PEAK = """
from tfjsd.cli import main
main()
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else "64") << 20
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    try:
        started = time.perf_counter()
        with tfjsd.connect(home=directory / "home") as store:
            print(f"{'start of a daemon':34} {1e3 * (time.perf_counter() - started):8.1f} ms")
            small_requests(store)
            large_weights(store, size)
            command(directory / "home")
            process = store.status()["pid"]
        os.kill(process, signal.SIGTERM)
        while (directory / "home" / "daemon.json").exists():
            time.sleep(0.01)
    finally:
        shutil.rmtree(directory)


def small_requests(store: Client) -> None:
    model, storage = artifacts(8, 0), store.local_storage()
    report("status", 500, store.status)
    report("localStorage getItem", 500, lambda: storage.get_item("key"))
    report("localStorage setItem, durable", 100, lambda: storage.set_item("key", "value"))
    report("save of a small model, durable", 100, lambda: store.save("indexeddb://small", model))
    report("load of a small model", 100, lambda: store.load("indexeddb://small"))


def large_weights(store: Client, size: int) -> None:
    mebibytes = size >> 20
    for how, same_user in (("handed over as a file", True), ("streamed", False)):
        store._session.link.same_user = same_user
        models: Iterator[tfjsd.ModelArtifacts] = iter([artifacts(size, seed + 10 * same_user) for seed in range(8)])
        report(f"save of {mebibytes} MiB, {how}", 8, lambda models=models: store.save("indexeddb://a", next(models)))
        how = "mapped" if same_user else "streamed"
        report(f"load of {mebibytes} MiB, {how}", 8, lambda: store.load("indexeddb://a"))


def command(home: Path) -> None:
    words = [sys.executable, "-m", "tfjsd", "--home", str(home), "list"]
    report("tfjsd list", 20, lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL))
    if Path("/proc/self/status").exists():
        program = f"import sys; sys.argv = {['tfjsd', '--home', str(home), 'list']!r}\n{PEAK}"
        done = subprocess.run(
            [sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        print(f"{'tfjsd list, peak memory':34} {int(done.stderr) / 1024:8.1f} MiB")


def artifacts(size: int, seed: int) -> tfjsd.ModelArtifacts:
    """Each seed gives other bytes: nothing is stored already."""
    head = (seed.to_bytes(8, "little") * 8)[: min(size, 64)]
    specs = [{"name": "w", "shape": [size], "dtype": "bool"}]
    return tfjsd.ModelArtifacts({"class_name": "Sequential"}, specs, head + bytes(size - len(head)))


def report(what: str, runs: int, work: Callable[[], object]) -> None:
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - begun))
    print(f"{what:34} {min(times):8.2f} ms best {statistics.median(times):8.2f} ms median")


if __name__ == "__main__":
    main()
