"""One pass over one pair: look at both sides, plan, write down what will be done, do it, remember it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from ...errors import ModelChangedError, TfjsdError
from ...model_io.origin import Origin
from ...wire.sync_pair import SyncPair
from .applying import Applier
from .directory_model import remove_files, stamp
from .directory_snapshot import DirectorySnapshot, DirectoryView, take_directory
from .discards import Discards
from .memory import ConflictCopy, Intent, Memory, MemoryFile
from .mount_guard import MountGuard, hold_remounted
from .planning import Plan, Rules, Step, Unready, make_plan
from .reading_time import READER_SECONDS
from .settling import Settling
from .store_snapshot import StoreSnapshot, take_store

SETTLE_SECONDS = 0.2
RETRY_SECONDS = 5.0
_REPLACING_THREADS = 32
"""Replacing a model in the directory mostly waits for its readers."""
_PASSING_NAME = re.compile(r"\b[0-9a-f]{16}\b")
"""The random part of a passing file's name: with it, one lasting failure would be another one each time."""

Report = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class PassOptions:
    """``settle``: how long a file must rest; ``grace``: see ``Applier``; ``deletion_share``: see ``Rules``;
    ``dry_run``: plan only."""

    settle: float = SETTLE_SECONDS
    grace: float = READER_SECONDS
    deletion_share: float = 0.5
    dry_run: bool = False


@dataclass(slots=True)
class PassResult:
    """What one pass saw and did. ``stale``: models that changed meanwhile; ``again``: seconds until the next pass is
    due, None where only a change makes one so."""

    plan: Plan
    seconds: float = 0.0
    models: dict[str, int] = field(default_factory=dict)
    read: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    again: float | None = None

    @property
    def problems(self) -> dict[str, str]:
        """Models that need a hand, and why."""
        unready = {model: why.reason for model, why in self.plan.waiting.items() if why.problem}
        return {**unready, **self.failures}

    @property
    def pending(self) -> dict[str, str]:
        """Models that only need time."""
        return {**{model: why.reason for model, why in self.plan.waiting.items() if not why.problem}, **self.stale}

    @property
    def clean(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.problems or self.pending or self.plan.held or self.plan.conflicts)


def run_pass(
    pair: SyncPair,
    origin: Origin,
    memory: Memory,
    file: MemoryFile,
    options: PassOptions,
    *,
    discards: Discards | None = None,
    view: DirectoryView | None = None,
    places: Collection[str] = (),
    touched: Iterable[str] = (),
    report: Report = lambda step: None,
    stopping: Callable[[], bool] = lambda: False,
) -> PassResult:
    """``memory`` is brought up to date and written to ``file``. ``discards``: gets what is to be removed from the
    directory later, and is asked what is due; without, it is removed at once. ``view``, ``places``: see
    ``take_directory``. ``touched``: models of the store to read in any case. Between two steps ``stopping`` may end it.

    Raises SyncError for a directory that is not there, OSError for one that cannot be listed; what fails for one model
    is in the result.
    """
    started = time.monotonic()
    guard = MountGuard(pair.directory, memory, mark=not options.dry_run)
    settling = Settling(options.settle, time.time())
    directory = take_directory(pair, memory.directory, memory.base, settling, view=view, touched=places)
    store = take_store(origin, pair, memory.store, touched)
    guard.confirm(directory.mounts)
    hold_remounted(memory, directory.mounts.keys(), directory.states, {*memory.base, *directory.states, *store.states})
    if not options.dry_run:
        _finish_deletions(pair, memory, directory)
    memory.recover(directory.states, store.states)
    memory.forget_copies(directory.states, store.states)
    memory.forget_losses()
    memory.forget_decisions(directory.states, store.states)
    memory.directory = _known(memory, directory)
    memory.store = store.known
    plan = make_plan(memory.base, directory.states, store.states, _rules(pair, memory, options))
    memory.approved &= _deletable(memory.approved, plan)
    memory.held = _deletable(memory.held, plan) - {(step.model, step.digest) for step in plan.steps}
    result = PassResult(plan, models=_counts(memory, directory, store), read=directory.read + store.read)
    if not options.dry_run:
        discards = discards or Discards(pair.directory, 0.0)
        applier = Applier(pair, origin, directory, store, discards, grace=options.grace)
        for step in plan.steps if view else ():
            if view and step.to == "directory":
                view.expect(step, directory.known.get(step.model))
        _carry_out(memory, file, applier, result, report, stopping)
        discards.remove()
        result.models["known"] = len(memory.base)
    result.again = _again(result, directory)
    result.seconds = time.monotonic() - started
    return result


def _rules(pair: SyncPair, memory: Memory, options: PassOptions) -> Rules:
    return Rules(
        pair.direction,
        pair.on_conflict,
        options.deletion_share,
        len(memory.lost),
        frozenset(memory.approved),
        frozenset(memory.held),
        dict(memory.resolved),
    )


