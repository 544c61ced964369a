"""How the sync pairs are, in a word each, for ``tfjsd status`` and ``tfjsd doctor``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..errors import AccessDeniedError
from . import render

if TYPE_CHECKING:
    from ..client.client import Client


def pair_health(store: Client) -> dict[str, dict[str, str]]:
    """Name to ``state`` and ``concern``, which is empty where nothing waits for a hand. None for a caller who
    may not see the pairs."""
    try:
        pairs = store.sync_pairs().list()
    except AccessDeniedError:
        return {}
    return {name: {"state": pair["state"], "concern": _concern(pair)} for name, pair in pairs.items()}


def states(pairs: dict[str, dict[str, str]], count: int) -> str:
    """``3 pairs: 2 equal, 1 stopped``."""
    found = Counter(pair["state"] for pair in pairs.values())
    text = render.counted(count, "pair")
    return f"{text}: {', '.join(f'{number} {state}' for state, number in sorted(found.items()))}" if found else text


def _concern(pair: dict[str, Any]) -> str:
    if pair["state"] == "stopped":
        return str(pair["error"])
    counts = {
        "problem": len(pair["problems"]),
        "held deletion": len(pair["held"]),
        "conflict": len(pair["conflicts"]),
    }
    return ", ".join(render.counted(count, what) for what, count in counts.items() if count)
