"""What passes do to a directory and a store, one situation at a time."""

import errno
import json
import os
import re
import shutil
import time

import pytest

from tfjsd.daemon.sync.discards import Discards
from tfjsd.daemon.sync.memory import LOST_SECONDS
from tfjsd.daemon.sync.mount_guard import MARKER
from tfjsd.daemon.sync.one_pass import PassOptions
from tfjsd.daemon.sync.planning import Decision
from tfjsd.daemon.sync.sweeping import sweep
from tfjsd.errors import SyncError
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends import durable

COPY = re.compile(r"m\.conflict-\d{8}T\d{6}Z-(dir|store)-[0-9a-f]{8}")


def test_models_of_either_side_come_to_the_other(pairing):
    pairing.write("a/b", 1)
    pairing.download("c", 2)
    pairing.save("d", 3)
    pairing.settle()
    assert pairing.stored() == pairing.files() == {"a/b": 1, "c": 2, "d": 3}
    assert sorted(path.name for path in (pairing.directory / "d").iterdir()) == ["model.json", "weights.bin"]


def test_nothing_is_read_again_that_is_as_it_was(pairing):
    pairing.write("a", 1)
    pairing.save("b", 2)
    pairing.settle()
    pairing.run()
    pairing.restart()
    result = pairing.run()
    assert (result.read, result.plan.steps, result.clean) == (0, (), True)


def test_changes_and_deletions_follow_on_both_sides(pairing):
    for number, model in enumerate("abcd"):
        pairing.write(model, number)
    pairing.settle()
    pairing.write("a", 10)
    pairing.delete("b")
    pairing.save("c", 12)
    pairing.remove("d")
    pairing.restart()
    pairing.settle()
    assert pairing.stored() == pairing.files() == {"a": 10, "c": 12}
    assert not (pairing.directory / "d").exists()


@pytest.mark.parametrize("policy", ["newest", "dir", "store", "keep-both"])
def test_a_conflict_keeps_both_versions_on_both_sides(make_pairing, policy):
    pairing = make_pairing(on_conflict=policy)
    pairing.write("m", 1)
    pairing.settle()
    pairing.write("m", 2)
    os.utime(pairing.directory / "m" / "model.json", (1, 1))
    os.utime(pairing.directory / "m" / "weights.bin", (1, 1))
    pairing.save("m", 3)
    pairing.settle()
    found = pairing.stored()
    assert found == pairing.files()
    assert found.pop("m") == (2 if policy == "dir" else 3)
    copies = {COPY.fullmatch(name)[1]: content for name, content in found.items()}
    expected = {"newest": {"dir": 2}, "dir": {"store": 3}, "store": {"dir": 2}, "keep-both": {"dir": 2, "store": 3}}
    assert copies == expected[policy]
    assert len(pairing.memory.copies["m"]) == len(copies)


def test_a_conflict_about_a_long_name_converges(pairing):
    model = "m" * 250
    pairing.write(model, 1)
    pairing.save(model, 2)
    assert pairing.settle().clean
    assert pairing.files() == pairing.stored()
    assert set(pairing.files().values()) == {1, 2}


def test_equal_models_are_counted_in_the_pass_that_finds_them(pairing):
    for number in range(3):
        pairing.write(str(number), number)
        pairing.save(str(number), number)
    assert pairing.run().models == {"known": 3, "directory": 3, "store": 3}


def test_a_lasting_failure_is_one_problem(pairing, monkeypatch):
    pairing.save("m", 1)
    real = durable.rename

    def refuse(source, target, *args, **options):
        if pairing.directory in target.parents:
            raise OSError(errno.EROFS, "Read-only file system", str(source))
        real(source, target, *args, **options)

    monkeypatch.setattr(durable, "rename", refuse)
    problems = pairing.run().problems
    assert ".tmp-*" in problems["m"] or "weights.*" in problems["m"]
    assert pairing.run().problems == problems


def test_a_copy_that_was_removed_is_not_told_of(pairing):
    pairing.write("m", 1)
    pairing.save("m", 2)
    pairing.settle()
    ((copy,),) = pairing.memory.copies.values()
    pairing.remove(copy.name)
    pairing.settle()
    assert not pairing.memory.copies
    assert set(pairing.files()) == set(pairing.stored()) == {"m"}


