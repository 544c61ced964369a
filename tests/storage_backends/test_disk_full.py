"""A disk that fills up for real: errors say so, nothing acknowledged is lost, deleting works, and writing resumes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("disk_full_child.py")


def run(command: list[str]) -> dict[str, object]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def check(found: dict[str, object]) -> None:
    assert found["first"] == "done"
    assert found["readable"] == found["acknowledged"]
    assert found["blob"] == "disk, 0 left"
    assert found["removed"] is True
    assert found["afterwards"] == "done"
    assert (found["lost"], found["returned"], found["findings"]) == (0, 0, [])


def can_mount() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="mounting a small disk needs root on Linux; the next test does without")
def test_a_small_disk_fills_up(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    assert unshare is not None
    script = f'mount -t tmpfs -o size=60m none "$1" && exec "{sys.executable}" "{CHILD}" "$1"'
    found = run([unshare, "-m", "sh", "-c", script, "sh", str(tmp_path)])
    assert 50 < int(str(found["acknowledged"])) < 900
    check(found)


def test_a_limit_on_file_sizes_is_a_full_disk(tmp_path: Path) -> None:
    check(run([sys.executable, str(CHILD), str(tmp_path), str(3 << 20)]))
