"""IndexedDB is the same embedded, in a simulated browser and at a daemon, mapped or streamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from client_support.daemon_thread import DaemonThread, running_daemon

import tfjsd
from tfjsd.client.indexed_db import row_arrival
from tfjsd.client.mapped_weights import BlobUnreachable
from tfjsd.model_io.store import AsyncStore
from tfjsd.testing import simulate_browser
from tfjsd.testing.conformance.indexed_db import IndexedDBConformance
from tfjsd.wire.model_body import MappedBlob


class TestInMemory(IndexedDBConformance):
    @pytest.fixture
    def opening(self) -> AbstractAsyncContextManager[AsyncStore]:
        return tfjsd.aopen_store()


class TestOnDisk(IndexedDBConformance):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> AbstractAsyncContextManager[AsyncStore]:
        pytest.importorskip("plyvel")
        return tfjsd.aopen_store(tmp_path / "home")


class TestSimulatedBrowser(IndexedDBConformance):
    @pytest.fixture
    def opening(self) -> AbstractAsyncContextManager[AsyncStore]:
        return simulate_browser("chrome", quirks=None).aio


class TestDaemon(IndexedDBConformance):
    @pytest.fixture
    def daemon(self) -> Iterator[DaemonThread]:
        pytest.importorskip("plyvel")
        with running_daemon() as daemon:
            yield daemon

    @pytest.fixture
    def opening(self, daemon: DaemonThread) -> AbstractAsyncContextManager[AsyncStore]:
        return tfjsd.aconnect(home=daemon.home, autostart=False)


class TestStreamingClient(TestDaemon):
    """What a client of another user gets: nothing is mapped."""

    @pytest.fixture(autouse=True)
    def _another_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreachable(blob: MappedBlob) -> memoryview:
            raise BlobUnreachable(blob.path)

        monkeypatch.setattr(row_arrival, "map_blob", unreachable)
