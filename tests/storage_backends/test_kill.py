"""Eight writers, killed at any time: nothing acknowledged is lost, nothing is damaged, the store opens again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("crash_child.py")


def run(path: Path, kills: int, *options: str) -> dict[str, int]:
    command = [sys.executable, str(CHILD), "writers", str(path), str(kills), "7", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1000, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_acknowledged_write_is_lost_in_25_kills(tmp_path: Path) -> None:
    result = run(tmp_path, 25)
    assert result["written"] > 200
    assert (result["lost"], result["findings"]) == (0, 0)


def test_a_store_that_acknowledges_too_early_is_noticed(tmp_path: Path) -> None:
    assert run(tmp_path, 15, "--broken")["lost"] > 0


@pytest.mark.torture
@pytest.mark.timeout(1200)
def test_no_acknowledged_write_is_lost_in_1000_kills(tmp_path: Path) -> None:
    result = run(tmp_path, 1000)
    assert (result["lost"], result["findings"]) == (0, 0)
