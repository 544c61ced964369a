"""A pass across a power cut: no half model on either side afterwards, and the next passes finish what was begun."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from power_cut.disk import Disk, run

from tfjsd.errors import TfjsdError

from .test_kill_points import Place

WORKER = Path(__file__).with_name("passes_until_the_cut.py")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a file system needs root on Linux"
)


@pytest.fixture
def disk(tmp_path):
    disk = Disk(tmp_path)
    yield disk
    run("umount", "--lazy", str(disk.mountpoint))  # a failed test may still hold a mapped file


def kept_until_the_cut(disk: Disk, place: Path, seed: int, how: str) -> set[int]:
    """The versions that were acknowledged before the power went, and that no change was about to take away."""
    worker = subprocess.Popen(
        [sys.executable, str(WORKER), str(place), str(seed), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert worker.stdout is not None
    said: list[list] = []
    begun = threading.Event()

    def listen(lines):
        for line in lines:
            said.append(json.loads(line))
            begun.set()

    listener = threading.Thread(target=listen, args=(worker.stdout,))
    listener.start()
    try:
        assert begun.wait(60), f"the worker did not start ({worker.poll()})"
        time.sleep(random.Random(seed).uniform(0.0, 0.8))
        assert worker.poll() is None, "the worker ended by itself"
        heard = len(said)
        disk.cut()
    finally:
        worker.kill()
        listener.join()
        worker.wait()
        worker.stdout.close()
    kept: set[int] = set()
    for number, (what, content) in enumerate(said):
        if what == "gone":
            kept.discard(content)
        elif number < heard:
            kept.add(content)
    return kept


def cycle(disk: Disk, seed: int, how: str) -> list[str]:
    """One cut; what was wrong after it."""
    place = disk.mountpoint / f"cycle-{seed}"
    kept = kept_until_the_cut(disk, place, seed, how)
    disk.power_off()
    disk.power_on()
    try:
        return [f"cycle {seed}: {problem}" for problem in problems_of(place, kept)]
    except (AssertionError, OSError, TfjsdError) as error:
        return [f"cycle {seed}: {error!r}"]
    finally:
        shutil.rmtree(place, ignore_errors=True)


def problems_of(place: Path, kept: set[int]) -> list[str]:
    with Place(place) as there:
        there.files(), there.stored()
        for _ in range(6):
            result = there.run(deletion_share=1.0)
        files, stored = there.files(), there.stored()
    problems = [] if result.clean else [f"does not come to rest: {result}"]
    if files != stored:
        problems.append(f"{files} are not {stored}")
    if lost := kept - set(stored.values()):
        problems.append(f"{lost} are lost of {kept}")
    return problems


def cycles(disk: Disk, seeds: range, how: str = "synced") -> list[str]:
    return [problem for seed in seeds for problem in cycle(disk, seed, how)]


def test_no_half_model_and_no_loss_across_power_cuts(disk):
    assert cycles(disk, range(12)) == []


def test_the_cut_is_felt_where_nothing_is_synced(disk):
    """The negative control."""
    problems = cycles(disk, range(100, 106), "unsynced")
    assert [problem for problem in problems if "half a model" in problem or "Error" in problem], problems


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_no_half_model_and_no_loss_across_many_power_cuts(disk):
    assert cycles(disk, range(1000, 1500)) == []
