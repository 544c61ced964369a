"""Programs end here as in a real Firefox and WebKit: recorded ones, and live random ones in the torture run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from idb_support.corpus_player import Player
from idb_support.homes import ORIGIN, open_home
from idb_support.live_page import LivePage, command
from idb_support.other_browsers import KNOWN, MAKERS, NAMES, is_silent, program_for
from idb_support.typed_json import normal

from tfjsd.storage_backends.browsers import browser_named
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

GOLDEN = Path(__file__).parents[2] / "golden"
LIVE = int(os.environ.get("TFJSD_LIVE_PROGRAMS", "500"))


def recorded() -> Iterator[Any]:
    for engine in NAMES:
        for item in json.loads((GOLDEN / f"{engine}-programs.json").read_text())["programs"]:
            yield pytest.param(engine, item, id=f"{engine}-{item['maker']}-{item['seed']}")


async def _play(engine: str, program: Any, path: Path) -> Any:
    with open_home("memory", path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), browser_named(NAMES[engine]))
        played = await Player(IDBFactory(store)).play(program)
        store.close()
    return _shown(normal(json.loads(json.dumps(played))))


def _shown(result: Any) -> Any:
    """Without what is looked at after a failed upgrade only, and without Firefox's places: they depend on what was
    deleted from the database at any time (``test_firefox_order`` has them).
    """
    if isinstance(result, str):
        return re.sub(r"at index '\d+'", "at an index", result)
    if isinstance(result, list):
        return [_shown(item) for item in result]
    if isinstance(result, dict):
        return {key: _shown(item) for key, item in result.items() if key not in ("dbAfterError", "txError")}
    return result


@pytest.mark.parametrize(("engine", "item"), list(recorded()))
async def test_a_recorded_program_ends_as_in_the_browser(engine, item, tmp_path):
    program = program_for(engine, item["maker"], item["seed"])
    assert await _play(engine, program, tmp_path) == _shown(normal(item["results"]))


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("engine", NAMES)
@pytest.mark.parametrize("maker", MAKERS)
async def test_live_programs_end_as_in_the_browser(engine, maker, tmp_path):
    if command(engine, tmp_path, "") is None:
        pytest.skip(f"{engine} is not installed")
    different, silent = [], 0
    with LivePage(engine) as page:
        for seed in range(10_000, 10_000 + LIVE):
            program = program_for(engine, maker, seed)
            results = page.play(program)
            if is_silent(results):
                silent += 1
            elif await _play(engine, program, tmp_path) != _shown(normal(results)):
                different.append(seed)
    known = [seed for where, how, seed in KNOWN if (where, how) == (engine, maker) and seed < 10_000 + LIVE]
    assert different == known
    assert silent < LIVE / 20
