"""Changes on both sides between passes that are cut short, fail, or are forgotten: in the end both sides are equal, and
hold every version that nobody took away."""

import contextlib
import errno
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfjsd.daemon.sync import one_pass, planning
from tfjsd.daemon.sync.applying import Applier
from tfjsd.daemon.sync.conflict_resolution import decide, settle_copies
from tfjsd.daemon.sync.content_digest import stored_digest
from tfjsd.daemon.sync.directory_snapshot import DirectoryView
from tfjsd.daemon.sync.discards import Discards
from tfjsd.daemon.sync.memory import Memory
from tfjsd.daemon.sync.one_pass import PassOptions
from tfjsd.daemon.sync.pass_result import PassResult
from tfjsd.errors import TfjsdError
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.storage_backends import durable
from tfjsd.wire.sync_pair import KEEP, ON_CONFLICT, Keep

from .conftest import Pairing, artifacts

MODELS = ["a", "b", "t/a", "t/b", "t"]
NAMES = st.sampled_from(MODELS)
SIDES = st.sampled_from(["directory", "store"])
POINTS = st.integers(1, 60)
OPERATIONS = st.one_of(
    st.tuples(st.just("write"), SIDES, NAMES),
    st.tuples(st.just("write"), SIDES, NAMES),
    st.tuples(st.just("revert"), SIDES, NAMES),
    st.tuples(st.just("delete"), SIDES, NAMES),
    st.tuples(st.just("rename"), SIDES, NAMES, NAMES),
    st.tuples(st.just("rename tree")),
    st.tuples(st.just("pass")),
    st.tuples(st.just("pass")),
    st.tuples(st.just("crash"), POINTS),
    st.tuples(st.just("fault"), POINTS, st.sampled_from([errno.ENOSPC, errno.EIO, errno.EROFS])),
    st.tuples(st.just("interfere"), POINTS, SIDES, NAMES),
    st.tuples(st.just("restart")),
    st.tuples(st.just("approve")),
    st.tuples(st.just("resolve"), NAMES, st.sampled_from(KEEP)),
)
MEMORY = "/dev/shm"  # syncs of a real disk would take most of the time
CALLS = ("fsync", "fsync_path", "rename", "link", "unlink", "make_directory", "remove_empty_directory")


@dataclass(frozen=True)
class Setup:
    """How the pair is set up, and the layout of what is written into the directory."""

    on_conflict: str = "newest"
    direction: str = "both"
    deletion_share: float = 1.0
    shard_bytes: int | None = None


DEFAULT = Setup()
SETUPS = st.builds(
    Setup,
    st.sampled_from(ON_CONFLICT),
    st.sampled_from(["both", "both", "both", "in", "out"]),
    st.sampled_from([1.0, 0.5, 0.0]),
    st.sampled_from([None, 2]),
)


class Crash(BaseException):
    """The process is gone."""


