"""Where processor time goes that stands between tfjsd and the limit: cProfile, summed up by module.

    python bench/costs.py [OPERATIONS…]

``save`` shows the event loop of a daemon that answers one client; ``set_items`` shows the thread that makes one change
of a thousand items, in this process. What waits (for the network, a lock, another thread) is left out, and
what C functions take counts for the module that calls them: shares hardly depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from workbench import model

import tfjsd

ROOT = Path(tfjsd.__file__).parent
LIBRARIES = ("aiohttp", "asyncio", "concurrent", "json", "threading", "selectors", "multidict", "yarl")
WAITING = ("poll", "acquire", "put", "wait", "fsync")
"""Names of C functions that wait; ``put`` hands work to a thread that then takes the interpreter."""
SMALLEST = 0.03

Function = tuple[str, int, str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/costs.py", description=__doc__.partition("\n")[0])
    parser.add_argument("operations", nargs="*", metavar="OPERATIONS", help=f"any of: {', '.join(OPERATIONS)}")
    for name in parser.parse_args().operations or OPERATIONS:
        with tempfile.TemporaryDirectory(prefix="tfjsd-bench-") as directory:
            shares = by_module(OPERATIONS[name](Path(directory)))
        total = shares.total()
        print(name)
        for module, seconds in shares.most_common():
            if seconds >= SMALLEST * total:
                print(f"    {seconds / total:4.0%}  {module}")


def save(directory: Path) -> pstats.Stats:
    def once(store: tfjsd.Client, number: int) -> None:
        store.save("indexeddb://m", model(number.to_bytes(8, "little") * 12_800))

    return of_daemon(directory, once)


def set_items(directory: Path) -> pstats.Stats:
    profile = cProfile.Profile()
    with tfjsd.open_store(directory / "home") as store:
        storage = store.local_storage()
        for number in range(100):
            items = {f"key{at}": f"value {number}" for at in range(1_000)}
            profile.runcall(storage.update, items)
    return pstats.Stats(profile)


def of_daemon(directory: Path, operation: Callable[[tfjsd.Client, int], None]) -> pstats.Stats:
    """What the main thread of a daemon did for a thousand of them, its start and end included."""
    words = [sys.executable, "-P", "-m", "cProfile", "-o", str(directory / "profile"), "-m", "tfjsd", "serve"]
    words += ["--home", str(directory / "home"), "--socket", str(directory / "s")]
    process = subprocess.Popen(words, env=os.environ | {"XDG_CONFIG_HOME": str(directory), "TFJSD_LOG_LEVEL": "error"})
    try:
        while not (directory / "s").exists():
            if process.poll() is not None:
                raise SystemExit("the daemon did not start")
            time.sleep(0.05)
        with tfjsd.connect(directory / "s", home=directory / "home", autostart=False) as store:
            for number in range(1_000):
                operation(store, number)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return pstats.Stats(str(directory / "profile"))


def by_module(profile: pstats.Stats) -> Counter[str]:
    """Seconds that each module's functions took, with the C functions that they called. Imports are left out."""
    seconds: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in profile.stats.items():  # type: ignore[attr-defined]
        if function[0] != "~":
            seconds[module_of(function)] += own
        elif not any(f"'{name}'" in function[2] for name in WAITING):
            for caller, (_, _, called, _) in callers.items():
                seconds[module_of(caller)] += called
    del seconds[""]
    return seconds


def module_of(function: Function) -> str:
    path = Path(function[0])
    if "importlib" in function[0] or path.name == "~":
        return ""
    library = next((name for name in LIBRARIES if name in path.parts or path.stem == name), None)
    if library is not None:
        return library
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


OPERATIONS: dict[str, Callable[[Path], pstats.Stats]] = {"save": save, "set_items": set_items}


if __name__ == "__main__":
    main()
