"""The steps of a plan, one after the other, each written down before and after."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from ...errors import ModelChangedError, TfjsdError
from .applying import Applier
from .memory import ConflictCopy, Intent, Memory, MemoryFile
from .pass_result import PassResult
from .planning import Step

Report = Callable[[Step], None]

_REPLACING_THREADS = 32
"""Replacing a model in the directory mostly waits for its readers."""
_PASSING_NAME = re.compile(r"\b[0-9a-f]{16}\b")
"""The random part of a passing file's name: with it, one lasting failure would be another one each time."""


def carry_out(
    memory: Memory,
    file: MemoryFile,
    applier: Applier,
    result: PassResult,
    report: Report,
    stopping: Callable[[], bool],
) -> None:
    """Does the steps of ``result.plan`` until ``stopping``, which may be before the first; ``report`` is told each that
    was done. What is going to happen stands in the ``file`` before it does. What fails for one model is in the result;
    raises OSError where the file cannot be written."""
    steps = () if stopping() else result.plan.steps
    for step in steps:
        memory.intents.update(_intents(step))
    if steps:
        file.write(memory)
    books = _Bookkeeping(memory, result, report)
    with closing(_outcomes(applier, _by_model(steps), stopping)) as outcomes:
        for outcome in outcomes:
            books.note(outcome)
    file.write(memory)


def _by_model(steps: Iterable[Step]) -> list[list[Step]]:
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(step.model, []).append(step)
    return list(groups.values())


def _outcomes(
    applier: Applier, groups: Iterable[Sequence[Step]], stopping: Callable[[], bool]
) -> Generator[_Outcome, None, None]:
    """One model after the other; those whose readers are given time side by side, at the end."""
    quick, slow, apply = list[Sequence[Step]](), list[Sequence[Step]](), partial(_apply, applier, stopping)
    for group in groups:
        (slow if any(map(applier.waits, group)) else quick).append(group)
    yield from map(apply, quick)
    if len(slow) < 2:
        yield from map(apply, slow)
        return
    with ThreadPoolExecutor(_REPLACING_THREADS) as threads:
        yield from threads.map(apply, slow)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of the steps of one model, up to the first that failed."""

    done: tuple[Step, ...]
    failed: Step | None = None
    error: Exception | None = None


def _apply(applier: Applier, stopping: Callable[[], bool], group: Sequence[Step]) -> _Outcome:
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
