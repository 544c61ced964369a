"""Random programs end here as in a real Chromium: 140 recorded ones, and 4,000 live ones in the torture run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from idb_support import chromium
from idb_support.corpus_player import Player
from idb_support.homes import ORIGIN, open_home
from idb_support.random_programs import ProgramMaker, WideProgramMaker
from idb_support.typed_json import normal

from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.storage_backends.indexed_db.store_indexes import StoreIndexes

GOLDEN = Path(__file__).parents[2] / "golden"
NARROW = json.loads((GOLDEN / "chromium-programs.json").read_text())["programs"]
WIDE = json.loads((GOLDEN / "chromium-wide-programs.json").read_text())["programs"]
RECORDED = NARROW + WIDE
LIVE = 2_000
_AT_ONCE = 20


def _shown(result: Any) -> Any:
    """Without what is looked at after a failed upgrade only."""
    if isinstance(result, list):
        return [_shown(item) for item in result]
    if isinstance(result, dict):
        return {key: _shown(item) for key, item in result.items() if key not in ("dbAfterError", "txError")}
    return result


async def _play(program, path, engine="memory"):
    with open_home(engine, path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        played = await Player(IDBFactory(store)).play(program)
        store.close()
    return _shown(normal(json.loads(json.dumps(played))))


@pytest.mark.parametrize("number", range(len(RECORDED)))
async def test_a_recorded_program_ends_as_in_chromium(number, tmp_path):
    recorded = RECORDED[number]
    assert await _play(recorded["steps"], tmp_path) == _shown(normal(recorded["results"]))


@pytest.mark.parametrize("number", range(0, len(RECORDED), 10))
async def test_a_recorded_program_ends_so_on_leveldb_too(number, tmp_path):
    recorded = RECORDED[number]
    assert await _play(recorded["steps"], tmp_path, "leveldb") == _shown(normal(recorded["results"]))


async def test_a_cursor_goes_on_where_its_key_is_null(tmp_path):
    """As Chromium 156 does; by the specification null is a key that was given, and a DataError."""
    program = [
        {"do": "open", "db": "d", "version": 1, "upgrade": [{"op": "createStore", "name": "s"}]},
        {"do": "tx", "stores": "s", "mode": "readwrite", "ops": [{"op": "put", "store": "s", "value": 0, "key": 1}]},
        {"do": "tx", "stores": "s", "ops": [{"op": "cursor", "store": "s", "script": [[["continue", None]]]}]},
    ]
    played = await _play(program, tmp_path)
    assert played[-1]["ops"] == [{"ok": {"visited": [[1, 1, 0]], "acts": [], "end": "done"}}]


async def test_the_programs_notice_a_broken_store(monkeypatch, tmp_path):
    monkeypatch.setattr(StoreIndexes, "_check_unique", lambda *_: None)
    played = [await _play(recorded["steps"], tmp_path) for recorded in RECORDED[:20]]
    assert played != [_shown(normal(recorded["results"])) for recorded in RECORDED[:20]]


@pytest.mark.parametrize(("maker", "recorded"), [(ProgramMaker, NARROW), (WideProgramMaker, WIDE)])
def test_a_seed_gives_the_program_that_was_recorded(maker, recorded):
    assert [maker(seed).make() for seed in range(len(recorded))] == [item["steps"] for item in recorded]


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium here")
@pytest.mark.parametrize("maker", [ProgramMaker, WideProgramMaker])
async def test_live_programs_end_as_in_chromium(tmp_path, maker):
    different = []
    async with chromium.page() as page:
        for first in range(10_000, 10_000 + LIVE, _AT_ONCE):
            programs = [maker(seed).make() for seed in range(first, first + _AT_ONCE)]
            for seed, (program, real) in enumerate(zip(programs, await page.play(programs), strict=True), first):
                if await _play(program, tmp_path) != _shown(normal(real)):
                    different.append(seed)
    assert different == []
