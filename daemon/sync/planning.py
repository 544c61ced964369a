"""What is to be done, as a pure function of three snapshots: what was last equal, the directory, the store.

A side that is as it was last equal follows the other one. Where both have changed, the rules choose who keeps the name;
the other version stays on its own side under a name of its own first, and is an ordinary new model from then on.
A changed model outlives a deletion on the other side. What is not ready on either side is left for a later pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from ...wire.sync_pair import Direction, Keep, OnConflict

Side = Literal["directory", "store"]
Kind = Literal["adopt", "forget", "copy", "delete", "move", "keep_copy"]
_FEW_DELETIONS = 2
_LONGEST_NAME = 255 - len("-999") - len(".weights.bin")
"""Bytes of a conflict copy's name without its number: a file system's limit, where a download's weights bear it too."""


@dataclass(frozen=True, slots=True)
class Version:
    """A whole model: the digest of its content, and when it was last changed (seconds since 1970)."""

    digest: str
    modified: float


@dataclass(frozen=True, slots=True)
class Unready:
    """A model that cannot be taken now. ``problem``: waiting alone will not help."""

    reason: str
    problem: bool = False


State = Version | Unready


@dataclass(frozen=True, slots=True)
class Dispute:
    """The two versions (digests) that a conflict is about."""

    directory: str
    store: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user chose for one conflict. It says nothing about other versions of the model."""

    keep: Keep
    about: Dispute


@dataclass(frozen=True, slots=True)
class Rules:
    """``approved``: deletions (model, digest) that may pass however many they are; ``held``: those that wait for it
    since an earlier plan; ``resolved``: what the user chose for a conflict; ``deletion_share``: the largest share of
    the known models that is deleted unasked; ``lost``: how many were so lately, which count with those of this plan."""

    direction: Direction = "both"
    on_conflict: OnConflict = "newest"
    deletion_share: float = 0.5
    lost: int = 0
    approved: frozenset[tuple[str, str]] = frozenset()
    held: frozenset[tuple[str, str]] = frozenset()
    resolved: Mapping[str, Decision] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One change on the side ``to``; the steps of one model belong together, in their order.

    ``adopt``: both sides hold ``digest``. ``forget``: neither holds the model. ``copy``: ``to`` gets the other side's
    version. ``delete``: ``to`` loses its version. ``move``: ``to`` renames its version to ``name``. ``keep_copy``:
    ``to`` stores its own version under ``name`` as well.
    """

    kind: Kind
    model: str
    digest: str = ""
    to: Side | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """``held``: deletions that wait for approval; ``conflicts``: models that wait for a decision, ``diverged``: models
    that a one-way pair leaves different."""

    steps: tuple[Step, ...]
    held: tuple[Step, ...] = ()
    conflicts: Mapping[str, Dispute] = field(default_factory=dict)
    diverged: tuple[str, ...] = ()
    waiting: Mapping[str, Unready] = field(default_factory=dict)


class _Conflict(Exception):
    """Both sides have changed, and the rules leave it to the user."""


class _Diverged(Exception):
    """The change is on the side that a one-way pair does not read."""


def make_plan(
    base: Mapping[str, str], directory: Mapping[str, State], store: Mapping[str, State], rules: Rules
) -> Plan:
    """Deterministic: equal snapshots and rules give equal plans."""
    steps: list[Step] = []
    conflicts, diverged, waiting = dict[str, Dispute](), list[str](), dict[str, Unready]()
    sides: dict[Side, Mapping[str, State]] = {"directory": directory, "store": store}
    taken = {*base, *directory, *store}
    for model in sorted(taken):
        here, there = directory.get(model), store.get(model)
        unready = next((side for side in (here, there) if isinstance(side, Unready)), None)
        if unready is not None:
            waiting[model] = unready
            continue
        assert not isinstance(here, Unready)
        assert not isinstance(there, Unready)
        case = _Case(model, base.get(model), here, there, rules, sides, taken)
        try:
            steps += _steps_of(case)
        except _Conflict:
            conflicts[model] = _dispute(case)
        except _Diverged:
            diverged.append(model)
    steps = _with_moves(steps, sides)
    held = _too_many(steps, len(base), rules)
    return Plan(tuple(step for step in steps if step not in held), tuple(held), conflicts, tuple(diverged), waiting)


@dataclass(frozen=True, slots=True)
class _Case:
    model: str
    base: str | None
    directory: Version | None
    store: Version | None
    rules: Rules
    sides: Mapping[Side, Mapping[str, State]]
    taken: set[str]


def _steps_of(case: _Case) -> Iterator[Step]:
    here, there = _digest(case.directory), _digest(case.store)
    if here == there:
        if here is None:
            yield Step("forget", case.model)
        elif here != case.base:
            yield Step("adopt", case.model, here)
    elif there == case.base:
        yield from _follow(case, "store", here)
    elif here == case.base:
        yield from _follow(case, "directory", there)
    elif here is None or there is None:
        yield from _outlive(case, here, there)
    else:
        yield from _settle(case)


def _digest(version: Version | None) -> str | None:
    return None if version is None else version.digest


def _writes(case: _Case, to: Side) -> bool:
    return case.rules.direction != ("out" if to == "store" else "in")


