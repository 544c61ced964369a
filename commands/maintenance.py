"""``verify``, ``backup``, ``restore``: is everything as it was written, and a second copy of it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from io import BufferedReader
from typing import TYPE_CHECKING, Any

from ..errors import FileError, ModelNotFoundError, TfjsdError, UnsupportedURLError
from . import render
from .arguments import Command, Example, Operand, UsageError
from .locations import check_bare_name, locate
from .progress import Progress
from .target_file import target_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from .invocation import Invocation
    from .target_file import Writable

_STATES = {ModelNotFoundError.name: "missing", UnsupportedURLError.name: "unknown"}
"""What a model is called that is not damaged."""


def _verify(invocation: Invocation) -> int:
    output, urls = invocation.output, invocation.arguments.operands("URL")
    for url in urls:
        check_bare_name(locate(url), invocation.store)
    report = invocation.store.verify(list(urls) or None)
    problems = report["problems"]
    for problem in () if output.json else problems:
        what = render.printable(f"{problem['object']}: {problem['message']}")
        state = _STATES.get(problem.get("name"), "damaged")
        output.line(f"{output.paint(state, 'red')}  {what}")
    checked = ", ".join(render.counted(count, noun) for noun, count in report["checked"].items())
    output.result(f"checked {checked}: {render.counted(len(problems), 'problem')}", report)
    return 1 if problems else 0


def _backup(invocation: Invocation) -> int:
    name = invocation.arguments.operand("FILE")
    if name == "-":
        if invocation.output.on_terminal:
            raise UsageError("- writes a backup, and standard output is a terminal", hint="pipe it, or name a file")
        invocation.store.backup(invocation.output.binary())
        return 0
    with target_file(name) as file, Progress(f"backup to {name}", invocation.output) as progress:
        counted = _Counted(file, progress)
        invocation.store.backup(counted)
    text = f"backed up {render.size(counted.done)} to {name!r}"
    invocation.output.result(text, {"file": name, "bytes": counted.done})
    return 0


class _Counted:
    """A file that reports how many bytes it was given."""

    def __init__(self, file: Writable, progress: Progress) -> None:
        self.done = 0
        self._file = file
        self._progress = progress

    def write(self, data: bytes | memoryview, /) -> int:
        self._file.write(data)
        self.done += len(data)
        self._progress(self.done, None)
        return len(data)


def _restore(invocation: Invocation) -> int:
    name = invocation.arguments.operand("FILE")
    if name == "-":
        if sys.stdin.isatty():
            raise UsageError("- reads a backup, and standard input is a terminal")
        report = _restored(invocation, sys.stdin.buffer)
    else:
        with open(name, "rb") as file:
            report = _restored(invocation, file)
    invocation.output.result(f"restored {name!r}", report)
    return 0


def _restored(invocation: Invocation, file: BinaryIO) -> dict[str, Any]:
    with _reading():
        if isinstance(file, BufferedReader):
            file.peek(1)  # one that is closed is refused before anything is asked of the daemon
    store = invocation.store
    with _reading():
        return store.restore(file)


@contextmanager
def _reading() -> Iterator[None]:
    """An OSError is the file's there: the daemon's have classes of their own."""
    try:
        yield
    except TfjsdError:
        raise
    except OSError as error:
        raise FileError(f"the backup cannot be read: {error.strerror or error}; nothing was restored") from error


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
