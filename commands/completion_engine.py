"""What may come next on a command line. Pure, but for the names that it is given a function for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .arguments import GLOBAL_OPTIONS, Command, Operand, Option
from .parsing import split_verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .arguments import Completion

_PATHS: dict[str, str] = {"file": "files", "url": "files", "directory": "directories"}
_MEDIA = (("localstorage://", "a model in localStorage"), ("indexeddb://", "a model in IndexedDB"))


class Completions(NamedTuple):
    """Candidates with their descriptions, and whether ``files`` or ``directories`` may stand there too."""

    candidates: list[tuple[str, str]]
    paths: str = "-"


def complete(
    words: Sequence[str], current: str, commands: Sequence[Command], names: Callable[[Completion], Iterable[str]]
) -> Completions:
    """What ``current`` may become after ``words`` (without ``tfjsd`` itself); ``names`` lists what is stored."""
    verb, rest = _verb(words, commands)
    if verb is None:
        return _options(GLOBAL_OPTIONS, current) if current.startswith("-") else _commands(commands, current)
    if verb.children:
        inner = split_verb(rest)
        child = None if inner.verb is None else verb.child(inner.verb)
        if child is None:
            return _options(GLOBAL_OPTIONS, current) if current.startswith("-") else _commands(verb.children, current)
        verb, rest = child, [*inner.before, *inner.after]
    return _arguments(verb, rest, current, names)


def _verb(words: Sequence[str], commands: Sequence[Command]) -> tuple[Command | None, list[str]]:
    before, name, after = split_verb(words)
    found = next((command for command in commands if name in (command.name, *command.aliases)), None)
    return found, [*before, *after]


def _arguments(
    command: Command, words: list[str], current: str, names: Callable[[Completion], Iterable[str]]
) -> Completions:
    options = (*command.options, *GLOBAL_OPTIONS)
    ended = "--" in words
    awaiting = None if ended or not words else _named(options, words[-1])
    if awaiting is not None and awaiting.takes_value:
        return _values(awaiting.choices, awaiting.complete, current, names)
    if current.startswith("-") and not ended:
        return _options(options, current)
    operand = _operand_at(command.operands, _count_operands(options, words))
    return Completions([]) if operand is None else _values(operand.choices, operand.complete, current, names)


def _named(options: Iterable[Option], word: str) -> Option | None:
    return next((option for option in options if word and word in (option.name, option.short)), None)


def _count_operands(options: tuple[Option, ...], words: Iterable[str]) -> int:
    count, skip = 0, False
    for word in words:
        option = None if skip else _named(options, word)
        if not skip and (word == "-" or not word.startswith("-")):
            count += 1
        skip = option is not None and option.takes_value
    return count


def _operand_at(operands: tuple[Operand, ...], position: int) -> Operand | None:
    for index, operand in enumerate(operands):
        if index == position or operand.many in ("some", "any"):
            return operand
    return None


def _values(
    choices: Iterable[str], kind: Completion, current: str, names: Callable[[Completion], Iterable[str]]
) -> Completions:
    if choices:
        return Completions(_starting(((choice, "") for choice in choices), current))
    listed = [(name, "") for name in names(kind)] if kind in ("url", "origin", "key") else []
    media = _MEDIA if kind == "url" else ()
    paths = "-" if "://" in current else _PATHS.get(kind, "-")
    return Completions(_starting([*listed, *media], current), paths)


def _options(options: Iterable[Option], current: str) -> Completions:
    seen = {option.name: option.help for option in reversed(list(options))}
    return Completions(_starting(sorted(seen.items()), current))


def _commands(commands: Iterable[Command], current: str) -> Completions:
    return Completions(_starting([(command.name, command.summary) for command in commands], current))


def _starting(candidates: Iterable[tuple[str, str]], current: str) -> list[tuple[str, str]]:
    """Those that continue ``current``; a name that holds a line's or a field's end cannot be offered."""
    return [(value, text) for value, text in candidates if value.startswith(current) and value.isprintable()]
