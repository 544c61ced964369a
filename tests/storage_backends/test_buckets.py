"""What a bucket promises its callers, on both engines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.errors import StoreClosedError, StoreFailedError
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home

A, B, C = b"\x02a", b"\x02b", b"\x02c"
ORIGIN = "http://localhost"


@pytest.fixture(params=["memory", "leveldb"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    memory = request.param == "memory"
    with Home(None if memory else tmp_path / "home", engines=memory_engine if memory else leveldb_engine) as home:
        yield home


def test_a_mutation_is_seen_at_once_and_committed_later(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    with bucket.mutate() as mutation:
        mutation.put(A, b"1")
        assert mutation.get(A) == b"1"
        assert bucket.get(A) is None
    assert bucket.get(A) == b"1"
    assert mutation.future.result(10) is None
    assert bucket.get(A) == b"1"


def test_an_exception_in_the_block_changes_nothing_and_undoes_newest_first(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    undone: list[int] = []

    def fail() -> None:
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            mutation.on_undo(lambda: undone.append(1))
            mutation.on_undo(lambda: undone.append(2))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert bucket.get(A) is None
    assert undone == [2, 1]
    assert home.origins() == []


def test_scans_see_the_state_of_their_call(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    with bucket.mutate() as mutation:
        mutation.put(A, b"1")
        mutation.put(C, b"3")
    scan = bucket.scan(A, None)
    backwards = bucket.scan(A, C, reverse=True)
    with bucket.mutate() as mutation:
        mutation.put(B, b"2")
        mutation.delete(A)
    assert list(scan) == [(A, b"1"), (C, b"3")]
    assert list(backwards) == [(A, b"1")]
    assert list(bucket.scan(A, None)) == [(B, b"2"), (C, b"3")]


def test_a_snapshot_keeps_its_state_and_its_blobs(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    blob = bucket.blobs.stage(bytes(200_000))
    with bucket.mutate() as mutation:
        mutation.put(A, b"1")
        mutation.refer(blob, b"owner")
    mutation.future.result(10)
    with bucket.snapshot() as snapshot:
        with bucket.mutate() as mutation:
            mutation.delete(A)
            mutation.release(blob.digest, b"owner")
        mutation.future.result(10)
        bucket.reconcile()
        assert snapshot.get(A) == b"1"
        assert len(bucket.blobs.map(blob)) == 200_000
    bucket.reconcile()
    assert list(bucket.blobs.digests()) == []


def test_a_blob_lives_until_its_last_reference_goes(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    blob = bucket.blobs.stage([b"abc", b"def"])
    for owner in (b"one", b"two"):
        with bucket.mutate() as mutation:
            mutation.refer(blob, owner)
        mutation.future.result(10)
    assert bucket.bytes_used() == 12
    for owner, left in ((b"one", 1), (b"two", 0)):
        with bucket.mutate() as mutation:
            mutation.release(blob.digest, owner)
        mutation.future.result(10)
        bucket.reconcile()
        assert len(list(bucket.blobs.digests())) == left


def test_a_reference_to_nothing_is_refused(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    blob = bucket.blobs.stage(b"abc")
    bucket.blobs.unpin(blob.digest)
    with pytest.raises(StoreFailedError) as caught, bucket.mutate() as mutation:
        mutation.refer(blob, b"owner")
    assert caught.value.outcome == "unchanged"


def test_totals_follow_every_change(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    with bucket.mutate() as mutation:
        mutation.put(A, b"12345")
        mutation.put(B, b"1")
    assert (bucket.totals().count, bucket.bytes_used()) == (2, 10)
    with bucket.mutate() as mutation:
        mutation.put(A, b"123")
        mutation.delete(B)
    assert (bucket.totals().count, bucket.bytes_used()) == (1, 5)
    with bucket.mutate() as mutation:
        mutation.delete(A)
    assert (bucket.totals().count, bucket.totals().digest) == (0, 0)


def test_writers_of_many_threads_are_all_committed(home: Home) -> None:
    bucket = home.bucket(ORIGIN)

    def write(name: int) -> None:
        for number in range(50):
            with bucket.mutate() as mutation:
                mutation.put(b"\x02%d/%d" % (name, number), b"x")
            mutation.future.result(10)

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bucket.totals().count == 400
    assert sum(1 for _ in bucket.scan(b"\x02", b"\x03")) == 400


def test_origins_are_apart_and_listed_when_they_hold_something(home: Home) -> None:
    for origin in ("https://b.example", "https://a.example", "https://empty.example"):
        with home.bucket(origin).mutate() as mutation:
            mutation.put(A, origin.encode())
    with home.bucket("https://empty.example").mutate() as mutation:
        mutation.delete(A)
    assert home.origins() == ["https://a.example", "https://b.example"]
    assert home.bucket("https://a.example").get(A) == b"https://a.example"


def test_the_stores_own_keys_cannot_be_written(home: Home) -> None:
    for key in (b"", b"\x00commit", b"\x01ref"):
        with pytest.raises(ValueError, match="own namespaces"), home.bucket(ORIGIN).mutate() as mutation:
            mutation.put(key, b"")


def test_a_closed_home_says_so(home: Home) -> None:
    bucket = home.bucket(ORIGIN)
    home.close()
    with pytest.raises(StoreClosedError):
        bucket.get(A)
    with pytest.raises(StoreClosedError), bucket.mutate():
        pass
    with pytest.raises(StoreClosedError):
        home.bucket(ORIGIN)
