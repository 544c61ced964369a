"""A pass that is killed, or whose calls fail, at every N-th write, sync, rename and unlink: no half model on either side,
and the next pass finishes what was begun."""

import json
import os
import shutil
from pathlib import Path

import fault_injection
import pytest

from tfjsd.daemon.sync.memory import MemoryFile
from tfjsd.daemon.sync.one_pass import PassOptions, run_pass
from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.origin import Origins
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.storage_backends.browsers import UNLIMITED
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.home import Home
from tfjsd.wire.sync_pair import SyncPair

from .conftest import artifacts

PROGRAM = """
import sys
from pathlib import Path
import fault_injection
from tfjsd.daemon.sync.memory import MemoryFile
from tfjsd.daemon.sync.one_pass import PassOptions, run_pass
from tfjsd.model_io.origin import Origins
from tfjsd.storage_backends.browsers import UNLIMITED
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.home import Home
from tfjsd.wire.sync_pair import SyncPair
place = Path(sys.argv[1])
home = Home(place / "home", engines=leveldb_factory())
origin = Origins(home, UNLIMITED, home.clock).get("http://localhost")
pair = SyncPair.of({"directory": str(place / "models"), "prefix": "indexeddb://"}, origin="http://localhost")
file = MemoryFile(place / "pair.json", pair)
memory = file.read()
origin.models.list_models_text()
fault_injection.begin()
try:
    result = run_pass(pair, origin, memory, file, PassOptions(settle=0.0, grace=0.0))
except Exception as error:
    print(type(error).__name__, flush=True)
else:
    print("done" if result.clean else "failed", flush=True)
"""
CALLS = (*fault_injection.CHANGING, "link", "linkat", "mkdir", "rmdir")
LARGE = 200_000
"""Bytes of weights that are kept as a blob."""


class Place:
    """A home, a directory and a memory, opened for one block."""

    def __init__(self, place: Path) -> None:
        self.place, self.directory = place, place / "models"

    def __enter__(self) -> "Place":
        self.home = Home(self.place / "home", engines=leveldb_factory())
        self.origin = Origins(self.home, UNLIMITED, self.home.clock).get("http://localhost")
        members = {"directory": str(self.directory), "prefix": "indexeddb://"}
        self.pair = SyncPair.of(members, origin="http://localhost")
        self.file = MemoryFile(self.place / "pair.json", self.pair)
        return self

    def __exit__(self, *_: object) -> None:
        self.home.close()

    def save(self, model: str, content: int, size: int) -> None:
        self.origin.models.save(f"indexeddb://{model}", StoredModel.of(artifacts(content, size))).result()

    def run(self, **options):
        options = PassOptions(settle=0.0, grace=0.0, **options)
        return run_pass(self.pair, self.origin, self.file.read(), self.file, options)

    def stored(self):
        return {
            url.removeprefix("indexeddb://"): whole(self.origin.models.artifacts(url, verify=True))
            for url in self.origin.models.list_models_text()
            if url.startswith("indexeddb://")
        }

    def files(self):
        return {
            str(path.parent.relative_to(self.directory)): whole(file_system(path).load())
            for path in self.directory.rglob("model.json")
        }


def whole(loaded):
    content, data = loaded.model_topology["content"], bytes(loaded.joined_weight_data())
    assert set(data) == {content % 251}, "half a model"
    return content


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """One model for each thing that a pass can do."""
    place = tmp_path_factory.mktemp("template") / "place"
    (place / "models").mkdir(parents=True)
    with Place(place) as there:
        for number, model in enumerate(
            ("kept", "changed here", "changed there", "gone here", "gone there", "old name", "both")
        ):
            file_system(there.directory / model).save(artifacts(number, LARGE if number % 2 else 300))
        assert there.run().clean
        file_system(there.directory / "changed here").save(artifacts(11, LARGE))
        there.save("changed there", 12, LARGE + 1)
        shutil.rmtree(there.directory / "gone here")
        there.origin.models.remove("indexeddb://gone there").result()
        (there.directory / "old name").rename(there.directory / "new name")
        file_system(there.directory / "new here").save(artifacts(13, 300))
        there.save("new there", 14, 300)
        file_system(there.directory / "both").save(artifacts(15, 300))
        there.save("both", 16, 301)
    return place


AFTER = {"kept": 0, "changed here": 11, "changed there": 12, "new name": 5, "new here": 13, "new there": 14, "both": 16}


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(fault_injection.__file__).parents[1]), prepend=os.pathsep)


def moved(template: Path, place: Path) -> Path:
    """A copy of the template whose memory is about the copy."""
    shutil.copytree(template, place, symlinks=True)
    memory = json.loads((place / "pair.json").read_text())
    memory["pair"]["directory"] = str(place / "models")
    (place / "pair.json").write_text(json.dumps(memory))
    return place


def check_points(template: Path, tmp_path: Path, fault: str, step: int) -> list[str]:
    outcomes = []
    traced = str(moved(template, tmp_path / "traced"))
    points = fault_injection.points(PROGRAM, traced, log=tmp_path / "log", calls=CALLS)
    for point in points[::step]:
        place = moved(template, tmp_path / str(point))
        ran = fault_injection.run(PROGRAM, str(place), point=point, fault=fault)
        outcomes.append(ran.stdout.strip() or "killed")
        with Place(place) as there:
            there.files(), there.stored()
            for _ in range(4):
                result = there.run()
            assert result.clean, (point, result)
            files, stored = there.files(), there.stored()
        assert files == stored, point
        copies = {name: content for name, content in files.items() if name not in AFTER}
        assert {name: files.get(name) for name in AFTER} == AFTER, (point, outcomes[-1])
        assert list(copies.values()) == [15], (point, copies)
        assert not list((place / "models").rglob("*/.tmp-*")) or fault.startswith("signal"), point
        shutil.rmtree(place)
    return outcomes


@pytest.mark.timeout(300)
def test_a_killed_pass_is_finished_by_the_next(template, tmp_path):
    outcomes = check_points(template, tmp_path, "signal=KILL", 8)
    assert outcomes.count("killed") >= len(outcomes) - 3, "most injections did nothing"


@pytest.mark.timeout(300)
def test_a_pass_that_meets_a_full_disk_is_finished_by_the_next(template, tmp_path):
    assert set(check_points(template, tmp_path, "error=ENOSPC", 24)) - {"done"}


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC", "error=EIO", "error=EROFS"])
def test_no_call_is_a_bad_one_to_fail(template, tmp_path, fault):
    check_points(template, tmp_path, fault, 1)


NAIVE = """
import tfjsd.daemon.sync.directory_model as room
def in_place(directory, files, text, *, json_name, grace, discard):
    (directory / json_name).write_bytes(text([file.name for file in files]))
    for file in files:
        (directory / file.name).write_bytes(b"".join(file.pieces))
room.replace_model = in_place
"""


@pytest.mark.timeout(300)
def test_the_check_catches_a_pass_that_writes_in_place(template, tmp_path, monkeypatch):
    """The negative control: what tfjs-node itself does is found out."""
    monkeypatch.setattr(f"{__name__}.PROGRAM", PROGRAM.replace("place = Path", f"{NAIVE}place = Path", 1))
    with pytest.raises((AssertionError, InvalidArtifactsError)):
        check_points(template, tmp_path, "signal=KILL", 1)