def _deletable(before: set[tuple[str, str]], plan: Plan) -> set[tuple[str, str]]:
    """Deletions that are planned, and those of ``before`` that will be or not. One that did not come to pass needs
    another approval when it comes again."""
    planned = {(step.model, step.digest) for step in (*plan.steps, *plan.held) if step.kind == "delete"}
    return planned | {(model, digest) for model, digest in before if model in plan.waiting}


def _known(memory: Memory, directory: DirectorySnapshot) -> dict[str, Any]:
    """What a model that is unready now was is kept: its layout is known by it."""
    unready = {
        model: known for model, known in memory.directory.items() if isinstance(directory.states.get(model), Unready)
    }
    return {**unready, **directory.known}


def _counts(memory: Memory, directory: DirectorySnapshot, store: StoreSnapshot) -> dict[str, int]:
    return {"known": len(memory.base), "directory": len(directory.found), "store": len(store.infos)}


def _finish_deletions(pair: SyncPair, memory: Memory, directory: DirectorySnapshot) -> None:
    """A killed deletion has taken the JSON file first; its weights are still there."""
    used = {file.path for known in directory.known.values() for file in known.files}
    for model, intent in memory.intents.items():
        known = memory.directory.get(model)
        if intent.to == "directory" and intent.digest is None and known is not None and model not in directory.found:
            left = [
                file.path for file in known.files if file.path not in used and stamp(pair.directory, file.path) == file
            ]
            if left:
                remove_files(pair.directory, left)


def _carry_out(
    memory: Memory,
    file: MemoryFile,
    applier: Applier,
    result: PassResult,
    report: Report,
    stopping: Callable[[], bool],
) -> None:
    for step in result.plan.steps:
        memory.intents.update(_intents(step))
    if result.plan.steps:
        file.write(memory)
    done = _Bookkeeping(memory, result, report)
    groups: dict[str, list[Step]] = {}
    for step in result.plan.steps:
        groups.setdefault(step.model, []).append(step)
    slow, quick = list[list[Step]](), list[list[Step]]()
    for group in groups.values():
        (slow if any(map(applier.waits, group)) else quick).append(group)
    for group in quick:
        done.note(_apply(applier, group, stopping))
    with ThreadPoolExecutor(_REPLACING_THREADS) if len(slow) > 1 else nullcontext() as threads:
        for outcome in (threads.map if threads else map)(lambda group: _apply(applier, group, stopping), slow):
            done.note(outcome)
    file.write(memory)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the steps of one model, up to the first that failed."""

    done: tuple[Step, ...]
    failed: Step | None = None
    error: Exception | None = None


def _apply(applier: Applier, group: Sequence[Step], stopping: Callable[[], bool]) -> _Outcome:
    for number, step in enumerate(group):
        if stopping():
            return _Outcome(tuple(group[:number]))
        try:
            applier.apply(step)
        except (TfjsdError, OSError) as error:
            return _Outcome(tuple(group[:number]), step, error)
    return _Outcome(tuple(group))


@dataclass(frozen=True, slots=True)
class _Bookkeeping:
    memory: Memory
    result: PassResult
    report: Report

    def note(self, outcome: _Outcome) -> None:
        for step in outcome.done:
            _remember(self.memory, step)
            self.result.applied[step.kind if step.to is None else f"{step.kind}_{step.to}"] += 1
            self.report(step)
        if (failed := outcome.failed) is None:
            return
        if not isinstance(outcome.error, ModelChangedError):
            self.result.failures[failed.model] = _PASSING_NAME.sub("*", str(outcome.error))
            return
        self.result.stale[failed.model] = str(outcome.error)
        if failed.kind != "move":  # it was refused before anything was done; a move may have come half the way
            self.memory.intents.pop(failed.model, None)


def _intents(step: Step) -> dict[str, Intent]:
    if step.to is None or step.kind == "keep_copy":
        return {}
    if step.kind == "move":
        return {step.model: Intent(step.to, None), step.name: Intent(step.to, step.digest)}
    return {step.model: Intent(step.to, None if step.kind == "delete" else step.digest)}


def _remember(memory: Memory, step: Step) -> None:
    if step.kind == "keep_copy":
        assert step.to is not None
        copy, copies = ConflictCopy(step.name, step.to), memory.copies.setdefault(step.model, [])
        if copy not in copies:
            copies.append(copy)
        return
    if step.kind == "forget":
        memory.forget(step.model)
    elif step.kind in ("delete", "move"):
        memory.lose(step.model)
    else:
        memory.remember(step.model, step.digest)
    memory.intents.pop(step.model, None)
    memory.approved.discard((step.model, step.digest))
    memory.resolved.pop(step.model, None)
    if step.kind == "move":
        memory.remember(step.name, step.digest)
        memory.intents.pop(step.name, None)


def _again(result: PassResult, directory: DirectorySnapshot) -> float | None:
    if sum(result.applied.values()) > result.applied["forget"] + result.applied["adopt"]:
        return 0.0
    due = [] if directory.rest is None else [directory.rest]
    if result.stale:
        due.append(SETTLE_SECONDS)
    if result.problems:
        due.append(RETRY_SECONDS)
    return min(due, default=None)
