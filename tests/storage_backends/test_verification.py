"""Verification names what is damaged, missing or left over; a sound home has no findings."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tfjsd.storage_backends.abc import Blob, WriteBatch
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

ORIGIN = "https://app.example"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def blob(path: Path) -> Blob:
    """A closed home with 200 records in a table file and one blob."""
    with Home(path, engines=leveldb_engine) as home:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(bytes(range(256)) * 1000)
        with bucket.mutate() as mutation:
            mutation.refer(blob, b"m")
            for number in range(200):
                mutation.put(b"\x04%03d" % number, random.Random(number).randbytes(150))
        mutation.future.result(10)
    with Home(path, engines=leveldb_engine) as home:
        assert home.bucket(ORIGIN).totals().count == 201  # opening wrote the log into a table
    return blob


@pytest.fixture
def blob_path(path: Path, blob: Blob) -> Path:
    return next(path.glob(f"buckets/*/blobs/{blob.digest}"))


def findings(path: Path) -> list[tuple[str, str]]:
    with Home(path, engines=leveldb_engine) as home:
        report = verify_home(home)
        assert all(finding.origin == ORIGIN and finding.message for finding in report.findings)
        return [(finding.kind, finding.name) for finding in report.findings]


def test_a_sound_home_has_no_findings(path: Path, blob: Blob) -> None:
    with Home(path, engines=leveldb_engine) as home:
        report = verify_home(home)
    assert report.ok
    assert (report.records, report.blobs) == (201, 1)
    assert report.bytes_read > blob.size


def test_a_blob_that_a_relaxed_commit_let_go_is_no_finding(path: Path, blob: Blob) -> None:
    with Home(path, engines=leveldb_engine) as home:
        bucket = home.bucket(ORIGIN)
        with bucket.mutate("relaxed") as mutation:
            mutation.release(blob.digest, b"m")
        mutation.future.result(10)
        assert verify_home(home).findings == []
        assert [digest for digest, _ in bucket.blobs.digests()] == [blob.digest], "it waits for the sync"


def test_a_flipped_bit_in_a_blob_is_named(path: Path, blob: Blob, blob_path: Path) -> None:
    data = bytearray(blob_path.read_bytes())
    data[12345] ^= 1
    blob_path.chmod(0o600)
    blob_path.write_bytes(data)
    assert findings(path) == [("blob", blob.digest)]


def test_a_cut_blob_is_named(path: Path, blob: Blob, blob_path: Path) -> None:
    blob_path.chmod(0o600)
    blob_path.write_bytes(b"short")
    assert findings(path) == [("blob", blob.digest)]


def test_a_missing_blob_is_named(path: Path, blob: Blob, blob_path: Path) -> None:
    blob_path.unlink()
    assert findings(path) == [("missing-blob", blob.digest)]


def test_staging_the_same_bytes_again_heals_a_damaged_blob(path: Path, blob: Blob, blob_path: Path) -> None:
    sound = blob_path.read_bytes()
    blob_path.unlink()
    blob_path.write_bytes(bytes(len(sound)))
    with Home(path, engines=leveldb_engine) as home:
        bucket = home.bucket(ORIGIN)
        again = bucket.blobs.stage(sound)
        with bucket.mutate() as mutation:
            mutation.refer(again, b"m2")
        mutation.future.result(10)
    assert findings(path) == []


def test_the_records_around_a_flipped_bit_in_a_table_are_named(path: Path, blob: Blob) -> None:
    table = max(path.glob("buckets/*/leveldb/*.ldb"), key=lambda file: file.stat().st_size)
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.write_bytes(data)
    ((kind, name),) = findings(path)
    assert kind == "records"
    start, _, stop = name.partition("..")
    assert b"\x04050" < bytes.fromhex(start) < bytes.fromhex(stop) < b"\x04150"


def test_a_record_that_the_engine_lost_silently_is_noticed(path: Path, blob: Blob) -> None:
    """What a forgotten table looks like: fewer records, every checksum right."""
    directory = next(path.glob("buckets/*/leveldb"))
    engine = leveldb_engine(directory, create=False)
    batch = WriteBatch()
    batch.delete(b"\x04007")
    engine.write(batch, sync=True)
    engine.close()
    assert findings(path) == [("catalogue", "commit record")]


def test_a_record_that_went_back_to_an_old_value_is_noticed(path: Path, blob: Blob) -> None:
    directory = next(path.glob("buckets/*/leveldb"))
    engine = leveldb_engine(directory, create=False)
    batch = WriteBatch()
    batch.put(b"\x04007", b"8" * 50)
    engine.write(batch, sync=True)
    engine.close()
    assert findings(path) == [("catalogue", "commit record")]


def test_a_bucket_that_cannot_be_opened_is_named(path: Path, blob: Blob) -> None:
    next(path.glob("buckets/*/leveldb/CURRENT")).write_text("nonsense")
    assert findings(path) == [("bucket", ORIGIN)]
