"""The scrub finds a damaged blob that nobody reads, and leaves everything else alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tfjsd.storage_backends.abc import Blob
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.scrub import Scrub

ORIGIN = "https://app.example"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "home", engines=leveldb_engine, reserve_bytes=4096) as home:
        yield home


@pytest.fixture
def blobs(home: Home) -> list[Blob]:
    bucket = home.bucket(ORIGIN)
    blobs = [bucket.blobs.stage(bytes([number]) * 200_000) for number in range(3)]
    with bucket.mutate() as mutation:
        for number, blob in enumerate(blobs):
            mutation.refer(blob, b"%d" % number)
    mutation.future.result(20)
    return blobs


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_a_damaged_blob_is_found_and_named(home: Home, blobs: list[Blob], caplog: pytest.LogCaptureFixture) -> None:
    path = home.bucket(ORIGIN).blobs.path(blobs[1])
    assert path is not None
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.write(b"damage")
    scrub = Scrub(home, bytes_per_second=1e9, first_after=0)
    with caplog.at_level(logging.ERROR):
        scrub.start()
        assert eventually(lambda: scrub.passes == 1)
        scrub.stop()
    assert scrub.damaged == [(ORIGIN, blobs[1].digest)]
    assert blobs[1].digest in caplog.text


def test_a_sound_home_goes_through_again_and_again(home: Home, blobs: list[Blob]) -> None:
    scrub = Scrub(home, bytes_per_second=1e9, first_after=0, rest=0.01)
    scrub.start()
    assert eventually(lambda: scrub.passes > 2)
    scrub.stop()
    assert scrub.damaged == []


def test_it_stops_at_once_in_the_middle_of_a_blob(home: Home, blobs: list[Blob]) -> None:
    scrub = Scrub(home, bytes_per_second=1, first_after=0)
    scrub.start()
    scrub.stop()
    scrub.stop()
    assert scrub.passes <= 1
