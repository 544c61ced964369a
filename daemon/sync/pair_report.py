"""What is told of a pair, as JSON; ``docs/sync.md`` lists the members."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .pass_result import PassResult
from .planning import Step
from .watching import Watch

if TYPE_CHECKING:
    from .pair_runner import PairRunner


def status_json(runner: PairRunner, watch: Watch) -> dict[str, Any]:
    """One pair, as of its last pass."""
    last = runner.last
    plan = None if last is None else last.plan
    return {
        **runner.pair.to_json(),
        "source": "configuration" if runner.configured else "register",
        "state": _state(runner),
        "error": runner.failure,
        "hint": runner.advice,
        "watching": watch.mode,
        "watching_reason": watch.reason,
        "models": {"known": 0, "directory": 0, "store": 0} if last is None else last.models,
        "passes": runner.passes,
        "last_pass": None if runner.last_time is None else _moment(runner.last_time),
        "last_seconds": None if last is None else round(last.seconds, 6),
        "last_read": None if last is None else last.read,
        "applied": dict(runner.applied),
        "pending": {} if last is None else last.pending,
        "problems": {} if last is None else last.problems,
        "held": [] if plan is None else [step.model for step in plan.held],
        "conflicts": [] if plan is None else list(plan.conflicts),
        "diverged": [] if plan is None else list(plan.diverged),
        "conflict_copies": {
            model: [{"name": copy.name, "side": copy.side} for copy in copies]
            for model, copies in dict(runner.memory.copies).items()  # a pass in a thread may be adding one
        },
    }


def _state(runner: PairRunner) -> str:
    if runner.memory.paused:
        return "paused"
    if runner.failure is not None:
        return "stopped"
    if runner.lock.locked() or runner.last is None:
        return "working"
    return "equal" if runner.last.clean else "waiting"


def result_json(name: str, result: PassResult, applied: Counter[str]) -> dict[str, Any]:
    """What ``once`` did, or would do."""
    return {
        "pair": name,
        "clean": result.clean,
        "steps": [step_json(step) for step in result.plan.steps],
        "applied": dict(applied),
        "seconds": round(result.seconds, 6),
        "read": result.read,
        "models": result.models,
        "pending": result.pending,
        "problems": result.problems,
        "held": [step_json(step) for step in result.plan.held],
        "conflicts": list(result.plan.conflicts),
        "diverged": list(result.plan.diverged),
    }


def step_json(step: Step) -> dict[str, Any]:
    return {"action": step.kind, "model": step.model, "to": step.to, "name": step.name or None}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
