"""A model that a program replaces file by file is taken when the program is through, not in between."""

import os
import shutil
import subprocess
import time

import pytest

from tfjsd.daemon.sync import directory_snapshot, running_writers
from tfjsd.daemon.sync.directory_snapshot import take_directory
from tfjsd.daemon.sync.ignored_names import is_on_its_way, is_passing, may_become
from tfjsd.daemon.sync.planning import Unready, Version
from tfjsd.daemon.sync.running_writers import PATIENCE
from tfjsd.daemon.sync.settling import Settling
from tfjsd.model_io.node_file_system import file_system

from .conftest import artifacts

SHARD = 256 << 10
RSYNC = shutil.which("rsync")


def write(place, content):
    file_system(place, shard_bytes=SHARD).save(artifacts(content, 3 * SHARD))


class Writer:
    """A directory below which a sharded model was taken, whose shards are changed one by one."""

    def __init__(self, pairing):
        self.pairing = pairing
        self.place = pairing.directory / "m"
        write(self.place, 1)
        self.known = self.look(60).known

    def shard(self, number):
        return self.place / f"group1-shard{number}of3.bin"

    def replace(self, number, content=2):
        """As rsync does: a temporary file gets the name."""
        temporary = self.place / f".{self.shard(number).name}.Ab12cD"
        temporary.write_bytes(bytes([content]) * SHARD)
        temporary.rename(self.shard(number))

    def look(self, later=0.0):
        known = getattr(self, "known", {})
        settling = Settling(0.2, time.time() + later)
        return take_directory(self.pairing.pair, known, {"m": "x"}, settling)

    def state(self, later=0.0):
        return self.look(later).states["m"]


@pytest.fixture
def writer(pairing):
    return Writer(pairing)


def test_a_part_of_the_shards_rests_longer_than_all_of_them(writer):
    for number in (1, 2):
        writer.replace(number)
        assert isinstance(writer.state(0.5), Unready)
        assert "only some" in writer.state(0.5).reason
    assert 0 < writer.look(0.5).rest <= PATIENCE * 0.2
    writer.replace(3)
    assert isinstance(writer.state(0.5), Version)


def test_a_part_that_stays_one_is_taken(writer):
    writer.replace(2)
    assert isinstance(writer.state(PATIENCE * 0.2 + 0.5), Version)


def test_a_slow_writer_is_given_more_time(writer, monkeypatch):
    writer.replace(1)
    time.sleep(0.3)
    writer.replace(2)
    monkeypatch.setattr(running_writers, "PATIENCE", 2)
    assert isinstance(writer.state(0.5), Unready)
    assert isinstance(writer.state(1.5), Version)


def test_a_change_of_the_json_alone_needs_no_more_than_the_usual_rest(writer):
    path = writer.place / "model.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert isinstance(writer.state(0.5), Version)


def test_a_temporary_file_that_is_open_for_writing_is_waited_for(writer):
    """However long the writer takes, and whatever else of the model is new."""
    for number in (1, 2, 3):
        writer.replace(number)
    temporary = writer.place / ".model.json.Ab12cD"
    with temporary.open("wb"):
        for later in (0.5, 100.0, 100_000.0):
            state = writer.state(later)
            assert isinstance(state, Unready)
            assert not state.problem
            assert temporary.name in state.reason
    assert isinstance(writer.state(0.5), Unready), "it was about to be renamed"
    assert isinstance(writer.state(PATIENCE * 0.2 + 0.5), Version), "it was left behind"


def test_where_nobody_tells_who_writes_it_is_waited_for_a_while(writer, monkeypatch):
    monkeypatch.setattr(running_writers, "is_being_written", lambda descriptor: None)
    for number in (1, 2, 3):
        writer.replace(number)
    (writer.place / ".model.json.Ab12cD").touch()
    assert isinstance(writer.state(500.0), Unready)
    assert isinstance(writer.state(700.0), Version)


def test_files_of_others_and_of_editors_are_not_waited_for(writer):
    for number in (1, 2, 3):
        writer.replace(number)
    for name in (".other.bin.Ab12cD", "model.json~", ".model.json.swp", ".#model.json", ".tmp-0123456789abcdef"):
        (writer.place / name).touch()
    os.mkfifo(writer.place / "model.json.part")
    assert isinstance(writer.state(0.5), Version)


@pytest.mark.parametrize(
    "name",
    [".m.bin.X8s7aK", "m.bin.part", ".m.bin.part", "m.bin.tmp", ".syncthing.m.bin.tmp", "m.bin.1a2b3c4d.partial"],
)
def test_names_that_become_another(name):
    assert is_passing(name)
    assert is_on_its_way(name)
    assert may_become(name, "m.bin")
    assert not may_become(name, "bin.m")
    assert not may_become(name.replace("m.bin", "xm.bin"), "m.bin")


@pytest.fixture
def rsynced(daemons, eventually):
    """What a pair's store held of a model while rsync brought another version of it."""
    daemon = daemons.in_process()
    source, place = daemons.directory / "source", daemons.directory / "models"
    write(source / "m", 1)
    shutil.copytree(source, place)
    daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://"})
    eventually(lambda: "indexeddb://m" in daemon.get("/v1/models").json)

    def held():
        return set(bytes(daemon.load("/v1/models/indexeddb/m")[1]))

    def run():
        write(source / "m", 2)
        command = [RSYNC, "-a", "-W", "--ignore-times", f"--bwlimit={SHARD >> 10}", f"{source}/", f"{place}/"]
        seen = []
        with subprocess.Popen(command) as process:
            while process.poll() is None:
                seen.append(held())
                time.sleep(0.05)
        assert process.returncode == 0
        eventually(lambda: held() == {2})
        eventually(lambda: daemon.get("/v1/sync/models").json["state"] == "equal")
        return seen, daemon.get("/v1/sync/models").json["applied"]["copy_store"]

    return run


@pytest.mark.skipif(RSYNC is None, reason="rsync is not installed")
def test_no_mixed_model_is_taken_while_rsync_runs(rsynced):
    seen, copies = rsynced()
    assert {1} in seen
    assert {1, 2} not in seen
    assert copies == 2


@pytest.mark.skipif(RSYNC is None, reason="rsync is not installed")
def test_the_check_catches_a_model_that_is_taken_half_way(rsynced, monkeypatch):
    """The negative control."""

    def unrest(root, model, before, on_their_way, settling):
        rest = settling.rest(model.changed)
        return running_writers.Unrest("it is still changing", rest) if rest else None

    monkeypatch.setattr(directory_snapshot, "unrest_of", unrest)
    assert {1, 2} in rsynced()[0]
