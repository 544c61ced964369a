"""A file system that is gone is no deletion, whatever lies in its place."""

import os
import shutil
import subprocess
import sys

import pytest

from tfjsd.daemon.sync import directory_walk, one_pass
from tfjsd.daemon.sync.mount_guard import MARKER
from tfjsd.errors import SyncError
from tfjsd.model_io.node_file_system import file_system

from .conftest import artifacts

mounting = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="mounting a file system needs root on Linux"
)


@pytest.fixture
def mount():
    """Mounts a tmpfs over a directory, and takes it away again."""
    mounted = []

    def mount(place):
        place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this machine lets root mount nothing: {done.stderr.strip()}")
        mounted.append(place)

    yield mount
    for place in mounted:
        subprocess.run(["umount", "--lazy", str(place)], check=False, capture_output=True)


def umount(place):
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def two(pairing):
    """A pair of so few models that no share holds their deletion."""
    for name, content in (("p", 1), ("q", 2)):
        pairing.write(name, content)
    assert pairing.settle().clean
    return pairing


def swap(pairing, *, marked):
    """Another directory, which is not empty, stands in the place of the pair's."""
    pairing.directory.rename(pairing.directory.with_name("away"))
    pairing.directory.mkdir()
    (pairing.directory / "README").write_text("nothing is mounted here")
    if marked:
        (pairing.directory / MARKER).touch()


def swap_back(pairing):
    shutil.rmtree(pairing.directory)
    pairing.directory.with_name("away").rename(pairing.directory)


def test_a_directory_without_the_marker_that_was_there_is_another_one(two):
    swap(two, marked=False)
    for _ in range(2):
        with pytest.raises(SyncError, match=MARKER) as caught:
            two.run()
        assert "approve" in caught.value.hint
        assert os.listdir(two.directory) == ["README"], "nothing makes it the pair's"
        two.restart()
    assert two.stored() == {"p": 1, "q": 2}
    swap_back(two)
    assert two.settle().clean
    two.delete("p")
    assert two.settle().clean
    assert two.stored() == {"q": 2}


def test_with_the_marker_it_is_the_one(two):
    """As after a restore from a backup, or a move to another disk."""
    away = two.directory.with_name("away")
    two.directory.rename(away)
    shutil.copytree(away, two.directory)
    (two.directory / MARKER).unlink()
    with pytest.raises(SyncError, match=MARKER):
        two.run()
    (two.directory / MARKER).touch()
    assert two.settle().clean


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_a_program_that_mirrors_into_the_directory_may_remove_the_marker(two, tmp_path):
    shutil.copytree(two.directory / "p", tmp_path / "source" / "p")
    subprocess.run(["rsync", "-a", "--delete", f"{tmp_path}/source/", f"{two.directory}/"], check=True)
    assert not (two.directory / MARKER).exists()
    two.restart()
    assert two.settle().clean
    assert two.stored() == {"p": 1}
    assert (two.directory / MARKER).exists()


@pytest.mark.parametrize("marked", [False, True])
def test_a_directory_that_is_swapped_while_it_is_looked_at_deletes_nothing(two, monkeypatch, marked):
    real = one_pass.take_directory

    def take_directory(*args, **options):
        swap(two, marked=marked)
        return real(*args, **options)

    monkeypatch.setattr(one_pass, "take_directory", take_directory)
    with pytest.raises(SyncError, match="another directory"):
        two.run()
    monkeypatch.undo()
    assert two.stored() == {"p": 1, "q": 2}
    swap_back(two)
    assert two.settle().clean


@pytest.fixture
def nested(pairing, mount):
    for name in ("m1", "m2", "m3"):
        pairing.write(name, 1)
    mount(pairing.directory / "inner")
    for name in ("inner/x1", "inner/t/x2"):
        pairing.write(name, 2)
    assert pairing.settle().clean
    pairing.restart()
    return pairing


def held(pairing):
    result = pairing.settle()
    assert not result.applied
    return {model: problem for model, problem in result.problems.items() if "inner" in problem}


@mounting
def test_a_mount_below_the_directory_that_is_gone_deletes_nothing(nested, mount):
    umount(nested.directory / "inner")
    nested.save("inner/x3", 3)
    assert set(held(nested)) == {"inner/x1", "inner/t/x2", "inner/x3"}
    nested.restart()
    assert set(held(nested)) == {"inner/x1", "inner/t/x2", "inner/x3"}
    assert os.listdir(nested.directory / "inner") == []
    (nested.directory / "inner").rmdir()
    assert set(held(nested)) == {"inner/x1", "inner/t/x2", "inner/x3"}
    nested.write("m4", 4)
    nested.run()
    assert "m4" in nested.stored(), "the others go on"
    assert {"inner/x1", "inner/t/x2", "inner/x3"} <= set(nested.stored())


