"""Against a model of dicts: several clients' transactions in any order, upgrades, lost clients, crashes, restarts."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from idb_support.machine import Machine
from idb_support.machine_worlds import WORLDS

from tfjsd.storage_backends.indexed_db.local_connection import ConnectionQueue
from tfjsd.storage_backends.indexed_db.lock_table import LockTable
from tfjsd.storage_backends.indexed_db.store_indexes import StoreIndexes
from tfjsd.storage_backends.indexed_db.store_records import StoreRecords

# Not shrunk: one run may take seconds, and the steps that failed are shown as they were.
FEW = settings(
    max_examples=60,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
MANY = settings(FEW, max_examples=2000, stateful_step_count=100)
EXAMPLES = {"memory": 200, "leveldb": 40}


def machine(world: str) -> type[Machine]:
    return type("Machine", (Machine,), {"world": WORLDS[world]})


@pytest.mark.parametrize("world", WORLDS)
def test_the_databases_do_what_dicts_would(world):
    run_state_machine_as_test(machine(world), settings=settings(FEW, max_examples=EXAMPLES[world]))


@pytest.mark.torture
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("world", WORLDS)
def test_the_databases_do_what_dicts_would_for_long(world):
    run_state_machine_as_test(machine(world), settings=MANY)


@pytest.mark.parametrize(
    ("owner", "name", "instead"),
    [
        (StoreIndexes, "remove", lambda *_: None),
        (StoreRecords, "_set_next", lambda *_: None),
        (ConnectionQueue, "others", lambda *_: []),
        (LockTable, "request", lambda _self, _claim: True),
    ],
)
def test_the_machine_notices_what_is_broken(monkeypatch, owner, name, instead):
    monkeypatch.setattr(owner, name, instead)
    once = settings(FEW, max_examples=200, phases=[Phase.generate], derandomize=True)
    with pytest.raises(Exception):  # noqa: B017 (whatever it is that goes wrong)
        run_state_machine_as_test(machine("memory"), settings=once)
