"""A fresh Node project that has installed the package from what ``npm pack`` makes of ``js/``."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from loopback.pages import JS

CLIENT = JS.parents[1] / "js"


def need_node() -> None:
    """Skips where scripts/test could not install Node or the packages."""
    if shutil.which("npm") is None or not (JS / "node_modules" / "typescript").exists():
        pytest.skip("Node or the packages of tests/js are not installed: scripts/test installs them")


@dataclass(frozen=True)
class Project:
    """``files``: what the package's archive holds."""

    directory: Path
    files: frozenset[str]

    def run(self, *words: str, given: str = "") -> str:
        """What a command prints; fails with what it says about an error."""
        done = subprocess.run(
            words, cwd=self.directory, input=given, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def compile(self, *options: str) -> None:
        """Fails with the compiler's errors."""
        self.run("node", str(JS / "node_modules" / "typescript" / "bin" / "tsc"), *options)

    def use(self, name: str, package: str) -> None:
        """``name`` is from now on what tests/js has installed as ``package``."""
        link = self.directory / "node_modules" / name
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(JS / "node_modules" / package)


def make_project(directory: Path) -> Project:
    """Packs and installs; asks no registry for anything."""
    (directory / "package.json").write_text('{"name": "fresh", "private": true, "type": "module"}')
    project = Project(directory, frozenset())
    packed = project.run("npm", "pack", "--json", "--ignore-scripts", "--pack-destination", str(directory), str(CLIENT))
    (archive,) = json.loads(packed)
    project.run(
        "npm", "install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", f"./{archive['filename']}"
    )
    project.use("@tensorflow/tfjs", "@tensorflow/tfjs")
    return Project(directory, frozenset(file["path"] for file in archive["files"]))
