"""How sync pairs look on a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import render

if TYPE_CHECKING:
    from ..errors import TfjsdError
    from .output import Output
    from .render import Colour

_COLUMNS = (
    render.Column("ID"),
    render.Column("DIRECTORY", flexible=True),
    render.Column("PREFIX", flexible=True),
    render.Column("WAY"),
    render.Column("MODELS", right=True),
    render.Column("STATE"),
)
_COLOURS: dict[str, Colour] = {
    "equal": "green",
    "working": "cyan",
    "waiting": "yellow",
    "paused": "dim",
    "stopped": "red",
}
_ACTIONS = {
    "copy": "copy",
    "delete": "delete",
    "move": "rename",
    "keep_copy": "keep a copy of",
    "adopt": "take for equal",
    "forget": "forget",
}
_FEW = 10


def pair_table(rows: Sequence[Sequence[str]], columns: int | None) -> list[str]:
    """The pairs, one per line."""
    return render.table(_COLUMNS, rows, fit=columns)


def pair_row(name: str, status: dict[str, Any]) -> list[str]:
    models = f"{status['models']['known']:,}"
    return [name, status["directory"], status["prefix"], status["direction"], models, status["state"]]


def pair_lines(name: str, status: dict[str, Any], output: Output) -> Iterator[str]:
    """One pair, with what waits for a hand."""
    colour = _COLOURS[status["state"]]
    yield f"{output.paint(name, 'bold')}: {output.paint(status['state'], colour)}{_cause(status)}"
    if status["hint"]:
        yield f"  {output.paint('hint:', 'cyan')} {render.printable(status['hint'])}"
    arrow = {"both": "<->", "in": "->", "out": "<-"}[status["direction"]]
    ends = f"{render.printable(status['directory'])} {arrow} {render.printable(status['prefix'])}"
    yield f"  {ends} in {status['origin']}"
    models = status["models"]
    yield (
        f"  {render.counted(models['known'], 'model')} equal, {models['directory']:,} in the directory, "
        f"{models['store']:,} in the store; noticed by {status['watching']}"
        + (f" ({status['watching_reason']})" if status["watching_reason"] else "")
    )
    if status["last_pass"] is not None:
        yield f"  last pass {status['last_pass']}, {status['last_seconds'] * 1000:.0f} ms, {status['passes']:,} in all"
    yield from _entries("pending", list(status["pending"].items()))
    yield from _entries("problem", list(status["problems"].items()))
    yield from _waiting(name, status["held"], status["conflicts"])
    yield from _entries(
        "conflict copy",
        [(copy["name"], f"of {model}") for model, copies in status["conflict_copies"].items() for copy in copies],
    )


def _cause(status: dict[str, Any]) -> str:
    return f", {render.printable(status['error'])}" if status["error"] else ""


def _entries(what: str, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    for model, text in entries[:_FEW]:
        yield f"  {what}: {render.printable(model)}: {render.printable(text)}"
    if len(entries) > _FEW:
        yield f"  {what}: {len(entries) - _FEW:,} more"


def done_lines(report: dict[str, Any], *, dry_run: bool) -> Iterator[str]:
    """What ``once`` did or would do."""
    name = report["pair"]
    for step in report["steps"] if dry_run else ():
        place = f" in the {step['to']}" if step["to"] else ""
        target = f" as {render.printable(step['name'])}" if step["name"] else ""
        yield f"{name}: {_ACTIONS[step['action']]} {render.printable(step['model'])}{target}{place}"
    if not dry_run:
        done = ", ".join(f"{count:,} {action}" for action, count in report["applied"].items()) or "nothing to do"
        yield f"{name}: {done}"
    if dry_run and not report["steps"]:
        yield f"{name}: nothing to do"
    yield from _entries("pending", list(report["pending"].items()))
    yield from _entries("problem", list(report["problems"].items()))
    yield from _waiting(name, [step["model"] for step in report["held"]], report["conflicts"])


def _waiting(name: str, held: Sequence[str], conflicts: Sequence[str]) -> Iterator[str]:
    """What waits for a word, with the command that says it."""
    yield from _entries("deletion held", [(model, f"tfjsd sync approve {name} --deletions") for model in held])
    yield from _entries(
        "conflict",
        [(model, f"tfjsd sync resolve {name} {shlex.quote(model)} --keep dir|store|both") for model in conflicts],
    )


def failed_report(name: str, error: TfjsdError) -> dict[str, Any]:
    """In the place of what ``once`` says, for a pair that could not have a pass."""
    nothing: dict[str, Any] = {"steps": [], "applied": {}, "pending": {}, "problems": {}, "held": [], "conflicts": []}
    return {"pair": name, "clean": False, **nothing, "error": error.message}
