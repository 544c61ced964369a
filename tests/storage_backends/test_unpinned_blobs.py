"""A blob that nothing pins any more goes as soon as nothing refers to it either, and is not looked at before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.errors import StoreFailedError
from tfjsd.storage_backends.abc import Blob
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.faulty import Fault, Faults, faulty_factory
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home

CONTENT = b"content" * 40_000


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def bucket(tmp_path: Path, faults: Faults) -> Iterator[Bucket]:
    with Home(tmp_path / "home", engines=faulty_factory(leveldb_engine, faults), reserve_bytes=4096) as home:
        yield home.bucket("http://localhost")


def fail_next_write(faults: Faults) -> None:
    faults.planned.append(Fault("write", faults.calls.get("write", 0) + 1))


def refer(bucket: Bucket, owner: bytes) -> Blob:
    blob = bucket.blobs.stage(CONTENT)
    with bucket.mutate() as mutation:
        mutation.refer(blob, owner)
    mutation.future.result(20)
    return blob


def release(bucket: Bucket, blob: Blob, owner: bytes) -> None:
    with bucket.mutate() as mutation:
        mutation.release(blob.digest, owner)
    mutation.future.result(20)


def is_there(bucket: Bucket) -> bool:
    return any(True for _ in bucket.blobs.digests())


def goes(bucket: Bucket) -> bool:
    deadline = time.monotonic() + 20
    while is_there(bucket) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_there(bucket)


def test_a_reader_of_a_blob_that_is_referred_to_makes_no_work(bucket: Bucket) -> None:
    blob = refer(bucket, b"owner")
    for _ in range(3):
        bucket.blobs.pin(blob.digest)
        bucket.blobs.unpin(blob.digest)
        assert not bucket.is_leaving(blob.digest)
    assert is_there(bucket)


def test_what_was_released_under_a_reader_goes_after_it(bucket: Bucket) -> None:
    blob = refer(bucket, b"owner")
    bucket.blobs.pin(blob.digest)
    release(bucket, blob, b"owner")
    assert is_there(bucket)
    bucket.blobs.unpin(blob.digest)
    assert goes(bucket)


def test_what_a_failed_mutation_alone_referred_to_goes(bucket: Bucket, faults: Faults) -> None:
    with bucket.mutate() as mutation:
        mutation.put(b"\x02first", b"1")
    mutation.future.result(20)
    fail_next_write(faults)
    with pytest.raises(StoreFailedError):
        refer(bucket, b"owner")
    assert goes(bucket)


def test_a_second_reference_that_fails_keeps_nothing(bucket: Bucket, faults: Faults) -> None:
    blob = refer(bucket, b"first")
    bucket.blobs.pin(blob.digest)
    fail_next_write(faults)
    with bucket.mutate() as copy:
        copy.refer(blob, b"second")
    bucket.blobs.unpin(blob.digest)  # the pending reference may keep it, or the first one does
    with pytest.raises(StoreFailedError):
        copy.future.result(20)
    assert is_there(bucket)
    release(bucket, blob, b"first")
    assert goes(bucket)
