"""Each system call of an operation is the last one, or fails: what was acknowledged is there, nothing is there by half.

strace stands in for the power switch and the broken disk. It counts system calls per thread, so each point runs in a
forked process whose thread first makes as many calls without effect as bring the one that matters to the number that
strace waits for.
"""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("crash_child.py")
STATE = runpy.run_path(str(CHILD))["state"]
WHEN = 100
CALLS = ["write", "fsync", "fdatasync", "rename", "unlink"]

# How a call fails. "+": it and every later one.
KILL = "signal=KILL:when={}"
ORDINARY = {
    "write": [KILL, "error=ENOSPC:when={}"],
    "fsync": [KILL, "error=EIO:when={}"],
    "fdatasync": [KILL, "error=EIO:when={}+"],
    "rename": [KILL, "error=EIO:when={}"],
    "unlink": [KILL, "error=EIO:when={}"],
}
FURTHER = {
    "write": ["error=EIO:when={}", "error=EDQUOT:when={}", "error=ENOSPC:when={}+", "error=EIO:when={}+"],
    "fsync": ["error=EIO:when={}+", "error=ENOSPC:when={}"],
    "fdatasync": ["error=EIO:when={}", "error=ENOSPC:when={}", "error=ENOSPC:when={}+"],
    "rename": ["error=EIO:when={}+", "error=EROFS:when={}"],
    "unlink": ["error=EIO:when={}+", "error=EROFS:when={}+"],
}


@pytest.fixture(scope="session")
def strace() -> str:
    path = shutil.which("strace")
    if path is None:
        if sys.platform == "darwin":
            pytest.skip("macOS has no strace")
        pytest.fail("These tests need strace: apt-get install strace")
    return path


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crash") / "template"
    child("template", path)
    return path


