"""What a home promises: one owner, its data back, nothing of a newer format touched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tfjsd.errors import EngineMissingError, HomeInUseError, StoreFailedError, UnsupportedFormatError
from tfjsd.storage_backends.abc import WriteBatch
from tfjsd.storage_backends.catalogue import FORMAT_KEY
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

A = b"\x02a"


def open_home(path: Path) -> Home:
    return Home(path, engines=leveldb_engine)


def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        bucket = home.bucket("https://app.example")
        blob = bucket.blobs.stage(b"weights")
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
            mutation.refer(blob, b"m")
        totals = bucket.totals()
    with open_home(tmp_path) as home:
        assert home.origins() == ["https://app.example"]
        bucket = home.bucket("https://app.example")
        assert bucket.get(A) == b"1"
        assert bucket.totals() == totals
        assert bytes(bucket.blobs.map(blob)) == b"weights"


def test_a_second_owner_is_refused(tmp_path: Path) -> None:
    with open_home(tmp_path), pytest.raises(HomeInUseError, match="in use by process"):
        open_home(tmp_path)
    open_home(tmp_path).close()


def test_a_read_creates_no_bucket(tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        bucket = home.bucket("https://app.example")
        assert bucket.get(A) is None
        assert list(bucket.scan(A, None)) == []
        assert bucket.bytes_used() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["format", "lock"]


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_home(tmp_path).close()
    newer = json.dumps({"format": 99})
    (tmp_path / "format").write_text(newer)
    with pytest.raises(UnsupportedFormatError, match="format 99"):
        open_home(tmp_path)
    assert (tmp_path / "format").read_text() == newer


def test_directories_are_private_and_blobs_read_only(tmp_path: Path) -> None:
    with open_home(tmp_path / "home") as home:
        bucket = home.bucket("https://app.example")
        blob = bucket.blobs.stage(b"weights")
        with bucket.mutate() as mutation:
            mutation.refer(blob, b"m")
        mutation.future.result(10)
        path = bucket.blobs.path(blob)
        assert path is not None
        assert path.stat().st_mode & 0o777 == 0o400
        assert all(d.stat().st_mode & 0o077 == 0 for d in [tmp_path / "home", *(tmp_path / "home").glob("buckets/*")])


def test_what_a_killed_process_was_staging_is_swept(tmp_path: Path) -> None:
    with open_home(tmp_path) as home:
        bucket = home.bucket("https://app.example")
        with bucket.mutate() as mutation:
            mutation.put(A, b"1")
        mutation.future.result(10)
        orphan = bucket.blobs.stage(b"orphan")
        writer = bucket.blobs.writer()
        writer.write(b"half")
        path = bucket.blobs.path(orphan)
        assert path is not None
        leftovers = [path.parent / f".tmp-{0:016x}", tmp_path / "buckets" / ("0" * 32)]
        writer.discard()
    leftovers[0].write_bytes(b"half")
    leftovers[1].mkdir()
    with open_home(tmp_path) as home:
        assert not any(leftover.exists() for leftover in leftovers)
        home.bucket("https://app.example").reconcile()
        assert not path.exists()


def test_a_bucket_of_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    with open_home(tmp_path) as home, home.bucket("https://app.example").mutate() as mutation:
        mutation.put(A, b"1")
    (directory,) = tmp_path.glob("buckets/*/leveldb")
    engine = leveldb_engine(directory, create=False)
    batch = WriteBatch()
    batch.put(FORMAT_KEY, (99).to_bytes(4, "little"))
    engine.write(batch, sync=True)
    engine.close()
    with open_home(tmp_path) as home:
        bucket = home.bucket("https://app.example")
        with pytest.raises(UnsupportedFormatError, match="format 99"):
            bucket.get(A)
        with pytest.raises(UnsupportedFormatError, match="format 99"), bucket.mutate() as mutation:
            mutation.put(A, b"2")
        (finding,) = verify_home(home).findings
        assert "format 99" in finding.message


def test_without_leveldb_the_error_names_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "plyvel", None)
    with open_home(tmp_path) as home:
        with home.bucket("https://app.example").mutate() as mutation:
            mutation.put(A, b"1")
        with pytest.raises(EngineMissingError, match=r"pip install 'tfjsd\[leveldb\]'"):
            mutation.future.result(10)
        assert home.bucket("https://app.example").get(A) is None
    with Home(None, engines=memory_engine) as home:
        with home.bucket("https://app.example").mutate() as mutation:
            mutation.put(A, b"1")
        mutation.future.result(10)


def test_a_directory_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailedError, match="Cannot use"):
        open_home(tmp_path / "file" / "home")


@pytest.mark.parametrize("damage", [None, b"", b"https://bpp.example", b"\xff"])
def test_a_bucket_that_lost_its_name_is_kept_reported_and_healed(damage: bytes | None, tmp_path: Path) -> None:
    with open_home(tmp_path) as home, home.bucket("https://app.example").mutate() as mutation:
        mutation.put(A, b"1")
    (name,) = tmp_path.glob("buckets/*/origin")
    if damage is None:
        name.unlink()
    else:
        name.write_bytes(damage)
    with open_home(tmp_path) as home:
        assert home.origins() == []
        assert home.nameless_buckets() == [name.parent.name]
        (finding,) = verify_home(home).findings
        assert finding.name == name.parent.name
        assert home.bucket("https://app.example").get(A) == b"1"
        assert home.origins() == ["https://app.example"]
        assert verify_home(home).ok


@pytest.mark.parametrize("name", ["buckets", "ingest", "restoring", "reserve"])
def test_a_directory_of_somebody_else_is_not_made_a_home(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "precious").touch()
    with pytest.raises(UnsupportedFormatError, match="not a home"):
        open_home(tmp_path)
    assert (tmp_path / name / "precious").exists()
    assert not (tmp_path / "format").exists()


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    for name in (".tmp-editor", "notes.txt"):
        (tmp_path / name).touch()
    for _ in range(2):
        with open_home(tmp_path) as home, home.bucket("https://app.example").mutate() as mutation:
            mutation.put(A, b"1")
    assert (tmp_path / ".tmp-editor").exists()
    assert (tmp_path / "notes.txt").exists()
