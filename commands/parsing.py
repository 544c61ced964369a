"""From words to arguments: GNU conventions, options and operands in any order, ``--`` ends the options."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from .arguments import GLOBAL_OPTIONS, Arguments, Command, Operand, Option, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Split(NamedTuple):
    """The words before the verb, the verb, the words after it."""

    before: list[str]
    verb: str | None
    after: list[str]


def words_of(argv: Sequence[str]) -> list[str]:
    """The arguments as text: the three bytes of a lone surrogate, which Python escapes bytewise, become one again,
    so that ``tfjsd list -q | xargs tfjsd remove`` reaches every name."""
    return [word if word.isascii() else _text(word) for word in argv]


def _text(word: str) -> str:
    try:
        return os.fsencode(word).decode("utf-8", "surrogatepass")
    except UnicodeError:
        return word


def split_verb(words: Sequence[str]) -> Split:
    """Finds the verb among global options."""
    table = _by_name(GLOBAL_OPTIONS)
    position = 0
    while position < len(words):
        word = words[position]
        if not word.startswith("-") or word in ("-", "--"):
            break
        option = table.get(word)
        position += 2 if option is not None and option.takes_value else 1
    if position >= len(words):
        return Split(list(words), None, [])
    return Split(list(words[:position]), words[position], list(words[position + 1 :]))


def parse(command: Command, words: Sequence[str], *, where: str) -> Arguments:
    """Reads ``words`` by the table of ``command`` and the global options.

    Raises:
        UsageError: an unknown option, a missing value, too few or too many operands; ``where`` names the command.
    """
    table = _by_name((*command.options, *GLOBAL_OPTIONS))
    given: dict[str, list[str]] = {}
    operands: list[str] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word == "--":
            operands += reversed(rest)
            break
        if word.startswith("--"):
            _long(word, rest, table, given, where)
        elif word.startswith("-") and word != "-":
            _short(word, rest, table, given, where)
        else:
            operands.append(word)
    if "--help" in given or "--version" in given:
        return Arguments(given, {})
    return Arguments(given, _assign(command.operands, operands, where))


def _by_name(options: Iterable[Option]) -> dict[str, Option]:
    """A command's own option wins over a global one of the same letter."""
    table: dict[str, Option] = {}
    for option in options:
        table.setdefault(option.name, option)
        if option.short:
            table.setdefault(option.short, option)
    return table


def _long(word: str, rest: list[str], table: dict[str, Option], given: dict[str, list[str]], where: str) -> None:
    name, equals, value = word.partition("=")
    option = table.get(name)
    if option is None:
        raise _unknown(name, table, where)
    if equals and not option.takes_value:
        raise UsageError(f"{name} takes no value", hint=f"see {where} --help")
    _take(option, value if equals else None, rest, given, where)


def _short(word: str, rest: list[str], table: dict[str, Option], given: dict[str, list[str]], where: str) -> None:
    """``-qA``, ``-o FILE`` and ``-oFILE``."""
    position = 1
    while position < len(word):
        option = table.get("-" + word[position])
        position += 1
        if option is None:
            raise _unknown("-" + word[position - 1], table, where)
        if option.takes_value:
            _take(option, word[position:] or None, rest, given, where)
            return
        _take(option, None, rest, given, where)


def _take(option: Option, attached: str | None, rest: list[str], given: dict[str, list[str]], where: str) -> None:
    values = given.setdefault(option.name, [])
    if not option.takes_value:
        return
    if attached is None and not rest:
        raise UsageError(f"{option.name} needs a value: {option.spelling}", hint=f"see {where} --help")
    value = rest.pop() if attached is None else attached
    if option.choices and value not in option.choices:
        raise UsageError(f"{option.name} is one of {', '.join(option.choices)}, not {value!r}")
    values.append(value)


def _assign(table: tuple[Operand, ...], words: list[str], where: str) -> dict[str, list[str]]:
    """Gives each operand its words; the one that takes several leaves enough for those after it."""
    assigned: dict[str, list[str]] = {}
    left = list(words)
    for position, operand in enumerate(table):
        needed = sum(1 for later in table[position + 1 :] if later.many in ("one", "some"))
        available = max(0, len(left) - needed)
        take = available if operand.many in ("some", "any") else min(1, available)
        required = operand.many in ("one", "some")
        if required and not left:
            raise UsageError(f"{operand.name} is missing: {usage(where, table)}", hint=f"see {where} --help")
        take = max(take, 1) if required else take
        assigned[operand.name], left = left[:take], left[take:]
        _check_choices(operand, assigned[operand.name])
    if left:
        raise UsageError(f"unexpected argument {left[0]!r}: {usage(where, table)}", hint=f"see {where} --help")
    return assigned


def usage(where: str, table: tuple[Operand, ...]) -> str:
    """The operands of a command in one line."""
    return " ".join([where, *(operand.spelling for operand in table)])


def _check_choices(operand: Operand, words: list[str]) -> None:
    for word in words:
        if operand.choices and word not in operand.choices:
            raise UsageError(f"{operand.name} is one of {', '.join(operand.choices)}, not {word!r}")


def _unknown(name: str, table: dict[str, Option], where: str) -> UsageError:
    nearest = closest(name, table)
    hint = f"did you mean {nearest}?" if nearest else f"see {where} --help"
    return UsageError(f"{where}: unknown option {name}", hint=hint)


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), None)
