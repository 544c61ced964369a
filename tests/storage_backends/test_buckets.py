"""Buckets pass the shared suite on both engines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.storage_backends.engines.faulty import PowerCutDisk
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home
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


LOOKS = {
    "get": lambda bucket: bucket.get(b"\x02a"),
    "scan": lambda bucket: dict(bucket.scan(b"\x02", b"\x03")).get(b"\x02a"),
    "snapshot": lambda bucket: bucket.snapshot().get(b"\x02a"),
    "totals": lambda bucket: b"2" * (bucket.totals().bytes_used - len(b"\x02a")),
    "bytes used": lambda bucket: b"2" * (bucket.bytes_used() - len(b"\x02a")),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_a_late_record_is_there_for_whoever_looks(look):
    with Home(None, engines=memory_engine) as home:
        bucket = home.bucket("http://localhost")
        with bucket.mutate() as mutation:
            mutation.put(b"\x02a", b"first")
        mutation.future.result(5)
        with bucket.locked():
            assert bucket.put_late(b"\x02a", b"1")
            assert bucket.put_late(b"\x02a", b"2")
        assert look(bucket) == b"2"
        assert verify_home(home).ok


def test_a_mutation_follows_upon_late_records():
    with Home(None, engines=memory_engine) as home:
        bucket = home.bucket("http://localhost")
        with bucket.mutate() as mutation:
            mutation.put(b"\x02a", b"1")
        mutation.future.result(5)
        with bucket.locked():
            assert bucket.put_late(b"\x02a", b"late")
        with bucket.mutate() as mutation:
            mutation.put(b"\x02a", mutation.get(b"\x02a") + b" and later")
            with bucket.locked():
                bucket.put_late(b"\x02b", b"in between")
        mutation.future.result(5)
        assert dict(bucket.scan(b"\x02", b"\x03")) == {b"\x02a": b"late and later", b"\x02b": b"in between"}
        assert verify_home(home).ok


def test_late_records_may_come_while_the_bucket_syncs():
    with Home(None, engines=memory_engine) as home:
        bucket = home.bucket("http://localhost")
        is_done = threading.Event()

        def sync():
            while not is_done.is_set():
                bucket._upkeep.sync_relaxed()

        syncing = threading.Thread(target=sync)
        syncing.start()
        for number in range(300):
            with bucket.mutate("relaxed", inline=True) as mutation:
                mutation.put(b"\x02%d" % number, b"1")
            mutation.future.result(5)
            with bucket.locked():
                assert bucket.put_late(b"\x02%d-late" % number, b"2")
            assert bucket.totals().count == 2 * number + 2
        is_done.set()
        syncing.join()
        assert verify_home(home).ok


def test_nothing_is_late_where_a_write_can_fail(tmp_path):
    for directory, engines in ((tmp_path / "home", leveldb_engine), (tmp_path / "disk", PowerCutDisk())):
        with Home(directory, engines=engines) as home:
            bucket = home.bucket("http://localhost")
            with bucket.mutate() as mutation:
                mutation.put(b"\x02a", b"1")
            mutation.future.result(5)
            with bucket.locked():
                assert not bucket.put_late(b"\x02a", b"2")
