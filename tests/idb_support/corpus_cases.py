"""The recorded sequences, and how a replay is compared with what a browser did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .corpus_differences import DIFFERENCES
from .typed_json import normal

CORPUS = Path(__file__).parents[1] / "corpus"
ENGINES = {"chrome": "chromium", "firefox": "firefox", "safari": "webkit"}
_NOT_SEMANTIC = ("message", "code", "ctor", "txError", "dbAfterError")


def sequences() -> list[Any]:
    files = sorted(CORPUS.glob("indexeddb_*.json"))
    return [sequence for file in files for sequence in json.loads(file.read_text())["sequences"]]


def cases() -> list[Any]:
    found = []
    for sequence in sequences():
        for browser, engine in ENGINES.items():
            recorded = sequence["results"].get("all") or sequence["results"][engine]
            if recorded is not None:
                found.append(pytest.param(browser, sequence, recorded, id=f"{browser}-{sequence['id']}"))
    return found


def _semantic(result: Any) -> Any:
    if isinstance(result, list):
        return [_semantic(item) for item in result]
    if isinstance(result, dict):
        return {key: _semantic(item) for key, item in result.items() if key not in _NOT_SEMANTIC}
    return result


def check(browser: str, sequence: Any, recorded: Any, played: Any) -> None:
    """Fails unless the replay ended as in the browser, or differs as it is listed to."""
    expected, got = normal(recorded), normal(json.loads(json.dumps(played)))
    level, reason = DIFFERENCES.get((browser, sequence["id"]), (None, ""))
    if level is None:
        assert got == expected
        return
    assert got != expected, f"no longer a difference, take it off the list: {reason}"
    assert (_semantic(got) == _semantic(expected)) == (level == "text"), f"another difference than listed: {reason}"
