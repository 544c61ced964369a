"""Signals end a command at any moment with the exit code that they have, and leave nothing behind."""

import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
MODULE, _, FUNCTION = PROJECT["project"]["scripts"]["tfjsd"].partition(":")
ENTRIES = {
    "python -m tfjsd": "import runpy; runpy.run_module('tfjsd', run_name='__main__', alter_sys=True)",
    "tfjsd": f"from {MODULE} import {FUNCTION}; sys.exit({FUNCTION}())",
}
SIGNAL_WHILE_LOADING = """
import importlib.abc, signal, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder())
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "tfjsd"
"""
SIGNAL_IN_A_BACKUP = """
import contextlib, signal, sys
import tfjsd.cli
class Store(contextlib.nullcontext):
    def __enter__(self):
        return self
    def backup(self, file):
        file.write(b"the first half")
        signal.raise_signal(signal.SIGTERM)
        file.write(b"the second")
tfjsd.cli._connect = lambda target, **_: Store()
sys.argv[0] = "tfjsd"
"""

SIGNAL_IN_A_CALLBACK = """
import asyncio, contextlib, signal, sys
import tfjsd.cli
async def wait():
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
    await asyncio.Event().wait()
class Store(contextlib.nullcontext):
    def __enter__(self):
        return self
    def backup(self, file):
        asyncio.run(wait())
tfjsd.cli._connect = lambda target, **_: Store()
sys.argv[0] = "tfjsd"
"""


def run(program, entry, *words, directory):
    return subprocess.run(
        [sys.executable, "-P", "-c", f"{program}\n{ENTRIES[entry]}", "--home", directory / "home", *words],
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("verb", [["list"], ["copy", "indexeddb://a", "indexeddb://b"], ["backup", "file"], ["status"]])
@pytest.mark.parametrize("module", ["tfjsd.cli", "tfjsd.commands.parsing", "tfjsd.commands.invocation", "tfjsd.client"])
def test_ctrl_c_while_modules_load_exits_130_without_a_word(entry, verb, module, tmp_path):
    program = SIGNAL_WHILE_LOADING.format(module=module)
    done = run(program, entry, *verb, "--no-autostart", directory=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("entry", ENTRIES)
def test_sigterm_leaves_the_old_file_and_no_other(entry, tmp_path):
    (tmp_path / "file").write_text("old")
    done = run(SIGNAL_IN_A_BACKUP, entry, "backup", tmp_path / "file", "--no-autostart", directory=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_command_is_terminated_in_the_callback_of_a_loop_too(entry, tmp_path):
    done = run(SIGNAL_IN_A_CALLBACK, entry, "backup", tmp_path / "file", directory=tmp_path)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == b""