class World:
    """A pair and what its users have done to it. ``live``: contents that nobody overwrote or deleted."""

    def __init__(self, place: Path, setup: Setup) -> None:
        self.setup = setup
        self.pairing = Pairing(place, direction=setup.direction, on_conflict=setup.on_conflict)
        self.options = self.pairing.options = PassOptions(settle=0.0, grace=0.0, deletion_share=setup.deletion_share)
        self.last: PassResult | None = None
        self.contents = itertools.count(1)
        self.live: set[int] = set()
        self.view = DirectoryView()
        self.seen: dict[str, tuple[frozenset[object], frozenset[str]]] = {}
        self.earlier: list[int] = []

    # -- What users do

    def present(self, side: str) -> dict[str, int]:
        return self.pairing.files() if side == "directory" else self.pairing.stored()

    def take_away(self, side: str, model: str) -> bool:
        content = self.present(side).get(model)
        self.live.discard(content)
        return content is not None

    def write(self, side: str, model: str, content: int | None = None) -> None:
        self.take_away(side, model)
        content = next(self.contents) if content is None else content
        if side == "store":
            self.pairing.save(model, content)
        else:
            options: dict[str, Any] = {} if self.setup.shard_bytes is None else {"shard_bytes": self.setup.shard_bytes}
            file_system(self.pairing.directory / model, **options).save(artifacts(content))
        self.live.add(content)
        self.earlier.append(content)

    def revert(self, side: str, model: str) -> None:
        """What a pass may have seen equal before is no version of its own when it comes back."""
        if self.earlier:
            content = self.earlier[len(self.earlier) // 2]
            was_live, digest = content in self.live, stored_digest(StoredModel.of(artifacts(content)))
            self.write(side, model, content)
            memories = (self.pairing.memory, self.pairing.file.read())
            seen = {memory.base.get(model) for memory in memories}
            seen |= {memory.intents[model].digest for memory in memories if model in memory.intents}
            if not was_live and digest in seen:
                self.live.discard(content)

    def delete(self, side: str, model: str) -> None:
        if self.take_away(side, model):
            if side == "store":
                self.pairing.remove(model)
            else:
                for path in files_of(self.pairing.directory / model):
                    path.unlink()

    def rename(self, side: str, model: str, name: str) -> None:
        present = self.present(side)
        if model in present and name not in present:
            if side == "store":
                self.pairing.rename(model, name)
            else:
                place, new = self.pairing.directory / model, self.pairing.directory / name
                new.mkdir(parents=True, exist_ok=True)
                for path in reversed(files_of(place)):
                    path.rename(new / path.name)

    def rename_tree(self) -> None:
        tree, other = self.pairing.directory / "t", self.pairing.directory / "moved"
        if tree.is_dir() and not other.exists():
            tree.rename(other)
        elif other.is_dir() and not tree.exists():
            other.rename(tree)

    def approve(self) -> None:
        """What waits now may go."""
        held = () if self.last is None else self.last.plan.held
        self.pairing.memory.approved |= {(step.model, step.digest) for step in held}

    def resolve(self, model: str, keep: Keep) -> None:
        """What the user decides against is nobody's loss."""
        dispute = None if self.last is None else self.last.plan.conflicts.get(model)
        memory, copies = self.pairing.memory, self.pairing.memory.copies.get(model, [])
        if dispute is not None:
            decide(memory, model, keep, dispute)
            refused = {"dir": dispute.store, "store": dispute.directory}.get(keep)
            digests = {content: stored_digest(StoredModel.of(artifacts(content))) for content in self.earlier}
            self.live -= {content for content, digest in digests.items() if digest == refused}
        elif copies:
            if keep != "both":
                for side, name in itertools.product(("directory", "store"), [model, *(copy.name for copy in copies)]):
                    self.take_away(side, name)
            discards = Discards(self.pairing.directory, 0.0)
            with contextlib.suppress(TfjsdError):  # a crash may have left half a copy
                settle_copies(self.pairing.pair, self.pairing.origin, memory, discards, model, keep)
            discards.remove()

    # -- What happens to passes

    def run(self) -> None:
        done = False
        try:
            self.last = self.pairing.run(self.options, view=self.view, places=self.places())
            unwritten = {"in": "directory", "out": "store"}.get(self.setup.direction)
            assert not any(str(kind).endswith(f"_{unwritten}") for kind in self.last.applied)
            done = True
        finally:
            if not done:
                self.view.forget()

    def places(self) -> set[str]:
        """What a watcher tells: directories whose files have changed; where directories have, it is everything."""
        before, self.seen = self.seen, dict(listings(self.pairing.directory))
        directories = [{place: below for place, (_, below) in seen.items()} for seen in (before, self.seen)]
        if directories[0] != directories[1]:
            self.view.forget()
        return {place for place in self.seen if place not in before or before[place][0] != self.seen[place][0]}

    def restart(self) -> None:
        self.view.forget()
        self.last = None
        self.pairing.restart()

    def crash(self, point: int) -> None:
        with self.at(point, Crash()), contextlib.suppress(Crash):
            self.run()
        self.restart()

    def fault(self, point: int, number: int) -> None:
        with self.at(point, OSError(number, os.strerror(number))), contextlib.suppress(OSError):
            self.run()

    def interfere(self, point: int, side: str, model: str) -> None:
        """Somebody writes while a pass is between two of its models."""
        real, count = Applier.apply, itertools.count(1)

        def apply(applier, step):
            if next(count) == point % 4 + 1:
                self.write(side, model)
            real(applier, step)

        Applier.apply = apply  # type: ignore[method-assign]
        try:
            self.run()
        finally:
            Applier.apply = real  # type: ignore[method-assign]

    @contextlib.contextmanager
    def at(self, point: int, error: BaseException):
        """The ``point``-th call that changes a file fails; after a crash, so does every later one."""
        count, real = itertools.count(1), {name: getattr(durable, name) for name in CALLS}

        def failing(name):
            def call(*args, **options):
                number = next(count)
                if number == point or (number > point and isinstance(error, Crash)):
                    raise error
                return real[name](*args, **options)

            return call

        for name in CALLS:
            setattr(durable, name, failing(name))
        try:
            yield
        finally:
            for name in CALLS:
                setattr(durable, name, real[name])

    def perform(self, name: str) -> Callable[..., None]:
        own = {"pass": self.run, "rename tree": self.rename_tree, "restart": self.restart}
        return own[name] if name in own else getattr(self, name)

    def check(self) -> None:
        for _ in range(8):
            self.run()
        result = self.pairing.settle()
        for _ in range(4):  # what waits for a word gets it: a deletion may come after a conflict
            if not (result.plan.held or result.plan.conflicts):
                break
            self.last = result
            self.approve()
            for model in result.plan.conflicts:
                self.resolve(model, "both")
            result = self.pairing.settle()
        files, stored = self.pairing.files(), self.pairing.stored()
        assert result.clean, result
        different = {model for model in {*files, *stored} if files.get(model) != stored.get(model)}
        assert different == {*result.plan.diverged}
        assert not different or self.setup.direction != "both"
        assert {*files.values(), *stored.values()} >= self.live, "a version that was last on one side is lost"


def files_of(place: Path) -> list[Path]:
    """The JSON file first; a crash may have left the weights another name."""
    (group,) = json.loads((place / "model.json").read_bytes())["weightsManifest"]
    return [place / file for file in ("model.json", *group["paths"])]


def listings(root: Path):
    for place, directories, files in os.walk(root):
        statuses = [(name, os.lstat(os.path.join(place, name))) for name in files]
        stamps = frozenset((name, status.st_ino, status.st_size, status.st_mtime_ns) for name, status in statuses)
        yield place[len(str(root)) + 1 :], (stamps, frozenset(directories))


def tell(operations, setup=DEFAULT) -> None:
    place = Path(tempfile.mkdtemp(prefix="tfjsd-sync-", dir=MEMORY if os.path.isdir(MEMORY) else None))
    world = World(place, setup)
    try:
        for name, *given in operations:
            world.perform(name)(*given)
        world.check()
    finally:
        world.pairing.close()
        shutil.rmtree(place)


STORIES = st.lists(OPERATIONS, min_size=2, max_size=14)
QUIET: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}


