"""Runs test files of the web platform tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, NamedTuple

from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

from .bridge import WINDOW, Bridge
from .channel import NodeEnded

SECONDS: Final = 30.0
LONG_SECONDS: Final = 120.0
HARNESS: Final = "(the harness)"
"""The name under which a file's own failure is counted: a script that is missing, an exception outside of a test."""


class FileResult(NamedTuple):
    """Each subtest's name with None where it passed, else with what went wrong."""

    address: str
    subtests: dict[str, str | None]

    @property
    def passed(self) -> int:
        return sum(problem is None for problem in self.subtests.values())


async def run_file(root: Path, address: str, factory: IDBFactory) -> FileResult:
    """Runs ``IndexedDB/<address>`` below ``root``; an address ends with the file's variant, if it has any."""
    address = f"IndexedDB/{address}"
    is_long = "META: timeout=long" in _source(root / address.split("?")[0])
    with WINDOW:
        bridge = Bridge(root, address, factory)
        try:
            subtests = await _run(bridge, LONG_SECONDS if is_long else SECONDS)
        except (NodeEnded, TimeoutError) as problem:
            subtests = {HARNESS: type(problem).__name__}
        finally:
            bridge.close()
    return FileResult(address.removeprefix("IndexedDB/"), subtests)


async def _run(bridge: Bridge, seconds: float) -> dict[str, str | None]:
    bridge.run("load")
    try:
        tests, status = await asyncio.wait_for(asyncio.shield(bridge.finished), seconds)
    except TimeoutError:
        bridge.run("timeout")
        tests, status = await asyncio.wait_for(bridge.finished, 5)
    found = {test["name"]: _problem_of(test["status"], test["message"]) for test in tests}
    if status["message"] is not None:
        found[HARNESS] = status["message"]
    return found


def _problem_of(status: str, message: str | None) -> str | None:
    return None if status == "Pass" else f"{status}: {message}"


def addresses(root: Path) -> list[str]:
    """Every test file below ``root/IndexedDB``, once for each of its variants."""
    found: list[str] = []
    base = root / "IndexedDB"
    for path in sorted(filter(_is_test, base.rglob("*"))):
        name = str(path.relative_to(base))
        lines = _source(path).splitlines()
        variants = [line.split("=", 1)[1].strip() for line in lines if line.startswith("// META: variant=")]
        found += [name + variant for variant in variants] or [name]
    return found


def _source(path: Path) -> str:
    return path.read_text(errors="surrogateescape")


def _is_test(path: Path) -> bool:
    """https://web-platform-tests.org/writing-tests/file-names.html; what is under ``resources`` helps tests."""
    return path.parent.name != "resources" and path.name.endswith((".any.js", ".window.js", ".html", ".htm"))
