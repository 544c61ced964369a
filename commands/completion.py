"""``tfjsd completion``, and ``tfjsd __complete``, which the scripts that it prints ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TfjsdError
from .arguments import Command, Completion, Example, Operand

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .invocation import Invocation

SHELLS = ("bash", "zsh", "fish")


def _completion(invocation: Invocation) -> int:
    from .completion_scripts import SCRIPTS

    invocation.output.text(SCRIPTS[invocation.arguments.operand("SHELL")])
    return 0


def _complete(invocation: Invocation) -> int:
    from .catalogue import command_groups
    from .completion_engine import complete

    *words, current = invocation.arguments.operands("WORD") or ("",)
    commands = [command for _, group in command_groups() for command in group if not command.hidden]
    found = complete(words, current, commands, lambda kind: _names(invocation, kind, words))
    output = invocation.output
    output.line(found.paths)
    for value, text in found.candidates:
        output.line(f"{value}\t{text}" if text else value)
    return 0


def _names(invocation: Invocation, kind: Completion, words: list[str]) -> Iterable[str]:
    """Names in the store of the command line being completed; none where it cannot be reached: completion is silent."""
    try:
        with invocation.connect_for(words) as store:
            if kind == "url":
                return list(store.list_models())
            return list(store.origins()) if kind == "origin" else list(store.local_storage())
    except (TfjsdError, OSError):
        return []


COMMANDS = (
    Command(
        "completion",
        "print a completion script for a shell",
        _completion,
        operands=(Operand("SHELL", "which shell", choices=SHELLS),),
        description="Completes commands, options, files, and the URLs of stored models while a daemon runs.",
        examples=(
            Example('eval "$(tfjsd completion bash)"', "in ~/.bashrc"),
            Example("tfjsd completion zsh > ~/.zfunc/_tfjsd", "with fpath+=~/.zfunc before compinit in ~/.zshrc"),
            Example("tfjsd completion fish > ~/.config/fish/completions/tfjsd.fish"),
        ),
    ),
    Command(
        "__complete",
        "candidates for the last of the words, for the completion scripts",
        _complete,
        operands=(Operand("WORD", "the words of the command line so far", "any"),),
        hidden=True,
    ),
)
