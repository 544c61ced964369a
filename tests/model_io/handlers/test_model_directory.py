"""A directory holds the old model or the new one, whole, at any crash."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tfjsd.model_io.model_directory import WeightFile, replace_model
from tfjsd.storage_backends import durable


def model(generation: int, names: list[str], size: int = 300_000) -> list[WeightFile]:
    """Weight files in which every byte is the generation."""
    return [WeightFile(name, [bytes([generation]) * (size // 2)] * 2) for name in names]


def json_of(generation: int):
    return lambda names: json.dumps({"generation": generation, "paths": list(names)}).encode()


def save(directory: Path, generation: int, names: list[str]) -> None:
    replace_model(directory, model(generation, names), json_of(generation))


def generation_in(directory: Path) -> int | None:
    """The generation of the model that a reader finds, or None; fails where it is not whole."""
    path = directory / "model.json"
    if not path.exists():
        return None
    document = json.loads(path.read_bytes())
    for name in document["paths"]:
        assert set((directory / name).read_bytes()) == {document["generation"]}, (name, document)
    return document["generation"]


ONE = ["weights.bin"]
TWO = ["group1-shard1of2.bin", "group1-shard2of2.bin"]


@pytest.mark.parametrize("second", [ONE, TWO, []], ids=str)
@pytest.mark.parametrize("first", [ONE, TWO, []], ids=str)
def test_a_model_replaces_another_and_leaves_nothing_of_it(tmp_path: Path, first: list[str], second: list[str]):
    (tmp_path / "notes.txt").write_text("mine")
    save(tmp_path, 1, first)
    save(tmp_path, 2, second)
    assert generation_in(tmp_path) == 2
    assert sorted(os.listdir(tmp_path)) == sorted(["model.json", "notes.txt", *second])
    assert json.loads((tmp_path / "model.json").read_bytes())["paths"] == second


def test_weights_below_sub_directories_are_replaced_there(tmp_path: Path, monkeypatch):
    below = ["a/weights.bin", "b/weights.bin", "own.bin"]
    for place in "ab":
        (tmp_path / place).mkdir()
    save(tmp_path, 1, below)
    (tmp_path / "a" / (durable.TEMPORARY_PREFIX + "0" * 16)).touch()
    log = recorded(monkeypatch)
    save(tmp_path, 2, below)
    assert generation_in(tmp_path) == 2
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {"model.json", *below}
    jsons = [i for i, entry in enumerate(log) if entry == ("rename", "model.json")]
    for begin, end in ((0, jsons[0]), (jsons[0] + 2, jsons[1])):
        assert {name for what, name in log[begin:end] if what == "fsync_path"} == {"a", "b", tmp_path.name}


def test_weights_of_another_model_in_the_directory_stay(tmp_path: Path):
    save(tmp_path, 1, TWO)
    (tmp_path / "model.json").rename(tmp_path / "other.json")
    save(tmp_path, 2, ONE)
    assert sorted(os.listdir(tmp_path)) == sorted(["model.json", "other.json", *ONE, *TWO])


def test_files_get_the_mode_of_any_new_file(tmp_path: Path):
    save(tmp_path, 1, ONE)
    (tmp_path / "plain").touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "model.json", "weights.bin")}
    assert len(modes) == 1


def test_the_directory_stays_the_same_one(tmp_path: Path):
    before = tmp_path.stat().st_ino
    save(tmp_path, 1, ONE)
    save(tmp_path, 2, ONE)
    assert tmp_path.stat().st_ino == before


def test_a_file_system_without_links_gets_a_copy(tmp_path: Path, monkeypatch):
    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    save(tmp_path, 1, TWO)
    monkeypatch.setattr(durable, "link", refuse)
    save(tmp_path, 2, TWO)
    assert generation_in(tmp_path) == 2
    assert sorted(os.listdir(tmp_path)) == sorted(["model.json", *TWO])


def test_a_file_system_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch):
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / (durable.TEMPORARY_PREFIX + "0" * 16)).touch()
    save(tmp_path, 1, ONE)
    assert generation_in(tmp_path) == 1
    assert len(os.listdir(tmp_path)) == 3, "what may be another saver's is not swept"


def test_what_a_killed_saver_left_is_swept_and_nothing_else(tmp_path: Path):
    (tmp_path / (durable.TEMPORARY_PREFIX + "0" * 16)).touch()
    (tmp_path / (durable.TEMPORARY_PREFIX + "mine")).touch()
    (tmp_path / ("weights." + "0" * 16 + ".bin")).touch()
    (tmp_path / "weights.old.bin").touch()
    save(tmp_path, 1, ONE)
    assert sorted(os.listdir(tmp_path)) == [
        durable.TEMPORARY_PREFIX + "mine",
        "model.json",
        "weights.bin",
        "weights.old.bin",
    ]


@pytest.mark.parametrize("name", ["model.json", "weights.bin"])
def test_a_directory_in_the_way_is_refused_and_nothing_changed(tmp_path: Path, name: str):
    save(tmp_path, 1, ONE)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(IsADirectoryError):
        save(tmp_path, 2, ONE)
    assert sorted(os.listdir(tmp_path)) == before


def test_savers_take_turns(tmp_path: Path):
    def run(first: int) -> None:
        for generation in range(first, first + 10):
            save(tmp_path, generation, ONE)

    threads = [threading.Thread(target=run, args=(first,)) for first in (1, 101)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert generation_in(tmp_path) in (10, 110)
    assert sorted(os.listdir(tmp_path)) == ["model.json", "weights.bin"]


# -- Order and durability ----------------------------------------------------------------------------------------------


def recorded(monkeypatch) -> list[tuple[str, str]]:
    """What ``durable`` is asked to do, in order."""
    log: list[tuple[str, str]] = []

    def record(name: str, argument: int) -> None:
        original = getattr(durable, name)

        def call(*arguments: Path) -> None:
            log.append((name, arguments[argument].name))
            original(*arguments)

        monkeypatch.setattr(durable, name, call)

    for name, argument in (("rename", 1), ("link", 1), ("unlink", 0), ("fsync_path", 0)):
        record(name, argument)
    return log


@pytest.mark.parametrize("names", [ONE, TWO], ids=str)
def test_names_are_durable_before_model_json_names_them(tmp_path: Path, monkeypatch, names: list[str]):
    save(tmp_path, 1, names)
    log = recorded(monkeypatch)
    save(tmp_path, 2, names)
    positions = [i for i, entry in enumerate(log) if entry == ("rename", "model.json")]
    assert len(positions) == 2
    for position in positions:
        assert log[position - 1] == ("fsync_path", tmp_path.name)
        assert log[position + 1] == ("fsync_path", tmp_path.name)
    assert [what for what, _ in log[: positions[0]]] == ["link"] * len(names) + ["fsync_path"]
    assert [entry for entry in log[positions[0] : positions[1]] if entry[0] == "rename"][1:] == [
        ("rename", name) for name in names
    ]
    assert {what for what, _ in log[positions[1] + 2 :]} == {"unlink"}


@pytest.mark.parametrize("fails", range(1, 12))
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_failed_step_leaves_a_whole_model(tmp_path: Path, monkeypatch, number: int, fails: int):
    save(tmp_path, 1, ONE)
    (tmp_path / "notes.txt").write_text("mine")
    steps = 0

    def failing(original):
        def call(*arguments, **named):
            nonlocal steps
            steps += 1
            if steps == fails:
                raise OSError(number, os.strerror(number))
            return original(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("rename", "link", "fsync", "fsync_path"):
            patch.setattr(durable, name, failing(getattr(durable, name)))
        with pytest.raises(OSError, match=os.strerror(number)):
            save(tmp_path, 2, ONE)
    assert generation_in(tmp_path) in (1, 2)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(durable.TEMPORARY_PREFIX)]
    save(tmp_path, 3, ONE)
    assert generation_in(tmp_path) == 3
    assert sorted(os.listdir(tmp_path)) == ["model.json", "notes.txt", "weights.bin"]


# -- SIGKILL at every system call --------------------------------------------------------------------------------------

SYSCALLS = ["write", "fsync", "rename", "linkat", "unlink"]

SAVER = """
import json, sys
from pathlib import Path
from tfjsd.model_io.model_directory import WeightFile, replace_model
directory, generation, names = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
files = [WeightFile(name, [bytes([generation]) * 100_000]) for name in names]
replace_model(directory, files, lambda names: json.dumps({"generation": generation, "paths": list(names)}).encode())
"""
IN_PLACE = """
import json, sys
from pathlib import Path
directory, generation, names = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
(directory / "model.json").write_text(json.dumps({"generation": generation, "paths": names}))
for name in names:
    (directory / name).write_bytes(bytes([generation]) * 100_000)
