"""A daemon's localStorage is a StorageBackend like the one in process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client_support.daemon_thread import running_daemon

import tfjsd
from tfjsd.client.remote_storage import RemoteStorage
from tfjsd.storage_backends.web_storage.backend import StorageBackend
from tfjsd.testing.conformance.web_storage import StorageBackendConformance

pytest.importorskip("plyvel")


class TestRemoteStorage(StorageBackendConformance):
    @pytest.fixture
    def clients(self) -> Iterator[tuple[StorageBackend, StorageBackend]]:
        with (
            running_daemon() as daemon,
            tfjsd.connect(home=daemon.home, autostart=False) as first,
            tfjsd.connect(home=daemon.home, autostart=False) as second,
        ):
            yield RemoteStorage(first._session), RemoteStorage(second._session)
