"""Each step of each algorithm of the specification has at least one case, and each case holds.

https://w3c.github.io/IndexedDB/
"""

from __future__ import annotations

import pytest
from idb_support.homes import ORIGIN, open_home
from idb_support.steps import connections, cursors, keys, records, scenarios, schema, transactions
from idb_support.steps.catalogue import STEPS
from idb_support.steps.registry import CASES, Bench

from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

_MODULES = (connections, cursors, keys, records, scenarios, schema, transactions)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
async def test_a_step_of_the_specification(case, tmp_path):
    with open_home("memory", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        bench = Bench(IDBFactory(store))
        try:
            await case.body(bench)
        finally:
            for database in bench.opened:
                database.close()
            store.close()


def test_no_step_is_without_a_case():
    covered = {(case.algorithm, case.step) for case in CASES}
    listed = {(algorithm, step) for algorithm, steps in STEPS.items() for step in steps}
    assert listed - covered == set()
    assert covered - listed == set()


def test_the_list_of_cases_only_grows():
    assert len(CASES) >= 600
    assert len({case.id for case in CASES}) == len(CASES)
