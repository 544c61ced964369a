"""What is tested of IndexedDB on an embedded store is the same over a daemon's socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from client_support.daemon_thread import DaemonThread, running_daemon
from idb_support.corpus_cases import cases, check
from idb_support.corpus_player import Player
from idb_support.steps import connections, cursors, keys, records, scenarios, schema, transactions
from idb_support.steps.registry import CASES, Bench

import tfjsd

pytest.importorskip("plyvel")

_MODULES = (connections, cursors, keys, records, scenarios, schema, transactions)
_ORIGINS_EACH = 100


class Daemons:
    """One for each browser, started when it is first asked for; each test has an origin of its own.

    A daemon is replaced before it has so many origins open that their files pass what a process may have.
    """

    def __init__(self) -> None:
        self._running: dict[str, tuple[AbstractContextManager[DaemonThread], DaemonThread]] = {}
        self._uses: Counter[str] = Counter()

    def client(self, browser: str) -> tfjsd.client.async_client.Connecting:
        if self._uses[browser] % _ORIGINS_EACH == 0:
            self._stop(browser)
            context = running_daemon(browser)
            self._running[browser] = context, context.__enter__()
        self._uses[browser] += 1
        origin = f"http://app-{self._uses[browser]}.example"
        return tfjsd.aconnect(home=self._running[browser][1].home, origin=origin, autostart=False)

    def stop(self) -> None:
        for browser in list(self._running):
            self._stop(browser)

    def _stop(self, browser: str) -> None:
        if browser in self._running:
            self._running.pop(browser)[0].__exit__(None, None, None)


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
