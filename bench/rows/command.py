"""The command line, with the daemon running."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from row import Aim, Row, each_in
from series import Operation, interleave
from workbench import Workbench, model


def rows(workbench: Workbench) -> Iterator[Row]:
    with workbench.daemon() as daemon:
        daemon.connect().save("indexeddb://m", model(bytes(1024)))
        program = Path(sys.executable).with_name("tfjsd")
        operations: dict[str, Operation] = {
            "tfjsd list": lambda _: run([str(program), "list"], daemon.env),
            "the interpreter's start": lambda _: run([sys.executable, "-I", "-c", "pass"], dict(os.environ)),
        }
        found = interleave(operations, workbench.rounds * 2)
    measured = each_in("ms", found)
    yield Row("tfjsd list, daemon running", found["tfjsd list"], Aim(100, "ms"), measured)


def run(words: list[str], environ: dict[str, str]) -> None:
    subprocess.run(words, check=True, env=environ, stdout=subprocess.DEVNULL)
