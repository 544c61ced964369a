"""``token``: what callers of the HTTP listener need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Command, Example

if TYPE_CHECKING:
    from .invocation import Invocation


def _show(invocation: Invocation) -> int:
    from ..wire.token_file import ensure_token

    return _report(invocation, ensure_token(invocation.configuration().home))


def _rotate(invocation: Invocation) -> int:
    from ..wire.token_file import rotate_token

    return _report(invocation, rotate_token(invocation.configuration().home))


def _report(invocation: Invocation, token: str) -> int:
    from ..wire.token_file import TOKEN_FILE

    output = invocation.output
    if output.json:
        output.document({"token": token, "file": str(invocation.configuration().home / TOKEN_FILE)})
    else:
        output.line(token)
    return 0


COMMANDS = (
    Command(
        "token",
        "show or replace the token of the HTTP listener",
        description="Callers over TCP send it as Authorization: Bearer …; it lies in the home, readable by its owner.",
        children=(
            Command("show", "print the token", _show, examples=(Example("tfjsd token show"),)),
            Command(
                "rotate",
                "replace the token; the old one is worth nothing from then on",
                _rotate,
                examples=(Example("tfjsd token rotate"),),
            ),
        ),
        examples=(Example("tfjsd token show"),),
    ),
)