def child(mode: str, path: Path, *arguments: object, under: list[str] | None = None) -> str:
    command = [*(under or []), sys.executable, str(CHILD), mode, str(path), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


NEVER_MADE = {("put", "rename"), ("put", "unlink"), ("copy", "rename"), ("copy", "unlink"), ("remove", "rename")}


class Sweep:
    """One operation with one kind of failure at each of its calls."""

    def __init__(self, strace: str, template: Path, base: Path, operation: str, call: str) -> None:
        self.strace, self.template, self.base = strace, template, base
        self.operation, self.call = operation, call

    def prepare(self, points: list[int]) -> None:
        shutil.rmtree(self.base, ignore_errors=True)
        self.base.mkdir()
        if self.operation != "first":
            for point in points:
                shutil.copytree(self.template, self.base / str(point))

    def count(self) -> int:
        """How many such calls the operation makes."""
        self.prepare([0])
        log = self.base / "log"
        under = [self.strace, "-f", "-qq", "-o", str(log), "-e", f"trace={self.call}"]
        child("inject", self.base, self.operation, WHEN, self.call, 0, under=under)
        calls = Counter(line.split()[0] for line in log.read_text().splitlines() if f" {self.call}(" in line)
        return max(calls.values()) - WHEN

    def run(self, points: list[int], failure: str, *options: str) -> tuple[list[dict], list[dict]]:
        self.prepare(points)
        inject = f"inject={self.call}:{failure.format(WHEN)}"
        under = [self.strace, "-f", "-qq", "-o", "/dev/null"]
        under += ["-e", f"trace={self.call}", "-e", inject]
        arguments = [self.operation, WHEN, self.call, *points, *options]
        outcomes = json.loads(child("inject", self.base, *arguments, under=under))
        return outcomes, [STATE(self.base / str(point)) for point in points]


def violations(sweep: Sweep, outcomes: list[dict], states: list[dict], before: dict, after: dict) -> list[str]:
    """What a promise was broken by, point by point."""
    broken = []
    for point, (outcome, state) in enumerate(zip(outcomes, states, strict=True), 1):
        where = f"{sweep.operation}, {sweep.call} {point}: {outcome}"
        held = {name: state[name] for name in before}
        told, later = outcome["told"]
        if held not in (before, after):
            broken.append(f"{where}: half there: {held}")
        if told == "acknowledged" and held != after:
            broken.append(f"{where}: acknowledged, but absent")
        if told in ("unchanged", "unopened") and held != before:
            broken.append(f"{where}: failed, but there")
        if later == "acknowledged" and state["later"] != "later":
            broken.append(f"{where}: the later write was acknowledged, but is absent")
        if "surprise" in outcome["told"] or (not told and not outcome["killed"]):
            broken.append(f"{where}: an error that is none of the declared ones")
        if state["findings"] or state["left over"]:
            broken.append(f"{where}: {state['findings']} {state['left over']}")
        if set(state["blobs"]) != {state["model"], state["copy"]} - {""}:
            broken.append(f"{where}: blobs left over: {state['blobs']}")
    return broken


NOTHING = {"record": "", "model": "", "copy": ""}


def sweep(strace: str, template: Path, base: Path, operation: str, call: str) -> tuple[Sweep, int, dict, dict]:
    """With the number of its calls, and what is there before and after the operation."""
    made = Sweep(strace, template, base, operation, call)
    count = made.count()
    state = STATE(base / "0")
    after = {name: state[name] for name in NOTHING}
    if operation == "first":
        return made, count, NOTHING, after
    made.prepare([0])
    state = STATE(base / "0")
    return made, count, {name: state[name] for name in NOTHING}, after


def check(strace: str, template: Path, base: Path, operation: str, call: str, failures: list[str]) -> None:
    made, count, before, after = sweep(strace, template, base, operation, call)
    assert before != after
    assert count > 0 or (operation, call) in NEVER_MADE
    broken = []
    for failure in failures if count else []:
        outcomes, states = made.run(list(range(1, count + 1)), failure)
        if failure == KILL:
            assert all(outcome["killed"] for outcome in outcomes)
        broken += [f"{failure}: {line}" for line in violations(made, outcomes, states, before, after)]
    assert broken == []


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("operation", ["put", "save", "copy", "remove"])
def test_every_promise_holds_at_every_call(
    strace: str, template: Path, tmp_path: Path, operation: str, call: str
) -> None:
    check(strace, template, tmp_path / "sweep", operation, call, ORDINARY[call])


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_store_killed_while_it_is_created_is_there_or_not(
    strace: str, template: Path, tmp_path: Path, call: str
) -> None:
    check(strace, template, tmp_path / "sweep", "first", call, [KILL])


@pytest.mark.torture
@pytest.mark.timeout(600)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("operation", ["put", "save", "copy", "remove", "first", "open"])
def test_every_promise_holds_however_a_call_fails(
    strace: str, template: Path, tmp_path: Path, operation: str, call: str
) -> None:
    check(strace, template, tmp_path / "sweep", operation, call, ORDINARY[call] + FURTHER[call])


def test_the_sweep_notices_a_store_that_acknowledges_too_early(strace: str, template: Path, tmp_path: Path) -> None:
    made, count, before, after = sweep(strace, template, tmp_path / "sweep", "save", "fsync")
    outcomes, states = made.run(list(range(1, count + 1)), "signal=KILL:when={}", "--broken")
    assert any("acknowledged, but absent" in line for line in violations(made, outcomes, states, before, after))


def test_the_sweep_notices_an_engine_that_goes_on_after_an_error(strace: str, tmp_path: Path) -> None:
    """LevelDB by itself, after one failed write of its log: it acknowledges what it then loses."""
    under = [strace, "-f", "-qq", "-o", "/dev/null", "-P", str(tmp_path / "db" / "000003.log"), "-e", "trace=write"]
    under += ["-e", "inject=write:error=ENOSPC:when=20"]
    result = json.loads(child("raw", tmp_path / "db", under=under))
    assert result["failed"] == 1
    assert result["lost"] > 0
