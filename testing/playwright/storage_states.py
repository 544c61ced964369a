"""Playwright's ``storageState``: the file with which a context starts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...storage_backends.browsers import Browser
from ..launching import simulate_browser
from ..simulated_browser import SimulatedBrowser
from .origin_state import OriginState, collect, restore


def storage_state(simulated: SimulatedBrowser, path: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """What ``browser.new_context(storage_state=…)`` takes: all origins of a simulated browser, IndexedDB included.

    It has no cookies. With a ``path`` it is written there, too. Playwright before 1.51 leaves IndexedDB out when it
    reads it. Raises DataCloneError for a stored value that the format has no form for.
    """
    origins = [simulated.with_origin(name).run(collect) for name in simulated.origins()]
    state: dict[str, Any] = {"cookies": [], "origins": origins}
    if path is not None:
        Path(path).write_text(json.dumps(state, indent=2) + "\n", "utf-8")
    return state


def from_storage_state(
    state: Mapping[str, Any] | str | os.PathLike[str], browser: str | Browser = "chrome", **options: Any
) -> SimulatedBrowser:
    """A simulated browser with the storage of a state, or of the file at a path; cookies are left out.

    ``browser`` and ``options`` are those of ``simulate_browser``; without ``origin`` it is at the state's first origin.
    Close it as one of those. Quotas do not apply to what is put in.
    """
    content = state if isinstance(state, Mapping) else json.loads(Path(state).read_text("utf-8"))
    entries: list[OriginState] = content.get("origins", [])
    if entries:
        options.setdefault("origin", entries[0]["origin"])
    simulated = simulate_browser(browser, **options)
    try:
        for entry in entries:
            put_state(simulated.with_origin(entry["origin"]), entry)
    except BaseException:
        simulated.close()
        raise
    return simulated


def put_state(simulated: SimulatedBrowser, state: OriginState) -> None:
    """Puts one origin's entry into a page's storage, whatever its quota for localStorage."""
    items = [(item["name"], item["value"]) for item in state.get("localStorage", ())]
    simulated.storage.area.refill(items)
    simulated.run(restore, {**state, "localStorage": []})