def test_a_conflict_can_be_left_to_the_user(make_pairing):
    pairing = make_pairing(on_conflict="fail")
    pairing.write("m", 1)
    pairing.save("m", 2)
    result = pairing.settle()
    assert (list(result.plan.conflicts), result.clean) == (["m"], False)
    assert (pairing.stored(), pairing.files()) == ({"m": 2}, {"m": 1})
    pairing.memory.resolved["m"] = Decision("dir", result.plan.conflicts["m"])
    assert pairing.settle().clean
    assert pairing.stored() == pairing.files() == {"m": 1}
    assert not pairing.memory.resolved


def test_a_decision_is_about_one_conflict(make_pairing):
    pairing = make_pairing(on_conflict="fail")
    pairing.write("m", 1)
    pairing.settle()
    pairing.write("m", 2)
    pairing.save("m", 3)
    pairing.memory.resolved["m"] = Decision("dir", pairing.settle().plan.conflicts["m"])
    pairing.write("m", 1)
    pairing.save("m", 1)
    assert pairing.settle().clean
    pairing.write("m", 4)
    pairing.save("m", 5)
    assert list(pairing.settle().plan.conflicts) == ["m"]
    assert (pairing.stored(), pairing.files()) == ({"m": 5}, {"m": 4})


@pytest.mark.parametrize("side", ["directory", "store"])
def test_a_decision_lapses_when_a_version_changes_before_it_is_carried_out(make_pairing, side):
    pairing = make_pairing(on_conflict="fail")
    pairing.write("m", 1)
    pairing.save("m", 2)
    pairing.memory.resolved["m"] = Decision("dir", pairing.settle().plan.conflicts["m"])
    (pairing.write if side == "directory" else pairing.save)("m", 3)
    assert list(pairing.settle().plan.conflicts) == ["m"]
    assert not pairing.memory.resolved


def test_a_decision_outlives_a_restart(make_pairing):
    pairing = make_pairing(on_conflict="fail")
    pairing.write("m", 1)
    pairing.save("m", 2)
    pairing.memory.resolved["m"] = Decision("store", pairing.settle().plan.conflicts["m"])
    pairing.file.write(pairing.memory)
    pairing.restart()
    assert pairing.settle().clean
    assert pairing.stored() == pairing.files() == {"m": 2}


def test_a_change_outlives_a_deletion(pairing):
    pairing.write("a", 1)
    pairing.write("b", 2)
    pairing.settle()
    pairing.delete("a")
    pairing.save("a", 3)
    pairing.write("b", 4)
    pairing.remove("b")
    pairing.settle()
    assert pairing.stored() == pairing.files() == {"a": 3, "b": 4}


def test_a_renamed_tree_is_renamed(pairing):
    for number in range(10):
        pairing.write(f"old/{number}", number)
    pairing.settle()
    (pairing.directory / "old").rename(pairing.directory / "new")
    result = pairing.run()
    assert dict(result.applied) == {"move_store": 10}
    pairing.settle()
    for number in range(10):
        pairing.rename(f"new/{number}", f"back/{number}")
    assert dict(pairing.run().applied) == {"move_directory": 10}
    assert pairing.stored() == pairing.files() == {f"back/{number}": number for number in range(10)}
    assert sorted(os.listdir(pairing.directory)) == [MARKER, "back"]


def test_many_deletions_wait_for_approval(pairing):
    for number in range(6):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(4):
        pairing.delete(str(number))
    pairing.write("5", 50)
    result = pairing.settle()
    assert (len(result.plan.held), result.clean) == (4, False)
    assert pairing.stored() == {**{str(number): number for number in range(5)}, "5": 50}
    for number in range(6, 12):
        pairing.write(str(number), number)
    pairing.settle()
    pairing.restart()
    assert len(pairing.settle().plan.held) == 4, "they are a smaller share now, but were not approved"
    assert not pairing.memory.approved
    pairing.memory.approved = {(step.model, step.digest) for step in result.plan.held}
    assert pairing.settle().clean
    expected = {"4": 4, "5": 50} | {str(number): number for number in range(6, 12)}
    assert pairing.stored() == pairing.files() == expected
    assert not pairing.memory.approved
    assert not pairing.memory.held


def test_deletions_one_by_one_are_held_where_they_pass_the_share(pairing):
    for number in range(6):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(6):
        pairing.delete(str(number))
        pairing.settle()
        pairing.restart()
    assert len(pairing.settle().plan.held) == 3
    assert pairing.stored() == {str(number): number for number in range(3, 6)}
    pairing.memory.approved = {(step.model, step.digest) for step in pairing.run().plan.held}
    assert pairing.settle().clean
    assert pairing.stored() == {}


