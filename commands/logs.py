"""``tfjsd logs``: the log file of a daemon in the background."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

from ..errors import NotFoundError
from . import render

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from .invocation import Invocation
    from .output import Output

_PAUSE = 0.2
_COLOURS: dict[str, render.Colour] = {"warning": "yellow", "error": "red", "critical": "red", "debug": "dim"}


def run(invocation: Invocation) -> int:
    """Prints the log, and with ``--follow`` what comes.

    Raises:
        NotFoundError: there is no log file.
    """
    from ..wire.addresses import LOG_FILE

    path, output = invocation.configuration_in_need().home / LOG_FILE, invocation.output
    count = invocation.arguments.number("--lines")
    with _opened(path) as file:
        for line in file if count is None else deque(file, count):
            _show(line, output)
        if invocation.arguments.flag("--follow"):
            output.stdout.flush()
            for line in _following(path, file):
                _show(line, output)
                output.stdout.flush()
    return 0


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        raise NotFoundError(
            f"there is no log at {path}",
            hint="a daemon in the foreground logs to its terminal, a service to the journal: journalctl -u tfjsd",
        ) from None


def _following(path: Path, file: TextIO) -> Generator[str, None, None]:
    """Whole lines as they are written. A file that was cut is read from its start, one that has taken its name (a
    daemon sets a large log aside when it starts) after the rest of the old one. Closes the file."""
    held = ""
    try:
        while True:
            is_aside = _is_aside(path, file)  # looked at first: nobody writes to what lies aside
            while line := file.readline():
                held += line
                if held.endswith("\n"):
                    yield held
                    held = ""
            if is_aside:
                file.close()
                file = _opened(path)
            elif os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
            else:
                time.sleep(_PAUSE)
    finally:
        file.close()


def _is_aside(path: Path, file: TextIO) -> bool:
    """Whether another file has the name now."""
    try:
        return not os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _show(line: str, output: Output) -> None:
    line = line.rstrip("\n")
    if output.json:
        output.line(line)
    else:
        text, level = readable(line)
        output.line(output.paint(text, _COLOURS[level]) if level in _COLOURS else text)


def readable(line: str) -> tuple[str, str]:
    """A JSON line as a person reads it, and its level; any other line as it is."""
    import json

    try:
        record = json.loads(line)
    except ValueError:
        return render.printable(line), ""
    if not isinstance(record, dict) or not {"time", "message"} <= record.keys():
        return render.printable(line), ""
    moment, message = str(record.pop("time")).replace("T", " ")[:19], str(record.pop("message"))
    level, trace = str(record.pop("level", "")), str(record.pop("exception", ""))
    extra = "".join(f"  {name}={value}" for name, value in record.items())
    shown = f"{moment} {level.upper():7} {render.printable(message + extra)}"
    return "\n".join([shown, *(f"    {render.printable(text)}" for text in trace.splitlines())]), level