@settings(max_examples=300, **QUIET)
@given(STORIES, SETUPS)
@example(
    [("write", "directory", "a"), ("pass",), ("delete", "directory", "a"), ("crash", 3), ("revert", "directory", "a")],
    DEFAULT,
)
@example(
    [("write", "directory", "b"), ("pass",), ("write", "store", "b"), ("crash", 14), ("rename", "directory", "b", "a")],
    DEFAULT,
)
def test_both_sides_converge_and_lose_nothing(operations, setup):
    tell(operations, setup)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@settings(max_examples=2000, **QUIET)
@given(st.lists(OPERATIONS, min_size=5, max_size=40), SETUPS)
def test_both_sides_converge_and_lose_nothing_at_length(operations, setup):
    tell(operations, setup)


def test_the_check_catches_a_decision_that_outlives_its_conflict(monkeypatch):
    """The negative control of what is decided."""

    def stale(case):
        decision = case.rules.resolved.get(case.model)
        return None if decision is None else decision.keep

    monkeypatch.setattr(planning, "_chosen", stale)
    monkeypatch.setattr(Memory, "forget_decisions", lambda memory, directory, store: None)
    story = [("write", "directory", "a"), ("write", "store", "a"), ("pass",), ("resolve", "a", "dir")]
    with pytest.raises(AssertionError, match="lost"):
        tell([*story, ("write", "store", "a"), ("pass",)], Setup(on_conflict="fail"))


def test_the_check_catches_a_pass_that_takes_the_directory_for_right(monkeypatch):
    """The negative control."""
    real = one_pass.make_plan
    monkeypatch.setattr(
        one_pass, "make_plan", lambda base, directory, store, rules: real(store_of(store), directory, store, rules)
    )
    with pytest.raises(AssertionError, match="lost"):
        tell([("write", "directory", "a"), ("write", "store", "a"), ("pass",)])


def store_of(states):
    return {model: state.digest for model, state in states.items()}
