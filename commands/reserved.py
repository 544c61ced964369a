"""Words of the command line that a later version gives a meaning."""

from __future__ import annotations

from .arguments import Command, Operand

_ANY = (Operand("ARGUMENT", "read by a later version", "any"),)


def _reserved(name: str, summary: str) -> Command:
    return Command(name, f"{summary} (not in this version)", operands=_ANY, reserved=True)


COMMANDS = (_reserved("convert", "convert between model formats"),)