@mounting
def test_a_mount_that_goes_while_it_is_looked_at_deletes_nothing(nested, monkeypatch):
    real = directory_walk._listed

    def listed(root, path, known):
        place = real(root, path, known)
        if path == "inner":  # its directories are still to come
            umount(nested.directory / "inner")
        return place

    monkeypatch.setattr(directory_walk, "_listed", listed)
    with pytest.raises(SyncError, match="unmounted while"):
        nested.run()
    monkeypatch.undo()
    assert set(held(nested)) == {"inner/x1", "inner/t/x2"}
    assert {"inner/x1", "inner/t/x2"} <= set(nested.stored())


@mounting
def test_what_lies_under_a_mount_that_is_gone_is_left_alone(nested, mount):
    umount(nested.directory / "inner")
    nested.write("inner/x1", 9)
    assert set(held(nested)) == {"inner/x1", "inner/t/x2"}
    assert nested.stored()["inner/x1"] == 2
    mount(nested.directory / "inner")
    for name in ("inner/x1", "inner/t/x2"):
        nested.write(name, 2)
    assert nested.settle().clean


@mounting
def test_a_mount_over_models_deletes_none(nested, mount):
    nested.write("over/y", 5)
    assert nested.settle().clean
    mount(nested.directory / "over")
    nested.write("over/new", 6)
    for _ in range(2):
        result = nested.settle()
        assert list(result.problems) == ["over/y"]
        nested.restart()
    assert {"over/y", "over/new"} <= set(nested.stored())
    nested.memory.mounts = None  # as an approval has it
    assert nested.settle().clean
    assert "over/y" not in nested.stored()


@mounting
def test_a_mount_over_models_that_it_holds_too_is_nothing_special(nested, mount):
    nested.write("over/y", 5)
    assert nested.settle().clean
    shutil.copytree(nested.directory / "over", nested.directory.with_name("copy"))
    mount(nested.directory / "over")
    shutil.copytree(nested.directory.with_name("copy"), nested.directory / "over", dirs_exist_ok=True)
    assert nested.settle().clean
    assert nested.memory.mounts == {"inner", "over"}


@mounting
def test_deletions_on_a_mount_that_is_there_are_deletions(nested):
    shutil.rmtree(nested.directory / "inner" / "x1")
    assert nested.settle().clean
    assert "inner/x1" not in nested.stored()


@mounting
def test_a_mount_that_holds_no_model_any_more_may_go(nested):
    for name in ("x1", "t"):
        shutil.rmtree(nested.directory / "inner" / name)
    assert nested.settle().clean
    umount(nested.directory / "inner")
    assert nested.settle().clean
    assert not nested.memory.mounts


@mounting
def test_what_is_mounted_below_later_is_live(daemons, mount, eventually):
    daemon = daemons.in_process()
    place = daemons.directory / "models"
    file_system(place / "inner" / "covered").save(artifacts(1))
    daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://", "name": "models"})
    eventually(lambda: daemon.get("/v1/models").json)
    mount(place / "inner")
    eventually(lambda: "inner/covered" in daemon.get("/v1/sync/models").json["problems"])
    for number in range(3):
        file_system(place / "inner" / str(number)).save(artifacts(number))
        eventually(lambda number=number: f"indexeddb://inner/{number}" in daemon.get("/v1/models").json)
    assert daemon.get("/v1/sync/models").json["watching"] == "events"


@mounting
def test_an_approval_takes_the_directory_as_it_is_mounted_now(daemons, mount, eventually):
    daemon = daemons.in_process()
    place = daemons.directory / "models"
    place.mkdir()
    mount(place / "inner")
    for number, name in enumerate(("m", "inner/x")):
        file_system(place / name).save(artifacts(number))
    daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://"})
    eventually(lambda: len(daemon.get("/v1/models").json) == 2)
    eventually(lambda: daemon.get("/v1/sync/models").json["state"] == "equal")
    umount(place / "inner")
    eventually(lambda: "inner/x" in daemon.get("/v1/sync/models").json["problems"])
    assert "approve" in daemon.get("/v1/sync/models").json["problems"]["inner/x"]
    assert len(daemon.get("/v1/models").json) == 2
    assert daemon.request("POST", "/v1/sync/models/approve", {"deletions": True}).status == 200
    eventually(lambda: list(daemon.get("/v1/models").json) == ["indexeddb://m"])
    place.rename(place.with_name("away"))
    (place / "other").mkdir(parents=True)
    eventually(lambda: daemon.get("/v1/sync/models").json["state"] == "stopped")
    assert daemon.request("POST", "/v1/sync/models/approve", {"deletions": True}).status == 200
    eventually(lambda: daemon.get("/v1/models").json == {})
