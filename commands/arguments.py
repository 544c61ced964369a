"""The argument table: what a command takes, as data.

One table feeds the parser, ``--help``, the shell completion and the test that docs/cli.md names everything. argparse
is not used: it has no way to intermix options and operands and still honour ``--`` (``storage set -- -key value``).
Named tuples and not dataclasses: importing those costs a tenth of what a whole ``tfjsd list`` may take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ..errors import TfjsdError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .invocation import Invocation

_MOST_DIGITS = 18
"""Of a number: there is nothing to count so far, and Python refuses to read thousands of them."""
Completion = Literal["", "url", "origin", "file", "directory", "key"]
Count = Literal["one", "optional", "some", "any"]


class UsageError(TfjsdError):
    """The command line does not say what to do; nothing was done."""

    name = "UsageError"
    exit_code = 2


class Option(NamedTuple):
    """``--name``; a switch, or one that takes a value (then ``metavar`` names it)."""

    name: str
    help: str
    metavar: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    repeat: bool = False
    complete: Completion = ""

    @property
    def takes_value(self) -> bool:
        return bool(self.metavar)

    @property
    def spelling(self) -> str:
        """``-q, --quiet`` or ``--origin ORIGIN``, as help shows it."""
        names = f"{self.short}, {self.name}" if self.short else self.name
        return f"{names} {self.metavar}" if self.metavar else names


class Operand(NamedTuple):
    """An argument that is not an option. ``some`` is one or more, ``any`` none or more."""

    name: str
    help: str
    many: Count = "one"
    choices: tuple[str, ...] = ()
    complete: Completion = ""

    @property
    def spelling(self) -> str:
        return {
            "one": self.name,
            "optional": f"[{self.name}]",
            "some": f"{self.name}...",
            "any": f"[{self.name}...]",
        }[self.many]


class Example(NamedTuple):
    """A line of shell and what it is for."""

    command: str
    purpose: str = ""


class Command(NamedTuple):
    """A verb, or a group of sub-verbs (``children``).

    ``reserved``: a later version gives it a meaning, whatever follows it. ``hidden``: not for people.
    """

    name: str
    summary: str
    run: Callable[[Invocation], int] | None = None
    operands: tuple[Operand, ...] = ()
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()
    description: str = ""
    examples: tuple[Example, ...] = ()
    children: tuple[Command, ...] = ()
    reserved: bool = False
    hidden: bool = False

    def child(self, name: str) -> Command | None:
        return next((child for child in self.children if name in (child.name, *child.aliases)), None)


GLOBAL_OPTIONS = (
    Option("--origin", "the origin whose stores are meant (default http://localhost)", "ORIGIN", complete="origin"),
    Option("--home", "the data directory (TFJSD_HOME)", "DIR", complete="directory"),
    Option("--socket", "the daemon's socket, or http://127.0.0.1:PORT (TFJSD_SOCKET)", "ADDRESS", complete="file"),
    Option("--no-autostart", "fail when no daemon runs, instead of starting one (TFJSD_AUTOSTART=0)"),
    Option("--json", "one JSON document on stdout, errors as JSON on stderr"),
    Option("--quiet", "say nothing on success", short="-q"),
    Option("--verbose", "say on stderr what is being done", short="-v"),
    Option("--profile", "reserved: the stores of a real browser", "BROWSER"),
    Option("--version", "print the version"),
    Option("--help", "print help with examples", short="-h"),
)


class Arguments:
    """What was given, by option and operand name. Numbers are checked when they are asked for."""

    def __init__(self, options: dict[str, list[str]], operands: dict[str, list[str]]) -> None:
        self._options = options
        self._operands = operands

    def flag(self, name: str) -> bool:
        return name in self._options

    def text(self, name: str) -> str | None:
        """The value of an option; the last one where it was given more than once."""
        values = self._options.get(name)
        return values[-1] if values else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value of an option that may be repeated."""
        return tuple(self._options.get(name, ()))

    def number(self, name: str, *, least: int = 0) -> int | None:
        """A whole number.

        Raises:
            UsageError: it is not one, or below ``least``.
        """
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS and int(value) >= least):
            raise UsageError(f"{name} takes a whole number from {least} up, not {value!r}")
        return int(value)

    def operand(self, name: str) -> str:
        """An operand that is always there."""
        return self._operands[name][0]

    def optional(self, name: str) -> str | None:
        values = self._operands.get(name)
        return values[0] if values else None

    def operands(self, name: str) -> tuple[str, ...]:
        return tuple(self._operands.get(name, ()))
