"""A torn tail of LevelDB's log is cut; damage before acknowledged records is reported and nothing is modified."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tfjsd.errors import CorruptionError
from tfjsd.storage_backends.abc import WriteBatch
from tfjsd.storage_backends.engines.leveldb import LevelDBEngine, leveldb_engine
from tfjsd.storage_backends.engines.leveldb_log import LogState, crc32c, examine, masked

VALUE = random.Random(3).randbytes(700)


def write(engine: LevelDBEngine, start: int, stop: int) -> None:
    for number in range(start, stop):
        batch = WriteBatch()
        batch.put(b"%06d" % number, VALUE if number % 7 else VALUE * 60)
        engine.write(batch, sync=False)
    engine.sync()


def newest_log(directory: Path) -> Path:
    return max(directory.glob("*.log"), key=lambda path: int(path.stem))


def keys(directory: Path) -> list[bytes]:
    engine = leveldb_engine(directory, create=False)
    try:
        return [key for key, _ in engine.scan(b"", None)]
    finally:
        engine.close()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a kill -9 leaves: 40 records in the log, among them some that span blocks."""
    base = tmp_path_factory.mktemp("killed")
    engine = LevelDBEngine(base / "live", create=True)
    write(engine, 0, 40)
    shutil.copytree(base / "live", base / "db")
    engine.close()
    return base / "db"


@pytest.fixture
def db(killed: Path, tmp_path: Path) -> Path:
    shutil.copytree(killed, tmp_path / "db")
    return tmp_path / "db"


def test_the_checksum_is_crc32c() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert masked(0) == 0xA282EAD8


def test_a_sound_log_is_read_to_its_end(db: Path) -> None:
    data = newest_log(db).read_bytes()
    assert len(data) > 2 * 32 * 1024
    assert examine(data) == LogState(len(data), len(data), torn=False, damaged=False)


@pytest.mark.parametrize("cut", [0, 1, 6, 7, 8, 700, 32_768, 40_000, 65_535])
def test_a_log_that_just_ends_early_opens_as_a_prefix(db: Path, cut: int) -> None:
    log = newest_log(db)
    log.write_bytes(log.read_bytes()[:cut])
    found = keys(db)
    assert found == [b"%06d" % number for number in range(len(found))]


TAILS: dict[str, Callable[[int], bytes]] = {
    "zeros": bytes,
    "garbage": lambda size: random.Random(size).randbytes(size),
    "ones": lambda size: b"\xff" * size,
    "text": lambda size: (b"\x01\x02\x03\x04 some text " * 200)[:size].ljust(size),
}


@pytest.mark.parametrize("size", [1, 6, 7, 100, 4096, 40_000])
@pytest.mark.parametrize("tail", TAILS)
def test_a_torn_tail_loses_nothing_before_it(db: Path, tail: str, size: int) -> None:
    log = newest_log(db)
    data = log.read_bytes()
    log.write_bytes(data + TAILS[tail](size))
    state = examine(log.read_bytes())
    assert not state.damaged
    assert state.good == len(data)
    assert keys(db) == [b"%06d" % number for number in range(40)]


@pytest.mark.parametrize("tail", TAILS)
def test_a_record_whose_end_was_never_written_is_cut_whole(db: Path, tail: str) -> None:
    log = newest_log(db)
    data = log.read_bytes()
    start = len(data) - 300  # within the last record
    log.write_bytes(data[:start] + TAILS[tail](300))
    assert keys(db) == [b"%06d" % number for number in range(39)]


def test_damage_before_valid_records_is_refused_and_nothing_is_modified(db: Path) -> None:
    log = newest_log(db)
    sound = log.read_bytes()
    chance = random.Random(4)
    for _ in range(20):
        position = chance.randrange(len(sound) - len(VALUE) - 100)
        damaged = bytearray(sound)
        damaged[position] ^= 1 << chance.randrange(8)
        log.write_bytes(damaged)
        state = examine(bytes(damaged))
        assert state.torn, position
        assert state.damaged, position
    before = {path.name: path.read_bytes() for path in db.iterdir() if path.suffix in {".log", ".ldb"}}
    with pytest.raises(CorruptionError, match="nothing was modified"):
        leveldb_engine(db, create=False)
    assert {path.name: path.read_bytes() for path in db.iterdir() if path.name in before} == before


def test_every_flipped_bit_of_a_small_log_is_noticed(tmp_path: Path) -> None:
    engine = LevelDBEngine(tmp_path / "db", create=True)
    for number in range(3):
        batch = WriteBatch()
        batch.put(b"key%d" % number, b"value%d" % number)
        engine.write(batch, sync=True)
    data = newest_log(tmp_path / "db").read_bytes()
    engine.close()
    last = len(data) * 2 // 3
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            state = examine(bytes(damaged))
            # Only the last record cannot be told from a torn one; the bucket's witness notices that.
            assert state.torn or state.good < len(data), (position, bit)
            assert state.damaged or position >= last, (position, bit)


def test_a_long_tail_of_zeros_is_skipped() -> None:
    data = bytes(8 << 20)
    assert examine(data) == LogState(len(data), 0, torn=True, damaged=False)
