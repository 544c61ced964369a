"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("plyvel", "aiohttp", "numpy", "pybase64", "blake3")


def described(directory: Path) -> list[str]:
    """Processor, memory, kernel, file system under ``directory``, versions: one line each."""
    return [
        f"{_processor()}, {os.cpu_count()} logical cores, {_memory()}",
        f"{platform.system()} {platform.release()}, {_file_system(directory)} under the store",
        f"CPython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        f"load average at the start: {os.getloadavg()[0]:.2f}",
    ]


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB of memory"


def _file_system(directory: Path) -> str:
    done = subprocess.run(["df", "-T", str(directory)], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    return lines[1].split()[1] if done.returncode == 0 and len(lines) > 1 else "an unknown file system"


def processor_seconds(pid: int | None) -> float | None:
    """What all threads of a process have taken so far, to the hundredth; None where the system does not say."""
    statistics = Path(f"/proc/{pid}/stat")
    if not statistics.exists():
        return None
    fields = statistics.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def on_processors(wanted: Mapping[int, int]) -> Iterator[None]:
    """For the block, all threads of each process (by its id) run on one processor (by its number)."""
    before = {thread: os.sched_getaffinity(thread) for pid in wanted for thread in threads(pid)}
    try:
        for pid, processor in wanted.items():
            for thread in threads(pid):
                os.sched_setaffinity(thread, {processor})
        yield
    finally:
        for pid in wanted:
            for thread in threads(pid):
                os.sched_setaffinity(thread, before.get(thread, before[pid]))


def threads(pid: int) -> list[int]:
    return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]


def two_processors() -> tuple[int, int] | None:
    """The numbers of two that this process may run on; None where there is one, or the system lets nobody choose."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    first, *others = sorted(os.sched_getaffinity(0))
    return (first, others[0]) if others else None
