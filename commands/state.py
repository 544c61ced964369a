"""``tfjsd state``: Playwright's storageState, the file with which its contexts start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidArtifactsError
from . import render
from .arguments import Command, Example, Operand
from .given_content import given_content

if TYPE_CHECKING:
    from ..testing.playwright.origin_state import OriginState
    from .invocation import Invocation


def _export(invocation: Invocation) -> int:
    from ..testing.playwright.origin_state import collect
    from .output import json_text
    from .target_file import target_file

    chosen = invocation.arguments.text("--origin")
    names = list(invocation.store.origins()) if chosen is None else [chosen]
    state = {"cookies": [], "origins": [invocation.in_origin(name).run(collect) for name in names]}
    target = invocation.arguments.optional("FILE") or "-"
    if target == "-":
        invocation.output.document(state)
        return 0
    with target_file(target) as file:
        file.write(json_text(state, indent=2).encode() + b"\n")
    text = f"exported {render.counted(len(names), 'origin')} to {target!r}"
    invocation.output.result(text, {"file": target, "origins": names})
    return 0


def _import(invocation: Invocation) -> int:
    from ..testing.playwright.origin_state import restore

    entries = _entries(invocation.arguments.operand("FILE"))
    chosen = invocation.arguments.text("--origin")
    if chosen is not None:
        entries = [{**_chosen(entries, chosen), "origin": chosen}]
    for entry in entries:
        invocation.in_origin(entry["origin"]).run(restore, entry)
    names = [entry["origin"] for entry in entries]
    invocation.output.result(f"imported {render.counted(len(names), 'origin')}", {"origins": names})
    return 0


def _entries(name: str) -> list[OriginState]:
    from ..wire.json_text import parse_json

    state: Any = parse_json(given_content(name))
    entries = state.get("origins") if isinstance(state, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "origin" in entry for entry in entries):
        raise InvalidArtifactsError(
            f"{name} is no storage state: it has no list of origins",
            hint="context.storage_state(path=…, indexed_db=True) writes one",
        )
    return entries


def _chosen(entries: list[OriginState], origin: str) -> OriginState:
    """The entry of that origin, or the only one there is, whose origin may be another."""
    found = [entry for entry in entries if entry["origin"] == origin] or entries
    if len(found) != 1:
        known = ", ".join(str(entry["origin"]) for entry in entries) or "none"
        raise InvalidArtifactsError(f"the storage state has no entry for {origin}; there are: {known}")
    return found[0]


COMMANDS = (
    Command(
        "state",
        "exchange Playwright's storageState",
        description="localStorage and IndexedDB of every origin, or of the one of --origin. Cookies are left out.",
        children=(
            Command(
                "export",
                "write a storageState that browser.new_context takes",
                _export,
                operands=(
                    Operand("FILE", "where to; standard output without it, or for -", "optional", complete="file"),
                ),
                examples=(
                    Example("tfjsd state export state.json"),
                    Example("tfjsd state export --origin http://localhost:5173 -"),
                ),
            ),
            Command(
                "import",
                "put a storageState into the store",
                _import,
                operands=(
                    Operand("FILE", "what storage_state() or export wrote; - is standard input", complete="file"),
                ),
                description="Items, models and databases of the same names are replaced, others stay. With --origin "
                "only that origin's entry is read; a file's only entry goes there whatever its origin.",
                examples=(
                    Example("tfjsd state import state.json"),
                    Example("tfjsd state import state.json --origin https://app.example"),
                ),
            ),
        ),
        examples=(Example("tfjsd state export state.json"), Example("tfjsd state import state.json")),
    ),
)
