"""A reader of many shards, one after the other, meets one version of them though another one comes."""

import math

import pytest

from tfjsd.daemon.sync import reading_time
from tfjsd.daemon.sync.directory_model import FileStamp
from tfjsd.daemon.sync.one_pass import PassOptions
from tfjsd.daemon.sync.reading_time import READER_SECONDS, reading_seconds
from tfjsd.model_io import model_directory
from tfjsd.model_io.model_json import parse_model_json

SHARDS = 30
A_SHARD = 0.015


class SlowReader:
    """Reads the shards that it found named in ``model.json``; each takes its time, which is counted, not waited for."""

    def __init__(self, place):
        self.place = place
        self.left = list(parse_model_json((place / "model.json").read_bytes()).paths)
        self.seen = set()

    def go_on(self, seconds=math.inf):
        while self.left and seconds >= A_SHARD:
            self.seen |= set((self.place / self.left.pop(0)).read_bytes())
            seconds -= A_SHARD


@pytest.fixture
def met(pairing, monkeypatch):
    """The versions that a reader meets that begins just before the files of a known model are replaced."""

    def met():
        pairing.write("m", 1, SHARDS * 10, shard_bytes=10)
        pairing.settle()
        pairing.save("m", 2, SHARDS * 10)
        reader = SlowReader(pairing.directory / "m")
        assert len(reader.left) == SHARDS
        monkeypatch.setattr(model_directory.time, "sleep", reader.go_on)
        pairing.run(PassOptions(settle=0.0, grace=READER_SECONDS))
        reader.go_on()
        return reader.seen

    return met


def test_a_reader_of_thirty_shards_meets_one_version(met):
    assert met() == {1}


def test_the_check_catches_a_time_that_is_too_short(met, monkeypatch):
    """The negative control."""
    monkeypatch.setattr(reading_time, "_FILES", 1_000_000)
    assert met() == {1, 2}


def test_the_time_grows_with_the_files_up_to_a_limit():
    def seconds(weights, size=0, least=0.25):
        return reading_seconds([FileStamp("", size, 0, 0)] * (weights + 1), least)

    assert seconds(0) == seconds(1) == 0.25
    assert seconds(11) == 0.5
    assert seconds(1, 25 << 19) == 0.5
    assert seconds(1000) == seconds(1, 1 << 40) == reading_time.LINGER_SECONDS
    assert seconds(1000, least=0.0) == 0.0
