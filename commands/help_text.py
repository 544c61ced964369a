"""``--help``: what a command does, what it takes, and lines to copy."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from .arguments import GLOBAL_OPTIONS
from .parsing import usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .arguments import Command, Option
    from .output import Output

_LEAST_WIDTH = 40
_MOST_WIDTH = 100
_INDENT = 26


def command_help(command: Command, where: str, output: Output) -> str:
    """The help of one command."""
    tables = (
        ("Commands", [(_child_usage(child), child.summary) for child in command.children]),
        ("Arguments", [(operand.spelling, operand.help) for operand in command.operands]),
        ("Options", [(option.spelling, _option_help(option)) for option in command.options]),
        ("Global options, before or after the command", [(o.spelling, o.help) for o in GLOBAL_OPTIONS]),
    )
    sections = [
        f"{output.paint('Usage:', 'bold')} {_usage_line(command, where)}",
        f"{command.summary[:1].upper()}{command.summary[1:]}.",
        textwrap.fill(" ".join(command.description.split()), _columns(output)),
        *(_section(title, rows, output) for title, rows in tables if rows),
        _examples(command, output) if command.examples else "",
    ]
    return "\n\n".join(section for section in sections if section)


def overview(groups: Sequence[tuple[str, Sequence[Command]]], output: Output) -> str:
    """``tfjsd --help``: every command in one line."""
    sections = [
        f"{output.paint('Usage:', 'bold')} tfjsd [OPTIONS] COMMAND ...",
        "TensorFlow.js models, localStorage and IndexedDB outside the browser.",
    ]
    sections += [
        _section(title, [(_names(c), c.summary) for c in commands if not c.hidden], output)
        for title, commands in groups
    ]
    sections.append(_section("Global options", [(o.spelling, o.help) for o in GLOBAL_OPTIONS], output))
    sections.append(
        "A model's URL is localstorage://NAME or indexeddb://NAME; an argument without :// is a path.\n"
        "tfjsd COMMAND --help shows what a command takes, with examples."
    )
    return "\n\n".join(sections)


def _names(command: Command) -> str:
    return ", ".join((command.name, *command.aliases))


def _child_usage(child: Command) -> str:
    return usage(child.name, child.operands)


def _usage_line(command: Command, where: str) -> str:
    if command.children:
        return f"{where} COMMAND ..."
    options = " [OPTIONS]" if command.options else ""
    return usage(where + options, command.operands)


def _option_help(option: Option) -> str:
    return f"{option.help}: {', '.join(option.choices)}" if option.choices else option.help


def _columns(output: Output) -> int:
    """Lines longer than this are hard to read."""
    return min(output.columns() or _MOST_WIDTH, _MOST_WIDTH)


def _section(title: str, rows: Iterable[tuple[str, str]], output: Output) -> str:
    columns = max(_LEAST_WIDTH, _columns(output) - _INDENT)
    lines = [output.paint(f"{title}:", "bold")]
    for left, right in rows:
        first, *more = textwrap.wrap(right, columns) or [""]
        if len(left) > _INDENT - 4:
            lines += [f"  {left}", f"{'':{_INDENT}}{first}"]
        else:
            lines.append(f"  {left:{_INDENT - 2}}{first}")
        lines += [f"{'':{_INDENT}}{line}" for line in more]
    return "\n".join(lines)


def _examples(command: Command, output: Output) -> str:
    lines = [output.paint("Examples:", "bold")]
    for example in command.examples:
        if example.purpose:
            lines.append(output.paint(f"  # {example.purpose}", "dim"))
        lines.append(f"  {example.command}")
    return "\n".join(lines)
