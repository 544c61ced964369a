"""A backup is one file, consistent while writers go on, and is restored whole into an empty home, or not at all."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.errors import BackupError, CorruptionError
from tfjsd.storage_backends.backup import backup, restore
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

A, B = b"\x02a", b"\x04b"
ORIGIN = "https://app.example/\ud800"


@pytest.fixture(params=["memory", "leveldb"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    memory = request.param == "memory"
    with Home(None if memory else tmp_path / "empty", engines=memory_engine if memory else leveldb_engine) as home:
        yield home


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "full", engines=leveldb_engine) as home:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage([b"weights" * 10, bytes(3_000_000)])
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            mutation.put(B, bytes(200_000))
            mutation.refer(blob, b"m")
        with home.bucket("http://localhost").mutate() as mutation:
            mutation.put(A, b"2")
        mutation.future.result(10)
        yield home


@pytest.fixture
def archive(full: Home) -> bytes:
    target = io.BytesIO()
    backup(full, target)
    return target.getvalue()


def contents(home: Home) -> dict[str, object]:
    found: dict[str, object] = {}
    for origin in home.origins():
        bucket = home.bucket(origin)
        found[origin] = (list(bucket.scan(b"\x01", None)), list(bucket.blobs.digests()), bucket.totals().digest)
    return found


def test_a_backup_restores_everything(full: Home, archive: bytes, empty: Home) -> None:
    summary = restore(empty, io.BytesIO(archive))
    assert contents(empty) == contents(full)
    assert (summary.origins, summary.records, summary.blobs, summary.bytes) == (2, 4, 1, len(archive))
    assert verify_home(empty).ok
    with empty.bucket(ORIGIN).mutate() as mutation:
        mutation.put(B, b"on")
    assert mutation.future.result(10) is None


def test_a_restored_home_opens_again(archive: bytes, tmp_path: Path) -> None:
    with Home(tmp_path / "new", engines=leveldb_engine) as home:
        restore(home, io.BytesIO(archive))
        before = contents(home)
    with Home(tmp_path / "new", engines=leveldb_engine) as home:
        assert contents(home) == before
    assert not (tmp_path / "new" / "restoring").exists()


def test_a_home_that_holds_something_is_not_overwritten(archive: bytes, empty: Home) -> None:
    with empty.bucket("http://localhost").mutate() as mutation:
        mutation.put(A, b"mine")
    mutation.future.result(10)
    with pytest.raises(BackupError, match="not empty"):
        restore(empty, io.BytesIO(archive))
    assert empty.bucket("http://localhost").get(A) == b"mine"


def test_a_home_whose_origins_hold_nothing_any_more_is_empty(archive: bytes, full: Home, empty: Home) -> None:
    for value in (b"mine", None):
        with empty.bucket("http://localhost").mutate() as mutation:
            mutation.writes[A] = value
        mutation.future.result(10)
    restore(empty, io.BytesIO(archive))
    assert contents(empty) == contents(full)


def test_what_is_written_during_a_restore_is_not_overwritten(archive: bytes, empty: Home) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 0:
                with empty.bucket("http://localhost").mutate() as mutation:
                    mutation.put(A, b"mine")
                mutation.future.result(10)
            return super().read(size)

    source = Slow(archive)
    source.seek(0)
    with pytest.raises(BackupError, match=r"meanwhile|not empty"):
        restore(empty, source)
    assert list(contents(empty)) == ["http://localhost"]
    assert empty.bucket("http://localhost").get(A) == b"mine"


@pytest.mark.parametrize("where", [0, 12, 20, 100, 1_000, 2_000_000, -40, -33, -1])
def test_a_backup_with_a_flipped_bit_is_refused_whole(archive: bytes, empty: Home, where: int) -> None:
    damaged = bytearray(archive)
    damaged[where] ^= 4
    with pytest.raises(BackupError):
        restore(empty, io.BytesIO(damaged))
    assert contents(empty) == {}


@pytest.mark.parametrize("size", [0, 5, 13, 30, 100, 3_000_100, -42, -41, -10, -1])
def test_a_backup_that_is_cut_off_is_refused_whole(archive: bytes, empty: Home, size: int) -> None:
    with pytest.raises(BackupError):
        restore(empty, io.BytesIO(archive[:size]))
    assert contents(empty) == {}
    restore(empty, io.BytesIO(archive))


@pytest.mark.parametrize("data", [b"", b"no backup at all" * 10, b"tfjsd backup\nZ" + bytes(40)])
def test_what_is_no_backup_is_refused(data: bytes, empty: Home) -> None:
    with pytest.raises(BackupError):
        restore(empty, io.BytesIO(data))


def test_a_newer_backup_is_refused(archive: bytes, empty: Home) -> None:
    with pytest.raises(BackupError, match="format 9"):
        restore(empty, io.BytesIO(archive.replace(b'"format": 1', b'"format": 9')))


def test_a_damaged_blob_stops_the_backup_by_name(full: Home) -> None:
    bucket = full.bucket(ORIGIN)
    ((digest, _),) = bucket.blobs.digests()
    path = next((full.path or Path()).glob(f"buckets/*/blobs/{digest}"))
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"!")
    with pytest.raises(CorruptionError, match=digest):
        backup(full, io.BytesIO())


def test_a_backup_is_consistent_while_writers_go_on(full: Home, empty: Home) -> None:
    """Both keys change together in every mutation; the backup never shows them apart, nor a model without its blob."""
    bucket = full.bucket(ORIGIN)
    stop = threading.Event()

    def write() -> None:
        previous = bucket.blobs.stage(b"0")
        for number in itertools.count(1):
            if stop.is_set():
                return
            blob = bucket.blobs.stage(b"%d" % number)
            with bucket.mutate() as mutation:
                mutation.put(A, b"%d" % number)
                mutation.put(B, b"%d" % number)
                mutation.refer(blob, b"n%d" % number)
                mutation.release(previous.digest, b"n%d" % (number - 1))
            previous = blob
            mutation.future.result(10)

    thread = threading.Thread(target=write)
    with bucket.mutate() as mutation:
        mutation.put(B, b"1")
    thread.start()
    try:
        for _ in range(5):
            target = io.BytesIO()
            backup(full, target)
    finally:
        stop.set()
        thread.join()
    target.seek(0)
    restore(empty, target)
    restored = empty.bucket(ORIGIN)
    assert restored.get(A) == restored.get(B)
    assert verify_home(empty).ok
