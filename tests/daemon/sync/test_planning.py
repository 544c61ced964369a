"""The plan as a pure function of three snapshots."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.daemon.sync.planning import Rules, Unready, Version, make_plan
from tfjsd.wire.sync_pair import ON_CONFLICT

DIGESTS = [letter * 64 for letter in "abcdef"]
MODELS = [f"m{number}" for number in range(8)]
versions = st.builds(Version, st.sampled_from(DIGESTS), st.integers(0, 3).map(float))
states = st.one_of(versions, versions, versions, st.builds(Unready, st.just("changing"), st.booleans()))
sides = st.dictionaries(st.sampled_from(MODELS), states)
bases = st.dictionaries(st.sampled_from(MODELS), st.sampled_from(DIGESTS))
rules = st.builds(
    Rules,
    st.sampled_from(["both", "both", "in", "out"]),
    st.sampled_from(ON_CONFLICT),
    st.sampled_from([0.0, 0.5, 1.0]),
)


def carried_out(plan, base, directory, store):
    """What both sides and the memory hold after the plan."""
    base, present = dict(base), {"directory": dict(directory), "store": dict(store)}
    for step in plan.steps:
        side = present.get(step.to)
        match step.kind:
            case "copy":
                side[step.model] = Version(step.digest, 9.0)
            case "delete":
                del side[step.model]
            case "move":
                side[step.name] = side.pop(step.model)
            case "keep_copy":
                side[step.name] = side[step.model]
        if step.kind == "keep_copy":
            continue
        if step.kind in ("delete", "move", "forget"):
            base.pop(step.model, None)
        else:
            base[step.model] = step.digest
        if step.kind == "move":
            base[step.name] = step.digest
    return base, present["directory"], present["store"]


@settings(deadline=None, max_examples=500)
@given(bases, sides, sides, rules)
def test_nothing_is_lost_and_nothing_unready_is_touched(base, directory, store, rules):
    plan = make_plan(base, directory, store, rules)
    assert plan == make_plan(dict(reversed(base.items())), directory, store, rules)
    _, here, there = carried_out(plan, base, directory, store)
    after = [state.digest for side in (here, there) for state in side.values() if isinstance(state, Version)]
    for side in (directory, store):
        for model, state in side.items():
            if isinstance(state, Unready):
                assert here.get(model) is directory.get(model)
                assert there.get(model) is store.get(model)
            elif state.digest not in after:
                assert base[model] == state.digest, "only what was equal before goes"


@settings(deadline=None, max_examples=500)
@given(bases, sides, sides, rules)
def test_two_ways_converge_in_two_passes(base, directory, store, rules):
    directory = {model: state for model, state in directory.items() if isinstance(state, Version)}
    store = {model: state for model, state in store.items() if isinstance(state, Version)}
    for _ in range(3):
        plan = make_plan(base, directory, store, rules)
        base, directory, store = carried_out(plan, base, directory, store)
        rules = replace(rules, held=frozenset((step.model, step.digest) for step in plan.held))
    left = {step.model for step in plan.held} | {*plan.conflicts} | {*plan.diverged}
    assert not plan.steps
    differing = {model for model in {*directory, *store} if digest(directory.get(model)) != digest(store.get(model))}
    assert differing == left
    if rules.direction == "both" and rules.on_conflict != "fail":
        assert left == {step.model for step in plan.held}


def digest(state):
    return None if state is None else state.digest


def test_held_deletions_are_not_let_go_by_new_models():
    base = dict.fromkeys(MODELS, DIGESTS[0])
    there = {model: Version(DIGESTS[0], 0) for model in base}
    here = {model: there[model] for model in MODELS[3:]}
    held = frozenset((model, DIGESTS[0]) for model in MODELS[:3])
    assert len(make_plan(base, here, there, Rules()).steps) == 3
    assert {step.model for step in make_plan(base, here, there, Rules(held=held)).held} == set(MODELS[:3])


@settings(deadline=None)
@given(bases, sides, sides, st.sampled_from(["in", "out"]), st.sampled_from(ON_CONFLICT))
def test_one_way_writes_one_side(base, directory, store, direction, on_conflict):
    plan = make_plan(base, directory, store, Rules(direction=direction, on_conflict=on_conflict))
    assert {step.to for step in plan.steps} <= {None, "store" if direction == "in" else "directory"}


@pytest.mark.parametrize(("deletions", "held"), [(2, 0), (3, 3), (5, 5)])
def test_more_than_a_share_of_deletions_is_held(deletions, held):
    base = dict.fromkeys(MODELS[:5], DIGESTS[0])
    store = {model: Version(DIGESTS[0], 0) for model in base}
    directory = {model: state for model, state in store.items() if model not in MODELS[:deletions]}
    plan = make_plan(base, directory, store, Rules())
    assert (len(plan.held), len(plan.steps)) == (held, deletions - held)
    approved = frozenset((step.model, step.digest) for step in plan.held)
    assert len(make_plan(base, directory, store, Rules(approved=approved)).steps) == deletions


def test_renames_are_not_counted_as_deletions():
    base = {f"old/{number}": digest for number, digest in enumerate(DIGESTS)}
    store = {model: Version(digest, 0) for model, digest in base.items()}
    directory = {model.replace("old", "new"): version for model, version in store.items()}
    plan = make_plan(base, directory, store, Rules())
    assert [(step.kind, step.model, step.name) for step in plan.steps] == [
        ("move", f"old/{number}", f"new/{number}") for number in range(6)
    ]
    assert not plan.held


def test_equal_models_are_renamed_one_to_one():
    base = {f"old/{number}": DIGESTS[0] for number in range(6)}
    store = {model: Version(digest, 0) for model, digest in base.items()}
    directory = {model.replace("old", "new"): version for model, version in store.items()}
    directory["z"] = directory.pop("new/0")
    plan = make_plan(base, directory, store, Rules())
    assert [(step.kind, step.model, step.name) for step in plan.steps] == [
        ("move", f"old/{number}", f"new/{number}" if number else "z") for number in range(6)
    ]
    assert not plan.held


@pytest.mark.parametrize("last", ["m" * 250, "m" * 220, "\u00e4" * 120, "m"])
def test_a_copys_name_fits_a_file_system(last):
    model = f"team/{last}"
    plan = make_plan({}, {model: Version(DIGESTS[0], 5)}, {model: Version(DIGESTS[1], 1)}, Rules())
    name = plan.steps[0].name
    assert name.startswith("team/")
    assert re.search(r"\.conflict-\d{8}T\d{6}Z-store-b{8}$", name)
    assert len(f"{name}-999.weights.bin".removeprefix("team/").encode()) <= 255
    assert len(last) > 100 or name.startswith(f"{model}.conflict-")


def test_a_killed_conflict_is_not_kept_twice():
    base, here, there = {}, Version(DIGESTS[0], 5), Version(DIGESTS[1], 1)
    plan = make_plan(base, {"m": here}, {"m": there}, Rules())
    copy = plan.steps[0].name
    assert make_plan(base, {"m": here}, {"m": there, copy: there}, Rules()).steps[:2] == plan.steps
    edited = make_plan(base, {"m": here}, {"m": there, copy: here}, Rules())
    assert f"{copy}-2" in [step.name for step in edited.steps]