def _follow(case: _Case, to: Side, digest: str | None) -> Iterator[Step]:
    """``to`` is as it was last equal; the other side holds ``digest`` now."""
    if not _writes(case, to):
        raise _Diverged
    if digest is not None:
        yield Step("copy", case.model, digest, to)
    else:
        assert case.base is not None
        yield Step("delete", case.model, case.base, to)


def _outlive(case: _Case, here: str | None, there: str | None) -> Iterator[Step]:
    """Deleted on one side, changed on the other."""
    to: Side = "directory" if here is None else "store"
    digest = here or there
    assert digest is not None
    if _writes(case, to):
        yield Step("copy", case.model, digest, to)
    else:
        yield Step("forget", case.model)


def _settle(case: _Case) -> Iterator[Step]:
    """Both sides hold versions that the other one never had."""
    winner, keeps = _winner(case)
    loser: Side = "store" if winner == "directory" else "directory"
    keeps_all = keeps == "both" and case.rules.on_conflict == "keep-both" and _chosen(case) is None
    if keeps_all and _writes(case, winner):
        yield _kept(case, winner)
    if keeps == "both":
        yield _kept(case, loser)
    yield Step("copy", case.model, _version(case, winner).digest, loser)


def _winner(case: _Case) -> tuple[Side, Keep]:
    chosen = _chosen(case)
    if case.rules.direction != "both":
        winner: Side = "directory" if case.rules.direction == "in" else "store"
        return winner, "both" if chosen in (None, "both") else chosen
    if chosen in ("dir", "store"):
        return ("directory" if chosen == "dir" else "store"), chosen
    policy = "newest" if chosen == "both" else case.rules.on_conflict
    if policy == "fail":
        raise _Conflict
    if policy in ("dir", "store"):
        return ("directory" if policy == "dir" else "store"), "both"
    newer = _version(case, "store").modified > _version(case, "directory").modified
    return ("store" if newer else "directory"), "both"


def _chosen(case: _Case) -> Keep | None:
    """What the user decided about these two versions."""
    decision = case.rules.resolved.get(case.model)
    return None if decision is None or decision.about != _dispute(case) else decision.keep


def _dispute(case: _Case) -> Dispute:
    return Dispute(_version(case, "directory").digest, _version(case, "store").digest)


def _version(case: _Case, side: Side) -> Version:
    version = case.directory if side == "directory" else case.store
    assert version is not None
    return version


def _kept(case: _Case, side: Side) -> Step:
    version = _version(case, side)
    moment = datetime.fromtimestamp(max(version.modified, 0), UTC).strftime("%Y%m%dT%H%M%SZ")
    suffix = f".conflict-{moment}-{'dir' if side == 'directory' else 'store'}-{version.digest[:8]}"
    name = stem = f"{_shortened(case.model, suffix)}{suffix}"
    number = 1
    while name in case.taken and not _holds(case.sides[side].get(name), version.digest):
        number += 1
        name = f"{stem}-{number}"
    case.taken.add(name)
    return Step("keep_copy", case.model, version.digest, side, name)


def _shortened(model: str, suffix: str) -> str:
    """The model's path with as much of its last component as leaves a file name's length for the copy."""
    place, slash, last = model.rpartition("/")
    room = _LONGEST_NAME - len(suffix)
    return f"{place}{slash}{last.encode('utf-8', 'surrogatepass')[:room].decode('utf-8', 'ignore')}"


def _holds(state: State | None, digest: str) -> bool:
    return isinstance(state, Version) and state.digest == digest


def _with_moves(steps: list[Step], sides: Mapping[Side, Mapping[str, State]]) -> list[Step]:
    """A model that is gone from one name and has come under another one was renamed. Where several are equal, the last
    component of the name tells which is which."""
    created = [step for step in steps if step.kind == "copy" and step.to and step.model not in sides[step.to]]
    deleted = [step for step in steps if step.kind == "delete"]
    targets: dict[Step, Step] = {}
    for likeness in (_in_another_place, _of_the_content):
        taken, waiting = set(targets.values()), defaultdict[tuple[str, ...], list[Step]](list)
        for step in reversed(created):
            if step not in taken:
                waiting[likeness(step)].append(step)
        for step in deleted:
            if step not in targets and (found := waiting[likeness(step)]):
                targets[step] = found.pop()
    dropped = set(targets.values())
    return [
        Step("move", step.model, step.digest, step.to, targets[step].model) if step in targets else step
        for step in steps
        if step not in dropped
    ]


def _in_another_place(step: Step) -> tuple[str, ...]:
    return (*_of_the_content(step), step.model.rpartition("/")[2])


def _of_the_content(step: Step) -> tuple[str, ...]:
    return (str(step.to), step.digest)


def _too_many(steps: list[Step], known: int, rules: Rules) -> list[Step]:
    unasked = [step for step in steps if step.kind == "delete" and (step.model, step.digest) not in rules.approved]
    if len(unasked) + rules.lost > max(_FEW_DELETIONS, rules.deletion_share * (known + rules.lost)):
        return unasked
    # Others that came meanwhile make these a smaller share, but no less of a question.
    return [step for step in unasked if (step.model, step.digest) in rules.held]
