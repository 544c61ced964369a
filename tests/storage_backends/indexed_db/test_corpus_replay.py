"""Every recorded sequence, played on ``chrome``, ``firefox`` and ``safari``, ends as in that engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from idb_support.corpus_differences import DIFFERENCES
from idb_support.corpus_player import Player
from idb_support.homes import ORIGIN, open_home
from idb_support.typed_json import normal

from tfjsd.storage_backends.browsers import browser_named
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

CORPUS = Path(__file__).parents[2] / "corpus"
ENGINES = {"chrome": "chromium", "firefox": "firefox", "safari": "webkit"}
_NOT_SEMANTIC = ("message", "code", "ctor", "txError", "dbAfterError")


def _sequences() -> list[Any]:
    files = sorted(CORPUS.glob("indexeddb_*.json"))
    return [sequence for file in files for sequence in json.loads(file.read_text())["sequences"]]


def _cases() -> list[Any]:
    cases = []
    for sequence in _sequences():
        for browser, engine in ENGINES.items():
            recorded = sequence["results"].get("all") or sequence["results"][engine]
            if recorded is not None:
                cases.append(pytest.param(browser, sequence, recorded, id=f"{browser}-{sequence['id']}"))
    return cases


def _semantic(result: Any) -> Any:
    if isinstance(result, list):
        return [_semantic(item) for item in result]
    if isinstance(result, dict):
        return {key: _semantic(item) for key, item in result.items() if key not in _NOT_SEMANTIC}
    return result


@pytest.mark.parametrize(("browser", "sequence", "recorded"), _cases())
async def test_a_recorded_sequence_ends_as_in_the_browser(browser, sequence, recorded, tmp_path):
    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), browser_named(browser))
        played = await Player(IDBFactory(store)).play(sequence["steps"])
        store.close()
    expected, got = normal(recorded), normal(json.loads(json.dumps(played)))
    level, reason = DIFFERENCES.get((browser, sequence["id"]), (None, ""))
    if level is None:
        assert got == expected
        return
    assert got != expected, f"no longer a difference, take it off the list: {reason}"
    assert (_semantic(got) == _semantic(expected)) == (level == "text"), f"another difference than listed: {reason}"


@pytest.mark.parametrize("sequence", [pytest.param(s, id=s["id"]) for s in _sequences() if "random" in s["title"]])
async def test_leveldb_ends_as_memory_does(sequence, tmp_path):
    results = []
    for engine in ("memory", "leveldb"):
        with open_home(engine, tmp_path) as home:
            store = IndexedDBBackingStore(home.bucket(ORIGIN), browser_named("chrome"))
            results.append(json.dumps(await Player(IDBFactory(store)).play(sequence["steps"])))
            store.close()
    assert results[0] == results[1]


def test_every_listed_difference_is_a_sequence():
    known = {sequence["id"] for sequence in _sequences()}
    assert {identifier for _, identifier in DIFFERENCES} <= known
