"""``Store.run``: synchronous code reaches IndexedDB, wherever it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from client_support.daemon_thread import running_daemon

import tfjsd
from tfjsd.testing import simulate_browser


@pytest.fixture(params=["embedded", "simulated", "daemon"])
def store(request: pytest.FixtureRequest) -> Iterator[tfjsd.Store]:
    if request.param == "embedded":
        with tfjsd.open_store() as opened:
            yield opened
    elif request.param == "simulated":
        with simulate_browser("chrome", quirks=None) as page:
            yield page
    else:
        pytest.importorskip("plyvel")
        with running_daemon() as daemon, tfjsd.connect(home=daemon.home, autostart=False) as client:
            yield client


async def made(store: tfjsd.AsyncStore, name: str) -> list[str]:
    (await store.indexed_db().open(name)).close()
    return [info.name for info in await store.indexed_db().databases()]


def test_a_function_runs_on_a_loop_of_its_own(store: tfjsd.Store) -> None:
    assert store.run(made, "a") == ["a"]


def test_it_runs_beside_a_running_loop_too(store: tfjsd.Store) -> None:
    async def beside() -> list[str]:
        return store.run(made, "a")  # as in a notebook's cell

    assert asyncio.run(beside()) == ["a"]


def test_what_it_raises_is_raised(store: tfjsd.Store) -> None:
    async def fails(other: tfjsd.AsyncStore) -> None:
        raise LookupError(other.origin)

    with pytest.raises(LookupError, match=store.origin):
        store.run(fails)
