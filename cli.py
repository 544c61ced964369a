"""The ``tfjsd`` command: finds the verb, imports its group alone, runs it, and turns what happens into an exit code.

Exit codes: 0 done; 1 refused or failed; 2 usage; 69 no daemon reachable; 75 another owner or another home;
130 interrupted; 141 the reader of a pipe has left.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

from .commands.arguments import Arguments, Command, UsageError
from .commands.catalogue import command_groups, find
from .commands.output import Output
from .commands.parsing import closest, parse, split_verb, words_of
from .commands.streams import prepare_streams
from .commands.termination import Terminated
from .errors import FileError, NotInThisVersionError, TfjsdError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .client import Client
    from .commands.invocation import Connect

INTERRUPTED = 130
READER_LEFT = 141


def main(argv: Sequence[str] | None = None, *, connect: Connect | None = None) -> int:
    """Runs one command; returns its exit code."""
    words = words_of(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    output = Output(
        json=_asked(words, "--json"), quiet=_asked(words, "--quiet", "-q"), verbose=_asked(words, "--verbose", "-v")
    )
    try:
        code = _run(words, output, connect or _connect)
        output.stdout.flush()
        return code
    except TfjsdError as error:
        output.error(error)
        return error.exit_code
    except Terminated:
        raise
    except KeyboardInterrupt:
        output.trace("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _leave_stdout()
        return READER_LEFT
    except OSError as error:
        _leave_stdout()
        output.error(FileError(_os_error(error)))
        return 1


def _leave_stdout() -> None:
    """What is still buffered cannot be written: without this, the interpreter would fail on it once more at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _asked(words: Sequence[str], *names: str) -> bool:
    """Whether a switch stands among the words: errors of parsing, too, are shown as was asked."""
    upto = words.index("--") if "--" in words else len(words)
    return any(word in names for word in words[:upto])


def _os_error(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason}"
    gone = isinstance(error, FileNotFoundError) and not _working_directory_exists()
    return f"the working directory: {reason}" if gone else reason


def _working_directory_exists() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _run(words: Sequence[str], output: Output, connect: Connect) -> int:
    before, verb, after = split_verb(words)
    if verb == "help":
        verb, after = (after[0], [*after[1:], "--help"]) if after else (None, ["--help"])
    if verb is None:
        return _without_verb([*before, *after], output)
    command = find(verb)
    where = f"tfjsd {command.name}"
    words = [*before, *after]
    if command.reserved and "--help" not in words and "-h" not in words:
        raise _reserved(where)
    if command.children:
        command, where, words = _child(command, where, before, after)
    arguments = parse(command, words, where=where)
    if arguments.flag("--version"):
        return _version(output)
    if arguments.flag("--help") or command.run is None:
        return _help(command, where, output, asked=arguments.flag("--help"))
    return _invoke(command, arguments, output, connect)


def _invoke(command: Command, arguments: Arguments, output: Output, connect: Connect) -> int:
    from .commands.invocation import Invocation

    if arguments.text("--profile") is not None:
        raise _reserved("--profile (the stores of a real browser)")
    output.quiet = arguments.flag("--quiet")
    assert command.run is not None
    with warnings.catch_warnings(), Invocation(arguments, output, connect) as invocation:
        # Of the daemon's version, say: a sentence for people, not Python's lines of source.
        warnings.showwarning = lambda message, *_, **__: output.note(str(message))
        return command.run(invocation)


def _reserved(words: str) -> NotInThisVersionError:
    from . import __version__

    return NotInThisVersionError(f"{words} is not in this version of tfjsd ({__version__})")


def _child(command: Command, where: str, before: list[str], after: list[str]) -> tuple[Command, str, list[str]]:
    """The sub-verb of a group like ``storage``."""
    inner, name, rest = split_verb(after)
    if name is None:
        return command, where, [*before, *inner]
    child = command.child(name)
    if child is None:
        names = [child.name for child in command.children]
        nearest = closest(name, names)
        raise UsageError(
            f"{where} has no command {name!r}",
            hint=f"did you mean {where} {nearest}?" if nearest else f"it has {', '.join(names)}",
        )
    return child, f"{where} {child.name}", [*before, *inner, *rest]


def _without_verb(words: list[str], output: Output) -> int:
    arguments = parse(Command("", ""), words, where="tfjsd")
    if arguments.flag("--version"):
        return _version(output)
    return _help(None, "tfjsd", output, asked=arguments.flag("--help"))


def _version(output: Output) -> int:
    from . import __version__

    output.document({"version": __version__}) if output.json else output.line(f"tfjsd {__version__}")
    return 0


def _help(command: Command | None, where: str, output: Output, *, asked: bool) -> int:
    """Help that was asked for is the result; help for want of a command is an error's text."""
    from .commands.help_text import command_help, overview

    text = overview(command_groups(), output) if command is None else command_help(command, where, output)
    if asked:
        output.line(text)
        return 0
    if not output.json:
        output.stderr.write(f"{text}\n")
        return 2
    raise UsageError("a command is missing", hint=f"see {where} --help")


def _connect(target: str | None, *, home: str | None, origin: str | None, autostart: bool) -> Client:
    from .client.client import connect, connect_configured
    from .wire.addresses import without_scheme

    if target is None or "://" in without_scheme(target):
        return connect(target, home=home, origin=origin, autostart=autostart)
    from .wire.configuration import Configuration

    # The home's own socket, not a stranger's address: a daemon may be started on it.
    configuration = Configuration.load({"home": home, "socket": target, "origin": origin})
    return connect_configured(configuration, autostart=autostart)
