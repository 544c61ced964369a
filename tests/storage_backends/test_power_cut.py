"""The power goes while four writers are at work: no strict write is lost, and the store opens again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("power_cut_child.py")


def can_cut() -> bool:
    """Whether this machine lets us mount a file as a disk. Where not, the simulated disk is the test."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return False
    probe = 'set -e; f=$(mktemp); trap "rm -f $f" EXIT; truncate -s 8M $f; mkfs.ext4 -q -F $f; mount -o loop $f /mnt'
    return subprocess.run(["unshare", "-m", "sh", "-c", probe], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not can_cut(), reason="needs root, loop devices and ext4")


def run(path: Path, cycles: int, *options: str) -> dict[str, int]:
    command = ["unshare", "-m", sys.executable, str(CHILD), str(path), str(cycles), "11", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_strict_write_is_lost_in_a_power_cut(tmp_path: Path) -> None:
    result = run(tmp_path, 5)
    assert result["strict"] > 5
    assert (result["lost"], result["findings"], result["unopenable"]) == (0, 0, 0)


def test_a_store_that_does_not_sync_is_noticed(tmp_path: Path) -> None:
    result = run(tmp_path, 5, "--lying")
    assert result["lost"] + result["findings"] + result["unopenable"] > 0


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_no_strict_write_is_lost_in_500_power_cuts(tmp_path: Path) -> None:
    result = run(tmp_path, 500)
    assert (result["lost"], result["findings"], result["unopenable"]) == (0, 0, 0)