def test_approved_deletions_do_not_count_with_those_that_follow(pairing):
    for number in range(10):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(8):
        pairing.delete(str(number))
    pairing.memory.approved = {(step.model, step.digest) for step in pairing.settle().plan.held}
    pairing.settle()
    pairing.delete("8")
    assert pairing.settle().clean
    assert pairing.stored() == {"9": 9}


def test_models_that_take_turns_are_no_mass_deletion(pairing):
    for number in range(3):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(3, 20):
        pairing.write(str(number), number)
        pairing.settle()
        pairing.delete(str(number - 3))
        assert pairing.settle().clean
    assert pairing.stored() == pairing.files() == {str(number): number for number in range(17, 20)}


def test_renames_do_not_count_as_losses(pairing):
    for number in range(6):
        pairing.write(f"old/{number}", number)
    pairing.settle()
    (pairing.directory / "old").rename(pairing.directory / "new")
    pairing.settle()
    assert not pairing.memory.lost


def test_what_was_deleted_long_ago_no_longer_counts(pairing, monkeypatch):
    for number in range(6):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(3):
        pairing.delete(str(number))
    pairing.settle()
    now = time.time()
    for skew in (LOST_SECONDS + 1, -LOST_SECONDS - 1):
        monkeypatch.setattr("tfjsd.daemon.sync.memory.time.time", lambda skew=skew: now + skew)
        memory = pairing.file.read()
        assert len(memory.lost) == 3
        memory.forget_losses()
        assert not memory.lost


def test_an_approval_is_about_one_deletion(pairing):
    for number in range(6):
        pairing.write(str(number), number)
    pairing.settle()
    for number in range(4):
        pairing.delete(str(number))
    held = pairing.settle().plan.held
    for number in range(4):
        pairing.write(str(number), number)
    pairing.memory.approved = {(step.model, step.digest) for step in held}
    pairing.settle()
    for number in range(4):
        pairing.delete(str(number))
    assert len(pairing.settle().plan.held) == 4


def test_an_empty_mount_point_is_no_deletion(pairing):
    pairing.write("only", 1)
    pairing.settle()
    away = pairing.directory.with_name("away")
    pairing.directory.rename(away)
    with pytest.raises(SyncError):
        pairing.run()
    pairing.directory.mkdir()
    with pytest.raises(SyncError, match="empty"):
        pairing.run()
    assert pairing.stored() == {"only": 1}
    pairing.directory.rmdir()
    away.rename(pairing.directory)
    assert pairing.settle().clean
    pairing.delete("only")  # the marker shows that this is meant
    assert pairing.settle().clean
    assert pairing.stored() == {}


@pytest.mark.parametrize("replaced", ["b/y", "b", "b/y/model.json"])
def test_a_known_model_behind_a_symbolic_link_is_a_problem_and_no_deletion(pairing, tmp_path, replaced):
    pairing.write("b/y", 1)
    pairing.settle()
    away = tmp_path / "away"
    (pairing.directory / replaced).rename(away)
    (pairing.directory / replaced).symlink_to(away)
    for _ in range(2):
        result = pairing.settle()
        assert result.problems == {"b/y": f"{replaced} is a symbolic link now, which is not followed"}
        pairing.restart()
    assert pairing.stored() == {"b/y": 1}
    (pairing.directory / replaced).unlink()
    away.rename(pairing.directory / replaced)
    assert pairing.settle().clean
    shutil.rmtree(pairing.directory / "b")
    assert pairing.settle().clean
    assert pairing.stored() == {}


def test_a_directory_that_cannot_be_listed_hides_no_deletion(pairing, monkeypatch):
    pairing.write("secret/m", 1)
    pairing.write("n", 2)
    pairing.settle()
    real = os.open

    def refuse(path, flags, *args, **options):
        if os.fspath(path).endswith("secret") and flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags, *args, **options)

    monkeypatch.setattr(os, "open", refuse)
    result = pairing.settle()
    assert list(result.problems) == ["secret/m"]
    monkeypatch.undo()
    assert pairing.settle().clean
    assert pairing.stored() == {"secret/m": 1, "n": 2}


def test_half_a_model_is_not_taken(pairing):
    pairing.write("m", 1)
    weights = pairing.directory / "m" / "weights.bin"
    whole = weights.read_bytes()
    weights.unlink()
    assert pairing.settle().problems.keys() == {"m"}
    weights.write_bytes(whole[:-1])
    assert pairing.settle().problems.keys() == {"m"}
    (pairing.directory / "n").mkdir()
    (pairing.directory / "n" / "model.json").write_text('{"modelTopology": {')
    assert pairing.settle().problems.keys() == {"m", "n"}
    assert pairing.stored() == {}
    weights.write_bytes(whole)
    pairing.settle()
    assert pairing.stored() == {"m": 1}


