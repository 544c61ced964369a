"""A file that the caller staged is taken over only if nobody can change it any more."""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tfjsd.errors import IngestRefusedError
from tfjsd.storage_backends.blobs import FileBlobStore
from tfjsd.storage_backends.ingest import Ingest

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no file leases")

DATA = b"weights" * 100_000


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    directory = tmp_path / "ingest"
    directory.mkdir(mode=0o700)
    return Ingest(directory)


@pytest.fixture
def blobs(tmp_path: Path) -> Iterator[FileBlobStore]:
    store = FileBlobStore(tmp_path / "blobs")
    yield store
    assert list((tmp_path / "blobs").glob(".tmp-*")) == []


def test_a_staged_file_becomes_a_blob_without_a_copy(ingest: Ingest, blobs: FileBlobStore) -> None:
    name, path = ingest.new_name()
    path.write_bytes(DATA)
    inode = path.stat().st_ino
    blob = ingest.adopt(name, len(DATA), blobs)
    stored = blobs.path(blob)
    assert stored is not None
    assert stored.stat().st_ino == inode
    assert stored.stat().st_mode & 0o777 == 0o400
    assert stored.stat().st_nlink == 1
    assert bytes(blobs.map(blob)) == DATA
    assert not path.exists()
    blobs.verify(blob)


def test_an_empty_file_is_a_blob_too(ingest: Ingest, blobs: FileBlobStore) -> None:
    name, path = ingest.new_name()
    path.touch()
    assert ingest.adopt(name, 0, blobs).size == 0


def test_a_file_still_open_for_writing_is_refused(ingest: Ingest, blobs: FileBlobStore) -> None:
    name, path = ingest.new_name()
    with path.open("wb") as file:
        file.write(DATA)
        file.flush()
        with pytest.raises(IngestRefusedError, match="open for writing"):
            ingest.adopt(name, len(DATA), blobs)
    assert list(blobs.digests()) == []


def test_a_file_with_a_writable_mapping_is_refused(ingest: Ingest, blobs: FileBlobStore) -> None:
    name, path = ingest.new_name()
    path.write_bytes(DATA)
    with path.open("r+b") as file:
        mapping = mmap.mmap(file.fileno(), 0)
    with mapping, pytest.raises(IngestRefusedError):
        ingest.adopt(name, len(DATA), blobs)


def test_a_wrong_size_is_refused(ingest: Ingest, blobs: FileBlobStore) -> None:
    name, path = ingest.new_name()
    path.write_bytes(DATA)
    with pytest.raises(IngestRefusedError, match="bytes in place of"):
        ingest.adopt(name, len(DATA) + 1, blobs)


def test_links_and_special_files_are_refused(ingest: Ingest, blobs: FileBlobStore, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s")

    def make(kind: str, path: Path) -> None:
        if kind == "symlink":
            path.symlink_to(secret)
        elif kind == "hard link":
            path.hardlink_to(secret)
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.mkdir()

    for kind in ("symlink", "hard link", "fifo"):
        name, path = ingest.new_name()
        make(kind, path)
        with pytest.raises(IngestRefusedError):
            ingest.adopt(name, 1, blobs)
    assert secret.read_bytes() == b"s"


@pytest.mark.parametrize("name", ["", "..", "../secret", "/etc/passwd", "a" * 31, "A" * 32, "0" * 32 + "\n", "0" * 32])
def test_only_issued_names_are_looked_at(ingest: Ingest, blobs: FileBlobStore, name: str) -> None:
    with pytest.raises(IngestRefusedError):
        ingest.adopt(name, 1, blobs)
