"""Several clients of one daemon, killed and started again, against a model of dicts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client_support.daemon_thread import short_directory
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from idb_support.agreement import disagreements
from idb_support.machine import Machine
from idb_support.machine_worlds import SocketWorld

from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.testing.daemon_process import DaemonProcess

pytest.importorskip("plyvel")

FEW = settings(
    max_examples=12,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
MANY = settings(FEW, max_examples=300, stateful_step_count=100)


@pytest.fixture
def machine() -> Iterator[type[Machine]]:
    """Afterwards what the daemon has stored agrees with itself."""
    with short_directory() as directory:
        home = directory / "home"
        with DaemonProcess(home) as daemon:
            world = type("World", (SocketWorld,), {"daemon": daemon})
            yield type("Machine", (Machine,), {"world": world})
        with Home(home, engines=leveldb_engine) as left:
            wrong = [what for origin in left.all_origins() for what in disagreements(left.bucket(origin))]
        assert not wrong, wrong


def test_a_daemons_databases_do_what_dicts_would(machine):
    run_state_machine_as_test(machine, settings=FEW)


@pytest.mark.torture
@pytest.mark.timeout(7200)
def test_a_daemons_databases_do_what_dicts_would_for_long(machine):
    run_state_machine_as_test(machine, settings=MANY)


def test_the_machine_notices_a_client_that_forgets_a_message(machine, monkeypatch):
    forgetful = settings(FEW, max_examples=50, phases=[Phase.generate], derandomize=True)
    monkeypatch.setattr("tfjsd.client.indexed_db.remote_transaction.RemoteTransaction.clear", _forgets)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=forgetful)


def _forgets(_transaction, _store, reply):
    reply(None, None)