def test_a_model_that_still_changes_is_left_for_later(pairing):
    pairing.write("m", 1)
    result = pairing.run(PassOptions(settle=3600))
    assert list(result.pending) == ["m"]
    assert 0 < result.again <= 3600
    assert pairing.stored() == {}


def test_a_file_that_is_open_for_writing_is_left_for_later(pairing):
    pairing.write("m", 1)
    with open(pairing.directory / "m" / "weights.bin", "r+b"):
        assert list(pairing.run().pending) == ["m"]
    pairing.settle()
    assert pairing.stored() == {"m": 1}


def test_shards_stay_shards_and_other_names_stay(pairing):
    pairing.write("s", 1, 100, shard_bytes=30)
    pairing.write("t", 2, 10)
    place = pairing.directory / "t"
    (place / "weights.bin").rename(place / "other.bin")
    (place / "model.json").write_text((place / "model.json").read_text().replace("weights.bin", "other.bin"))
    pairing.download("d", 3)
    pairing.settle()
    pairing.save("s", 4, 130)
    pairing.save("t", 5, 20)
    pairing.save("d", 6)
    pairing.settle()
    assert pairing.files() == pairing.stored() == {"s": 4, "t": 5, "d": 6}
    shards = {path.name: path.stat().st_size for path in (pairing.directory / "s").glob("*.bin")}
    assert shards == {f"group1-shard{n}of5.bin": 30 if n < 5 else 10 for n in range(1, 6)}
    assert sorted(os.listdir(place)) == ["model.json", "other.bin"]
    assert sorted(os.listdir(pairing.directory)) == [MARKER, "d.json", "d.weights.bin", "s", "t"]


def test_passing_names_are_nobodys_models(pairing):
    for name in (".m.X8s7aK", "m~", "#m#", "m.tmp", ".git/m", "m.part", f"{durable.TEMPORARY_PREFIX}0123456789abcdef"):
        pairing.write(name, 1)
    pairing.settle()
    assert pairing.stored() == {}
    pairing.save(".hidden", 1)
    pairing.save("a//b", 2)
    pairing.save("..", 3)
    assert pairing.settle().problems.keys() == {".hidden", "a//b", ".."}
    assert len(pairing.stored()) == 3


def test_links_are_not_followed(pairing, tmp_path):
    outside = tmp_path / "outside"
    file_system(outside).save(ModelArtifacts({"content": 9}, [], b""))
    (pairing.directory / "link").symlink_to(outside)
    (pairing.directory / "m").mkdir()
    (pairing.directory / "m" / "model.json").symlink_to(outside / "model.json")
    pairing.settle()
    assert pairing.stored() == {}
    pairing.save("link", 1)
    pairing.save("link/below", 1)
    assert pairing.settle().problems.keys() == {"link", "link/below"}
    assert sorted(os.listdir(outside)) == ["model.json", "weights.bin"]
    assert json.loads((outside / "model.json").read_text())["modelTopology"] == {"content": 9}


def test_two_forms_of_one_model_are_a_problem(pairing):
    pairing.write("m", 1)
    pairing.download("m", 2)
    assert pairing.settle().problems.keys() == {"m"}
    assert pairing.stored() == {}


@pytest.mark.parametrize(("direction", "stored", "files"), [("in", {"a", "b"}, {"a"}), ("out", {"b"}, {"a", "b"})])
def test_a_one_way_pair_writes_one_side(make_pairing, direction, stored, files):
    pairing = make_pairing(direction=direction)
    pairing.write("a", 1)
    pairing.save("b", 2)
    pairing.settle()
    assert (set(pairing.stored()), set(pairing.files())) == (stored, files)
    assert pairing.run().plan.diverged


def test_a_one_way_conflict_keeps_the_other_version(make_pairing):
    pairing = make_pairing(direction="in")
    pairing.write("m", 1)
    pairing.save("m", 2)
    pairing.settle()
    assert pairing.files() == {"m": 1}
    found = pairing.stored()
    assert found.pop("m") == 1
    assert list(found.values()) == [2]


