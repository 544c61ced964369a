"""All commands, without importing them: a verb's module is loaded when the verb is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .arguments import UsageError
from .parsing import closest

if TYPE_CHECKING:
    from .arguments import Command

# Title of the group, its module, its verbs with their aliases.
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Models", "models", ("list", "ls", "show", "copy", "cp", "move", "mv", "remove", "rm")),
    ("Stores of an origin", "storage", ("storage",)),
    ("Stores of an origin", "idb", ("idb",)),
    ("Stores of an origin", "origins", ("origins", "quota", "estimate")),
    ("Stores of an origin", "state", ("state",)),
    ("The daemon", "daemon", ("serve", "start", "stop", "restart", "status", "logs", "doctor", "events")),
    ("The daemon", "web", ("token", "open")),
    ("The daemon", "service", ("service",)),
    ("Directories", "sync", ("sync",)),
    ("Safety", "maintenance", ("verify", "backup", "restore")),
    ("The shell", "completion", ("completion", "__complete")),
    ("Reserved", "reserved", ("convert",)),
)


def find(verb: str) -> Command:
    """The command of a verb or an alias.

    Raises:
        UsageError: there is none.
    """
    for _, module, verbs in GROUPS:
        if verb in verbs:
            return next(command for command in commands_of(module) if verb in (command.name, *command.aliases))
    nearest = closest(verb, [name for _, _, verbs in GROUPS for name in verbs if not name.startswith("_")])
    hint = f"did you mean tfjsd {nearest}?" if nearest else "see tfjsd --help"
    raise UsageError(f"unknown command {verb!r}", hint=hint)


def command_groups() -> list[tuple[str, list[Command]]]:
    """Every command, by group."""
    groups: dict[str, list[Command]] = {}
    for title, module, _ in GROUPS:
        groups.setdefault(title, []).extend(commands_of(module))
    return list(groups.items())


def commands_of(module: str) -> tuple[Command, ...]:
    """The table of one module of this package."""
    commands: tuple[Command, ...] = import_module(f".{module}", __package__).COMMANDS
    return commands
