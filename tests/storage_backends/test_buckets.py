"""Buckets pass the shared suite on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.storage_backends.engines.faulty import PowerCutDisk
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.testing.conformance.bucket import BucketConformance


class TestBucketInMemory(BucketConformance):
    @pytest.fixture
    def home(self) -> Iterator[Home]:
        with Home(None, engines=memory_engine) as home:
            yield home


class TestBucketOnLevelDB(BucketConformance):
    @pytest.fixture
    def home(self, tmp_path: Path) -> Iterator[Home]:
        with Home(tmp_path / "home", engines=leveldb_engine) as home:
            yield home


class TestBucketOnASimulatedDisk(BucketConformance):
    @pytest.fixture
    def home(self, tmp_path: Path) -> Iterator[Home]:
        with Home(tmp_path / "home", engines=PowerCutDisk()) as home:
            yield home