def test_patterns_choose_models_on_both_sides(make_pairing):
    pairing = make_pairing(include=["team/*"], exclude=["*/draft*"])
    for model in ("team/a", "team/draft1", "other"):
        pairing.write(model, 1)
        pairing.save(f"{model}-stored", 2)
    pairing.settle()
    assert set(pairing.files()) - {"team/a-stored"} == {"team/a", "team/draft1", "other"}
    assert "team/a" in pairing.stored()
    assert not {"team/draft1", "other"} & set(pairing.stored())


def test_localstorage_and_prefixes(make_pairing):
    pairing = make_pairing(prefix="localstorage://team")
    assert pairing.pair.prefix == "localstorage://team/"
    pairing.write("ä b/✓", 1, 3000)
    pairing.save("x", 2)
    pairing.settle()
    assert pairing.stored() == pairing.files() == {"ä b/✓": 1, "x": 2}


def test_a_full_disk_is_reported_and_heals(pairing, monkeypatch):
    pairing.save("m", 1)
    real = os.write

    def full(descriptor, data):
        if os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(pairing.directory / "m")):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    result = pairing.run()
    assert "full" in result.problems["m"]
    assert result.again
    assert pairing.files() == {}
    monkeypatch.undo()
    assert pairing.settle().clean
    assert pairing.files() == {"m": 1}


def test_a_dry_run_changes_nothing(pairing):
    pairing.write("m", 1)
    before = pairing.file.read()
    result = pairing.run(PassOptions(settle=0, dry_run=True))
    assert [(step.kind, step.model, step.to) for step in result.plan.steps] == [("copy", "m", "store")]
    assert (pairing.stored(), pairing.file.read()) == ({}, before)
    assert os.listdir(pairing.directory) == ["m"]


def test_a_damaged_memory_deletes_nothing(pairing, tmp_path):
    pairing.write("a", 1)
    pairing.settle()
    pairing.delete("a")
    (tmp_path / "state" / "pair.json").write_bytes(b"{}")
    pairing.restart()
    pairing.settle()
    assert pairing.stored() == pairing.files() == {"a": 1}


def test_a_model_under_passing_names_gets_its_own_again(pairing):
    """As a killed replacement leaves it."""
    pairing.write("m", 1)
    place, passing = pairing.directory / "m", "weights.0123456789abcdef.bin"
    (place / "weights.bin").rename(place / passing)
    (place / "model.json").write_text((place / "model.json").read_text().replace("weights.bin", passing))
    pairing.settle()
    assert pairing.stored() == {"m": 1}
    pairing.save("m", 2)
    pairing.settle()
    assert sorted(os.listdir(place)) == ["model.json", "weights.bin"]
    assert pairing.files() == {"m": 2}


def test_what_killed_replacements_left_is_swept(pairing, tmp_path):
    pairing.write("m", 1)
    place = pairing.directory / "m"
    left = [place / f"{durable.TEMPORARY_PREFIX}{'0' * 16}", place / f"weights.{'1' * 16}.bin"]
    kept = [place / "notes.tmp", place / f"weights.{'2' * 16}.bin"]
    for path in (*left, *kept):
        path.write_text("x")
    used = {os.path.relpath(kept[1], pairing.directory)}
    assert sweep(pairing.directory, used) == 0, "they are young"
    assert sweep(pairing.directory, used, older_than=-1) == 2
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_replaced_weights_stay_a_while_for_readers(pairing):
    pairing.write("m", 3, 100, shard_bytes=40)
    pairing.settle()
    place, discards = pairing.directory / "m", Discards(pairing.directory, 3600.0)
    pairing.save("m", 4, 50)
    assert pairing.run(discards=discards).clean
    assert pairing.run(discards=discards).clean
    assert pairing.files() == {"m": 4}
    gone = {f"group1-shard{number}of3.bin" for number in (1, 2, 3)}
    assert gone < set(os.listdir(place))
    pairing.save("m", 5, 100)
    assert pairing.run(discards=discards).clean
    assert discards.rest is not None
    discards.remove(at_once=True)
    assert discards.rest is None
    assert set(os.listdir(place)) == gone | {"model.json"}
    assert pairing.files() == {"m": 5}


def test_a_name_in_another_encoding_is_a_problem_that_says_so(pairing):
    pairing.write("m", 1)
    try:
        os.rename(pairing.directory / "m", os.fsencode(pairing.directory) + b"/caf\xe9")
    except OSError as error:
        pytest.skip(f"this file system takes only UTF-8: {error}")
    [problem] = pairing.settle().problems.values()
    assert "file name in another encoding" in problem
    assert pairing.stored() == {}
