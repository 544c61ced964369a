"""What earlier versions wrote is read, bit for bit. Files of a released format are never changed; new ones are added."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import pytest

from tfjsd.storage_backends.abc import Blob
from tfjsd.storage_backends.backup import restore
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

GOLDEN = Path(__file__).with_name("golden")
WEIGHTS = bytes(range(256)) * 600


def check(home: Home) -> None:
    assert home.origins() == ["http://localhost", "https://app.example"]
    assert verify_home(home).ok
    for origin, value in (("http://localhost", b"value 1"), ("https://app.example", b"value 2")):
        bucket = home.bucket(origin)
        assert bucket.get(b"\x02key") == value
        assert bucket.get(b"\x04record") == bytes(range(256))
        ((digest, size),) = bucket.blobs.digests()
        assert bytes(bucket.blobs.map(Blob(digest, size))) == WEIGHTS
        assert bucket.is_needed(digest)
    assert home.bucket("http://localhost").get(b"\x02later") == b"in the log"


@pytest.mark.parametrize("version", [1])
def test_every_released_home_is_read(version: int, tmp_path: Path) -> None:
    with tarfile.open(GOLDEN / f"home-{version}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    with Home(tmp_path / f"home-{version}", engines=leveldb_engine) as home:
        check(home)


@pytest.mark.parametrize("version", [1])
def test_every_released_backup_is_restored(version: int, tmp_path: Path) -> None:
    with Home(tmp_path / "home", engines=leveldb_engine) as home:
        restore(home, io.BytesIO(lzma.decompress((GOLDEN / f"backup-{version}.xz").read_bytes())))
        check(home)
