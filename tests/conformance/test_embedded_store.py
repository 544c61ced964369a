"""The embedded store, in memory and on a disk, is a Store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

import tfjsd
from tfjsd.model_io.store import AsyncStore, Store
from tfjsd.testing.conformance.async_store import AsyncStoreConformance
from tfjsd.testing.conformance.store import StoreConformance


class TestInMemory(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with tfjsd.open_store() as store:
            yield store


class TestOnDisk(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        pytest.importorskip("plyvel")
        with tfjsd.open_store(tmp_path / "home") as store:
            yield store


class TestAsynchronous(AsyncStoreConformance):
    @pytest.fixture
    def opening(self) -> AbstractAsyncContextManager[AsyncStore]:
        return tfjsd.aopen_store()
