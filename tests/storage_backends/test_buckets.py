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


def test_a_rehearsal_is_taken_back():
    told = []
    with Home(None, engines=memory_engine) as home:
        bucket = home.bucket("http://localhost")
        with bucket.mutate() as mutation:
            mutation.put(b"\x02a", b"1")
        before = bucket.totals()
        with bucket.rehearsal():
            with bucket.mutate() as mutation:
                mutation.put(b"\x02a", b"2")
                blob = bucket.blobs.stage(b"x" * 200_000)
                mutation.refer(blob, b"owner")
                mutation.on_commit(lambda: told.append("committed"))
                mutation.on_undo(lambda: told.append("undone"))
            mutation.future.result(0)
            assert bucket.get(b"\x02a") == b"2"
        assert told == ["undone"]
        assert (bucket.get(b"\x02a"), bucket.totals().bytes_used) == (b"1", before.bytes_used)
        assert not bucket.is_needed(blob.digest)
        with bucket.mutate() as mutation:
            mutation.put(b"\x02a", b"3")
        mutation.future.result()
        assert bucket.get(b"\x02a") == b"3"
