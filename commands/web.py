"""``token`` and ``open``: the HTTP listener and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Command, Example, Option

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


def _open(invocation: Invocation) -> int:
    address = invocation.store.page_address()
    if invocation.output.json:
        invocation.output.document({"url": address})
    elif invocation.arguments.flag("--print") or not _browse(invocation, address):
        invocation.output.line(address)
    return 0


def _browse(invocation: Invocation, address: str) -> bool:
    """Whether a browser was started. It is given a file that leads on: what stands on a command line, every user of
    the machine can read, and the code would be theirs."""
    import webbrowser
    from html import escape
    from pathlib import Path

    from ..storage_backends import durable
    from ..wire.addresses import OPEN_FILE

    file = Path(invocation.store.status()["home"]) / OPEN_FILE
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={escape(address)}">\n'
    durable.write_file(file, page.encode())
    return webbrowser.open(file.as_uri())


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
    Command(
        "open",
        "open the daemon's page in a browser",
        _open,
        options=(Option("--print", "print its address, with a code that works once, within a minute"),),
        description="The daemon has to listen on TCP: serve --http, or http in the configuration.",
        examples=(Example("tfjsd open"), Example("tfjsd open --print", "for a browser that is started by hand")),
    ),
)
