"""Every recorded sequence, played on ``chrome``, ``firefox`` and ``safari``, ends as in that engine."""

from __future__ import annotations

import json

import pytest
from idb_support.corpus_cases import cases, check, sequences
from idb_support.corpus_differences import DIFFERENCES
from idb_support.corpus_player import Player
from idb_support.homes import ORIGIN, open_home

from tfjsd.storage_backends.browsers import browser_named
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory


@pytest.mark.parametrize(("browser", "sequence", "recorded"), cases())
async def test_a_recorded_sequence_ends_as_in_the_browser(browser, sequence, recorded, tmp_path):
    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), browser_named(browser))
        played = await Player(IDBFactory(store)).play(sequence["steps"])
        store.close()
    check(browser, sequence, recorded, played)


@pytest.mark.parametrize("sequence", [pytest.param(s, id=s["id"]) for s in sequences() if "random" in s["title"]])
async def test_leveldb_ends_as_memory_does(sequence, tmp_path):
    results = []
    for engine in ("memory", "leveldb"):
        with open_home(engine, tmp_path) as home:
            store = IndexedDBBackingStore(home.bucket(ORIGIN), browser_named("chrome"))
            results.append(json.dumps(await Player(IDBFactory(store)).play(sequence["steps"])))
            store.close()
    assert results[0] == results[1]


def test_every_listed_difference_is_a_sequence():
    known = {sequence["id"] for sequence in sequences()}
    assert {identifier for _, identifier in DIFFERENCES} <= known
