"""A list of operations shares commits, and yet each of them stands by itself."""

import pytest

from tfjsd.daemon.storage_session import StorageSession
from tfjsd.storage_backends.browsers import CHROME, FIREFOX
from tfjsd.storage_backends.engines.faulty import Fault, Faults, faulty_factory
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.web_storage.storage_area import StorageArea
from tfjsd.wire.schemas import LocalStorageOperation

ORIGIN = "https://app.example"
LENGTH = LocalStorageOperation("length")
CLEAR = LocalStorageOperation("clear")


def get(key):
    return LocalStorageOperation("getItem", key)


def put(key, value):
    return LocalStorageOperation("setItem", key, value)


@pytest.fixture
def faults():
    return Faults()


@pytest.fixture
def bucket(faults, tmp_path):
    with Home(tmp_path / "home", engines=faulty_factory(leveldb_engine, faults), reserve_bytes=4096) as home:
        yield home.bucket(ORIGIN)


def session(bucket, browser=CHROME):
    return StorageSession(StorageArea(bucket, browser), bucket, "strict")


def names(results):
    """Results, errors by their names."""
    return [result["error"]["name"] if isinstance(result, dict) else result for result in results]


def test_reads_see_the_writes_before_them(bucket):
    results = session(bucket).one_by_one([LENGTH, put("a", "1"), get("a"), put("a", "2"), get("a"), CLEAR, LENGTH])
    assert results == [0, None, "1", None, "2", None, 0]


def test_a_list_is_one_commit(bucket, faults):
    session(bucket).one_by_one([LENGTH, put("a", "1")])
    before = faults.calls["write"]
    session(bucket).one_by_one([put(f"k{number}", "v") for number in range(1000)])
    assert faults.calls["write"] == before + 1


def test_what_is_refused_leaves_the_others_alone(bucket):
    small = session(bucket, CHROME.derive(local_storage_quota=10))
    results = small.one_by_one([put("a", "1234"), put("b", "123456789"), put("c", "1234"), put("d", ""), LENGTH])
    assert names(results) == [None, "QuotaExceededError", None, "QuotaExceededError", 2]
    assert dict(StorageArea(bucket, CHROME).items()) == {"a": "1234", "c": "1234"}


def test_large_values_stand_among_short_ones(bucket):
    large = "x" * 200_000
    results = session(bucket).one_by_one([put("a", "1"), put("b", large), get("b"), put("b", "2"), get("b"), LENGTH])
    assert results == [None, None, large, None, "2", 2]
    assert bucket.totals().blob_bytes == 0


def test_a_large_value_that_is_refused_leaves_no_blob(bucket):
    small = session(bucket, CHROME.derive(local_storage_quota=100_000))
    assert names(small.one_by_one([put("a", "1"), put("b", "x" * 200_000), LENGTH])) == [None, "QuotaExceededError", 1]
    assert list(bucket.blobs.digests()) == []


def test_a_commit_that_fails_is_told_to_each_write_that_it_held(bucket, faults):
    session(bucket).one_by_one([put("a", "1")])
    faults.planned.append(Fault("write", faults.calls["write"] + 1))
    results = session(bucket).one_by_one([get("a"), put("a", "2"), put("b", "3")])
    assert names(results) == ["1", "StoreFailedError", "StoreFailedError"]
    assert session(bucket).one_by_one([get("a"), LENGTH]) == ["1", 1]


def test_a_list_longer_than_a_commit_keeps_its_order(bucket):
    operations = [put("n", str(number)) for number in range(2500)]
    results = session(bucket).one_by_one([*operations, get("n"), LENGTH])
    assert results == [None] * 2500 + ["2499", 1]


def test_an_atomic_list_is_refused_whole(bucket):
    small = session(bucket, FIREFOX.derive(local_storage_quota=10))
    with pytest.raises(Exception, match="quota"):
        small.atomically([put("a", "1234"), put("b", "123456789")])
    assert small.read(LENGTH) == 0
