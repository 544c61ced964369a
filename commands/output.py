"""Where a command's words go: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from .advice import advice
from .render import Colour, coloured, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO, TextIO

    from ..errors import TfjsdError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Output:
    """The two streams of one command, with what the user asked of them."""

    def __init__(
        self,
        *,
        json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.json = json
        self.quiet = quiet
        self.verbose = verbose
        self.stdout = sys.stdout if stdout is None else stdout
        self.stderr = sys.stderr if stderr is None else stderr

    @property
    def on_terminal(self) -> bool:
        return self.stdout.isatty()

    @property
    def asks(self) -> bool:
        """Whether a person is there to answer."""
        return sys.stdin.isatty() and self.stderr.isatty()

    def columns(self) -> int | None:
        """The terminal's width; None where there is none and nothing needs shortening."""
        if not self.on_terminal:
            return None
        import shutil

        return shutil.get_terminal_size().columns

    def line(self, text: str = "") -> None:
        """A line of the result."""
        self.stdout.write(f"{text}\n")

    def table(self, lines: Sequence[str]) -> None:
        """A table's lines; the first is its header."""
        header, *rows = lines
        self.line(self.paint(header, "bold"))
        for row in rows:
            self.line(row)

    def text(self, text: str) -> None:
        """Part of the result as it stands."""
        self.stdout.write(text)

    def binary(self) -> BinaryIO:
        """stdout for bytes; what was written as text so far goes first."""
        self.stdout.flush()
        return self.stdout.buffer

    def document(self, value: object) -> None:
        """The one JSON document of ``--json``."""
        self.line(json_text(value, indent=2))

    def done(self, text: str) -> None:
        """A success line: not with ``--quiet`` or ``--json``."""
        if not self.quiet and not self.json:
            self.line(text)

    def result(self, text: str, document: object) -> None:
        """A success line, or the document of ``--json``."""
        self.done(text)
        if self.json:
            self.document(document)

    def note(self, text: str, *, also_json: bool = False) -> None:
        """Something worth knowing beside the result: for people, and for programs where they would be misled."""
        if not self.quiet and (also_json or not self.json):
            self._say(text)

    def trace(self, text: str) -> None:
        """A step, with ``--verbose``."""
        if self.verbose:
            self._say(self.paint_error(text, "dim"))

    def error(self, error: TfjsdError, *, about: str = "") -> None:
        """An error for a person: the message, then what helps; or as JSON."""
        message, hint = error.message or str(error) or error.name, advice(error)
        if self.json:
            shown = {"name": error.name, "message": message}
            self._say(json_text({"error": shown | ({"hint": hint} if hint else {})}))
            return
        prefix = self.paint_error("error:", "red")
        subject = f"{printable(about)}: " if about else ""
        self._say(f"{prefix} {subject}{_lines(message)}")
        if hint:
            self._say(f"{self.paint_error('hint:', 'cyan')} {_lines(hint)}")

    def paint(self, text: str, colour: Colour) -> str:
        """Colour for stdout, where it is wanted."""
        return coloured(text, colour) if _colours(self.stdout) else text

    def paint_error(self, text: str, colour: Colour) -> str:
        """Colour for stderr, where it is wanted."""
        return coloured(text, colour) if _colours(self.stderr) else text

    def _say(self, text: str) -> None:
        self.stderr.write(f"{text}\n")
        self.stderr.flush()


def _colours(stream: TextIO) -> bool:
    """Only on a terminal that knows colours, and not against https://no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def json_text(value: object, *, indent: int | None = None) -> str:
    """JSON with Unicode as it is, except for lone surrogates: those are ``\\udXXX``, so that it is valid UTF-8."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _LONE_SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
