"""The daemon's clients are Stores: with files handed over, and with everything streamed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from client_support.daemon_thread import DaemonThread, running_daemon

import tfjsd
from tfjsd.client.connection import Connection
from tfjsd.model_io.store import AsyncStore, Store
from tfjsd.testing.conformance.async_store import AsyncStoreConformance
from tfjsd.testing.conformance.store import StoreConformance

pytest.importorskip("plyvel")


@pytest.fixture
def daemon() -> Iterator[DaemonThread]:
    with running_daemon() as daemon:
        yield daemon


class TestClient(StoreConformance):
    @pytest.fixture
    def store(self, daemon: DaemonThread) -> Iterator[Store]:
        with tfjsd.connect(home=daemon.home, autostart=False) as store:
            yield store


class TestStreamingClient(TestClient):
    """What a client of another user gets: nothing is mapped, nothing is handed over as a file."""

    @pytest.fixture(autouse=True)
    def _another_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Connection, "peer_user", lambda _: os.geteuid() + 1)


class TestAsyncClient(AsyncStoreConformance):
    @pytest.fixture
    def opening(self, daemon: DaemonThread) -> AbstractAsyncContextManager[AsyncStore]:
        @asynccontextmanager
        async def opened() -> AsyncIterator[AsyncStore]:
            async with tfjsd.aconnect(home=daemon.home, autostart=False) as store:
                yield store

        return opened()
