"""What ``sync resolve`` does with the copies that a conflict has left."""

from dataclasses import replace

import pytest

from tfjsd.daemon.sync.conflict_resolution import settle_copies
from tfjsd.daemon.sync.discards import Discards
from tfjsd.errors import BadRequestError

RULES = ["newest", "dir", "store", "keep-both"]


@pytest.fixture
def settled(make_pairing):
    """A conflict about m, directory 2 and store 3, decided for ``keep`` after the rules were."""

    def settled(keep, passes=True, **members):
        pairing = make_pairing(**members)
        pairing.write("m", 1)
        pairing.save("m", 1)
        pairing.settle()
        pairing.write("m", 2)
        pairing.save("m", 3)
        if passes:
            pairing.settle()
        else:
            pairing.run()
        resolve(pairing, keep)
        pairing.last = pairing.settle()
        return pairing

    return settled


def resolve(pairing, keep):
    discards = Discards(pairing.directory, 0.0)
    settle_copies(pairing.pair, pairing.origin, pairing.memory, discards, "m", keep)
    discards.remove()


@pytest.mark.parametrize("policy", RULES)
@pytest.mark.parametrize("passes", [False, True])
@pytest.mark.parametrize(("keep", "content"), [("dir", 2), ("store", 3)])
def test_the_name_is_that_sides_and_the_copies_are_gone(settled, policy, passes, keep, content):
    pairing = settled(keep, passes, on_conflict=policy)
    assert pairing.files() == pairing.stored() == {"m": content}
    assert pairing.last.clean
    assert not pairing.memory.copies


@pytest.mark.parametrize(("keep", "content"), [("dir", 2), ("store", 3)])
def test_an_out_pair_decides_in_the_directory(settled, keep, content):
    pairing = settled(keep, direction="out")
    assert pairing.files() == {"m": content}
    assert pairing.stored() == {"m": 3}
    assert not pairing.memory.copies
    assert list(pairing.last.plan.diverged) == (["m"] if keep == "dir" else [])


@pytest.mark.parametrize(("keep", "content"), [("dir", 2), ("store", 3)])
def test_an_in_pair_decides_in_the_store(settled, keep, content):
    pairing = settled(keep, direction="in")
    assert pairing.stored() == {"m": content}
    assert pairing.files() == {"m": 2}
    assert not pairing.memory.copies


@pytest.mark.parametrize("direction", ["both", "in", "out"])
def test_both_keeps_all_versions_and_tells_no_more_of_them(settled, direction):
    pairing = settled("both", direction=direction)
    versions = set(pairing.files().values()) | set(pairing.stored().values())
    assert versions == {2, 3}
    assert not pairing.memory.copies


def test_an_earlier_conflicts_copy_does_not_take_the_name(make_pairing):
    pairing = make_pairing(on_conflict="dir")
    pairing.write("m", 1)
    pairing.save("m", 2)
    pairing.settle()
    pairing.pair = replace(pairing.pair, on_conflict="store")
    pairing.write("m", 3)
    pairing.save("m", 4)
    pairing.settle()
    resolve(pairing, "store")
    pairing.settle()
    assert pairing.files() == pairing.stored() == {"m": 4}


def test_shards_stay_shards(make_pairing):
    pairing = make_pairing(direction="out", on_conflict="newest")
    pairing.write("m", 1, 40, shard_bytes=16)
    pairing.save("m", 1, 40)
    pairing.settle()
    pairing.write("m", 2, 40, shard_bytes=16)
    pairing.save("m", 3, 40)
    pairing.settle()
    resolve(pairing, "dir")
    pairing.settle()
    assert pairing.files() == {"m": 2}
    assert len(list((pairing.directory / "m").glob("*.bin"))) == 3


def test_what_has_no_conflict_is_refused(pairing):
    pairing.write("m", 1)
    pairing.settle()
    with pytest.raises(BadRequestError, match="no conflict"):
        resolve(pairing, "dir")
