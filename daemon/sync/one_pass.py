"""One pass over one pair: look at both sides, plan, write down what will be done, do it, remember it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from ...model_io.origin import Origin
from ...wire.sync_pair import SyncPair
from .applying import Applier
from .carrying_out import Report, carry_out
from .directory_model import remove_files, stamp
from .directory_snapshot import DirectorySnapshot, DirectoryView, KnownModel, take_directory
from .discards import Discards
from .memory import Memory, MemoryFile
from .mount_guard import MountGuard, hold_remounted
from .pass_result import PassResult
from .planning import Plan, Rules, Unready, make_plan
from .reading_time import READER_SECONDS
from .settling import Settling
from .store_snapshot import StoreSnapshot, take_store

SETTLE_SECONDS = 0.2
RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PassOptions:
    """``settle``: how long a file must rest; ``grace``: see ``Applier``; ``deletion_share``: see ``Rules``;
    ``dry_run``: plan only."""

    settle: float = SETTLE_SECONDS
    grace: float = READER_SECONDS
    deletion_share: float = 0.5
    dry_run: bool = False


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
    directory, store = _looked(pair, origin, memory, options, view, places, touched)
    if not options.dry_run:
        _finish_deletions(pair, memory, directory)
    _bring_up_to_date(memory, directory, store)
    plan = _planned(pair, memory, directory, store, options)
    result = PassResult(plan, models=_counts(memory, directory, store), read=directory.read + store.read)
    if not options.dry_run:
        discards = discards or Discards(pair.directory, 0.0)
        applier = Applier(pair, origin, directory, store, discards, grace=options.grace)
        if view is not None:
            _expect(view, plan, directory)
        carry_out(memory, file, applier, result, report, stopping)
        discards.remove()
        result.models["known"] = len(memory.base)
    result.again = _again(result, directory)
    result.seconds = time.monotonic() - started
    return result


def _looked(
    pair: SyncPair,
    origin: Origin,
    memory: Memory,
    options: PassOptions,
    view: DirectoryView | None,
    places: Collection[str],
    touched: Iterable[str],
) -> tuple[DirectorySnapshot, StoreSnapshot]:
    """Both sides, the directory being the same one before and after."""
    guard = MountGuard(pair.directory, memory, mark=not options.dry_run)
    settling = Settling(options.settle, time.time())
    directory = take_directory(pair, memory.directory, memory.base, settling, view=view, touched=places)
    store = take_store(origin, pair, memory.store, touched)
    guard.confirm(directory.mounts)
    hold_remounted(memory, directory.mounts.keys(), directory.states, {*memory.base, *directory.states, *store.states})
    return directory, store


def _bring_up_to_date(memory: Memory, directory: DirectorySnapshot, store: StoreSnapshot) -> None:
    memory.recover(directory.states, store.states)
    memory.forget_copies(directory.states, store.states)
    memory.forget_losses()
    memory.forget_decisions(directory.states, store.states)
    memory.directory = _known(memory, directory)
    memory.store = store.known


def _planned(
    pair: SyncPair, memory: Memory, directory: DirectorySnapshot, store: StoreSnapshot, options: PassOptions
) -> Plan:
    """The plan; what it holds, and what was approved, is remembered for as long as it is planned."""
    plan = make_plan(memory.base, directory.states, store.states, _rules(pair, memory, options))
    memory.approved &= _deletable(memory.approved, plan)
    memory.held = _deletable(memory.held, plan) - {(step.model, step.digest) for step in plan.steps}
    return plan


def _expect(view: DirectoryView, plan: Plan, directory: DirectorySnapshot) -> None:
    for step in plan.steps:
        if step.to == "directory":
            view.expect(step, directory.known.get(step.model))


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


def _known(memory: Memory, directory: DirectorySnapshot) -> dict[str, KnownModel]:
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


def _again(result: PassResult, directory: DirectorySnapshot) -> float | None:
    if sum(result.applied.values()) > result.applied["forget"] + result.applied["adopt"]:
        return 0.0
    due = [] if directory.rest is None else [directory.rest]
    if result.stale:
        due.append(SETTLE_SECONDS)
    if result.problems:
        due.append(RETRY_SECONDS)
    return min(due, default=None)
