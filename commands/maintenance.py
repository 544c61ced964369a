"""``verify``, ``backup``, ``restore``: is everything as it was written, and a second copy of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import render
from .arguments import Command, Example, Operand, UsageError
from .progress import Progress

if TYPE_CHECKING:
    from .invocation import Invocation


def _verify(invocation: Invocation) -> int:
    output = invocation.output
    report = invocation.store.verify(list(invocation.arguments.operands("URL")) or None)
    problems = report["problems"]
    if output.json:
        output.document(report)
    else:
        for problem in problems:
            output.line(
                f"{output.paint('damaged', 'red')}  {render.printable(problem['object'])}: {problem['message']}"
            )
        checked = ", ".join(render.counted(count, noun) for noun, count in report["checked"].items())
        output.done(f"checked {checked}: {render.counted(len(problems), 'problem')}")
    return 1 if problems else 0


def _backup(invocation: Invocation) -> int:
    name = invocation.arguments.operand("FILE")
    if name == "-":
        if invocation.output.on_terminal:
            raise UsageError("- writes a backup, and standard output is a terminal", hint="pipe it, or name a file")
        invocation.store.backup(_Counted(invocation.output.binary(), None))
        return 0
    from ..storage_backends.durable import StagedFile, fsync_path

    target = Path(name)
    with StagedFile(target.parent, mode=0o600) as staged, Progress(f"backup to {name}", invocation.output) as progress:
        invocation.store.backup(_Counted(staged, progress))
        staged.sync()
        staged.publish(target)
        fsync_path(target.parent)
        size = staged.size
    return _done(invocation, f"backed up {render.size(size)} to {name!r}", {"file": name, "bytes": size})


class _Counted:
    """A file that reports how many bytes it was given."""

    def __init__(self, file: object, progress: Progress | None) -> None:
        self._write = file.write  # type: ignore[attr-defined]
        self._progress = progress
        self._done = 0

    def write(self, data: bytes | memoryview) -> int:
        self._write(data)
        self._done += len(data)
        if self._progress is not None:
            self._progress(self._done, None)
        return len(data)


def _restore(invocation: Invocation) -> int:
    name = invocation.arguments.operand("FILE")
    if name == "-":
        if sys.stdin.isatty():
            raise UsageError("- reads a backup, and standard input is a terminal")
        report = invocation.store.restore(sys.stdin.buffer)
    else:
        with open(name, "rb") as file:
            report = invocation.store.restore(file)
    return _done(invocation, f"restored {name!r}", report)


def _done(invocation: Invocation, text: str, document: object) -> int:
    invocation.output.done(text)
    if invocation.output.json:
        invocation.output.document(document)
    return 0


COMMANDS = (
    Command(
        "verify",
        "check every record and every blob against its digest",
        _verify,
        operands=(Operand("URL", "only these models; everything without it", "any", complete="url"),),
        description="Reads everything; other callers go on meanwhile. Exits 1 if something is damaged, and names it.",
        examples=(Example("tfjsd verify"), Example("tfjsd verify indexeddb://mnist")),
    ),
    Command(
        "backup",
        "write everything, all origins, to one file",
        _backup,
        operands=(Operand("FILE", "a file, replaced when the backup is whole; - is standard output", complete="file"),),
        description="Consistent while writers go on: the state of one moment.",
        examples=(
            Example("tfjsd backup store.tfjsd"),
            Example("tfjsd backup - | zstd | ssh host 'cat > store.tfjsd.zst'"),
        ),
    ),
    Command(
        "restore",
        "read a backup into an empty home",
        _restore,
        operands=(Operand("FILE", "what backup wrote; - is standard input", complete="file"),),
        description="All or nothing. A home that holds something is refused.",
        examples=(Example("tfjsd restore store.tfjsd --home ./restored"),),
    ),
)
