"""What is tested of IndexedDB on an embedded store is the same over a daemon's socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest
from client_support.daemon_thread import DaemonThread, running_daemon
from idb_support.corpus_cases import cases, check
from idb_support.corpus_player import Player
from idb_support.steps import connections, cursors, keys, records, schema, transactions
from idb_support.steps.registry import CASES, Bench

import tfjsd

pytest.importorskip("plyvel")

_MODULES = (connections, cursors, keys, records, schema, transactions)
_origins = count()


class Daemons:
    """One for each browser, started when it is first asked for; each test has an origin of its own."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._running: dict[str, DaemonThread] = {}

    def client(self, browser: str) -> tfjsd.client.async_client.Connecting:
        if browser not in self._running:
            self._running[browser] = self._open.enter_context(running_daemon(browser))
        origin = f"http://app-{next(_origins)}.example"
        return tfjsd.aconnect(home=self._running[browser].home, origin=origin, autostart=False)

    def stop(self) -> None:
        self._open.close()


@pytest.fixture(scope="module")
def daemons() -> Iterator[Daemons]:
    daemons = Daemons()
    yield daemons
    daemons.stop()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES])
async def test_a_step_of_the_specification_over_the_socket(case, daemons):
    async with daemons.client("chrome") as store:
        bench = Bench(store.indexed_db())
        try:
            await case.body(bench)
        finally:
            for database in bench.opened:
                database.close()


@pytest.mark.parametrize(("browser", "sequence", "recorded"), cases())
async def test_a_recorded_sequence_ends_as_in_the_browser_over_the_socket(browser, sequence, recorded, daemons):
    async with daemons.client(browser) as store:
        played = await Player(store.indexed_db()).play(sequence["steps"])
    check(browser, sequence, recorded, played)
