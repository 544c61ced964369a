"""Simulated browsers without the faults of TensorFlow.js are stores like the others."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import pytest

from tfjsd.model_io.store import AsyncStore, Store
from tfjsd.storage_backends.home import SystemClock
from tfjsd.testing import simulate_browser
from tfjsd.testing.conformance.async_store import AsyncStoreConformance
from tfjsd.testing.conformance.store import StoreConformance


class TestSimulatedBrowser(StoreConformance):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        with simulate_browser("chrome", quirks=None, clock=SystemClock()) as browser:
            yield browser


class TestAsyncSimulatedBrowser(AsyncStoreConformance):
    @pytest.fixture
    def opening(self) -> AbstractAsyncContextManager[AsyncStore]:
        return simulate_browser("chrome", quirks=None, clock=SystemClock()).aio
