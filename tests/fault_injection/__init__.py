"""System calls that fail or kill: a Python program under strace (https://strace.io, ``--inject``).

Without ``--seccomp-bpf``: with it, strace 6.1 leaves most ``signal=`` injections out without a word.

A program marks the part that faults are for by calling ``os.access("/fault-injection/begin", 0)``. Faults are injected
into the N-th call of one kind that a thread makes; ``points`` lists every N that the marked part reaches.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BEGIN = "/fault-injection/begin"
CHANGING = (
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "ftruncate",
)
_CALL = re.compile(r"^(\d+)\s+(\w+)\(")


@dataclass(frozen=True)
class Point:
    """The N-th call of a kind, in whichever thread makes that many first."""

    call: str
    number: int

    def __str__(self) -> str:
        return f"{self.call}-{self.number}"


def begin() -> None:
    """For programs: faults are for what follows."""
    os.access(BEGIN, 0)


def _strace() -> str:
    found = shutil.which("strace")
    if found is None:
        raise RuntimeError("fault injection needs strace (apt-get install strace)")
    return found


def _program(program: str, arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-c", program, *arguments]


def points(program: str, *arguments: str, log: Path, calls: tuple[str, ...] = CHANGING) -> list[Point]:
    """Every call of the marked part that can be made to fail, found by running the program once without a fault."""
    traced = ",".join((*calls, "access"))
    command = [_strace(), "-f", "-e", f"trace={traced}", "-o", str(log), *_program(program, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    before: Counter[tuple[str, str]] = Counter()
    found: dict[Point, None] = {}
    marked = False
    for thread, call, line in _calls(log):
        marked |= call == "access" and BEGIN in line
        if call in calls:
            before[thread, call] += 1
            if marked:
                found[Point(call, before[thread, call])] = None
    assert marked, "the program never called fault_injection.begin()"
    return list(found)


def _calls(log: Path) -> Iterator[tuple[str, str, str]]:
    for line in log.read_text(errors="replace").splitlines():
        if match := _CALL.match(line):
            yield match[1], match[2], line


def run(program: str, *arguments: str, point: Point, fault: str) -> subprocess.CompletedProcess[str]:
    """Runs the program with one fault: ``signal=KILL`` or ``error=ENOSPC`` and the like."""
    inject = f"inject={point.call}:{fault}:when={point.number}"
    trace = f"trace={point.call}"
    command = [_strace(), "-f", "-e", trace, "-e", inject, "-o", os.devnull]
    return subprocess.run([*command, *_program(program, arguments)], capture_output=True, text=True, timeout=60)