"""


def killed(program: str, syscall: str, number: int, directory: Path, names: list[str]) -> bool:
    """Runs a saver of generation 2 and kills it when it enters its n-th such system call; False if it has fewer."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    inject = [
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        f"trace={syscall}",
        "-e",
        f"inject={syscall}:signal=KILL:when={number}",
    ]
    command = [strace, *inject, sys.executable, "-c", program, str(directory), "2", json.dumps(names)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    if "ptrace" in done.stderr:
        pytest.skip("needs permission to trace")
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0


def states_after_kills(program: str, syscalls: list[str], tmp_path: Path, first: list[str], second: list[str]):
    """What lies in the directory after a kill at each point."""
    for syscall in syscalls:
        for number in range(1, 100):
            directory = tmp_path / f"{syscall}-{number}"
            directory.mkdir()
            save(directory, 1, first)
            if not killed(program, syscall, number, directory, second):
                break
            yield directory


@pytest.mark.parametrize(("first", "second"), [(ONE, ONE), (TWO, TWO), (TWO, ONE)], ids=str)
def test_a_kill_at_any_system_call_leaves_a_whole_model(tmp_path: Path, first: list[str], second: list[str]):
    found = set()
    points = 0
    for directory in states_after_kills(SAVER, SYSCALLS, tmp_path, first, second):
        found.add(generation_in(directory))
        save(directory, 3, second)
        assert generation_in(directory) == 3
        # Killed between its last step and the removals, a saver leaves the old shards, which nothing names any more.
        assert {"model.json", *second} <= set(os.listdir(directory)) <= {"model.json", *second, *first}
        points += 1
    assert found == {1, 2}
    assert points >= 10


def test_a_saver_that_writes_in_place_is_caught(tmp_path: Path):
    """The control: what tfjs-node does mixes generations, and the search above finds it."""
    states = states_after_kills(IN_PLACE, ["write"], tmp_path, ONE, ONE)
    with pytest.raises((AssertionError, ValueError)):
        [generation_in(directory) for directory in states]
