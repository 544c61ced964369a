"""Whatever bit flips in whatever file: no wrong value is read, and what is lost is reported, by name."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tfjsd.errors import TfjsdError
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

ORIGIN = "https://app.example"
RECORDS = {b"\x04%03d" % number: random.Random(number).randbytes(120 + number % 700) for number in range(150)}
WEIGHTS = random.Random(9).randbytes(150_000)
NOT_READ = {"LOG", "LOG.old", "LOCK", "lock", "reserve", "reserve-last"}


def open_home(path: Path) -> Home:
    return Home(path, engines=leveldb_engine, reserve_bytes=4096)


@pytest.fixture(scope="module", params=["killed", "closed"])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With everything in the log, as a kill leaves it; or in tables, and a little in the log."""
    base = tmp_path_factory.mktemp(request.param)
    with open_home(base / "live") as home:
        bucket = home.bucket(ORIGIN)
        blob = bucket.blobs.stage(WEIGHTS)
        for start in range(0, 150, 10):
            with bucket.mutate() as mutation:
                for key in sorted(RECORDS)[start : start + 10]:
                    mutation.put(key, RECORDS[key])
                if not start:
                    mutation.refer(blob, b"m")
            mutation.future.result(20)
        if request.param == "killed":
            shutil.copytree(base / "live", base / "home")
    if request.param == "closed":
        with open_home(base / "live") as home:
            assert home.bucket(ORIGIN).totals().count == 151
        shutil.copytree(base / "live", base / "home")
    return base / "home"


def judge(path: Path) -> str:
    """``sound``, ``reported`` or, which must not be, ``wrong`` or ``silent``."""
    try:
        home = open_home(path)
    except TfjsdError:
        return "reported"
    with home:
        bucket = home.bucket(ORIGIN)
        lost = 0
        for key, value in RECORDS.items():
            try:
                found = bucket.get(key)
                first = bucket.first(key, key + b"\x00")
            except TfjsdError:
                continue
            if (found is not None and found != value) or first != (None if found is None else (key, found)):
                return "wrong"
            lost += found is None
        listed = home.all_origins() == [ORIGIN]
        findings = verify_home(home).findings
    if findings:
        return "reported"
    return "silent" if lost or not listed else "sound"


def flip(sound: Path, tmp_path: Path, count: int) -> Counter[tuple[str, str]]:
    chance = random.Random(10)
    files = [
        path.relative_to(sound)
        for path in sorted(sound.rglob("*"))
        if path.is_file() and path.stat().st_size and path.name not in NOT_READ
    ]
    verdicts: Counter[tuple[str, str]] = Counter()
    home = tmp_path / "home"
    for _ in range(count):
        shutil.copytree(sound, home, ignore=shutil.ignore_patterns("LOG*"))
        file = home / chance.choice(files)
        data = bytearray(file.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        file.chmod(0o600)
        file.write_bytes(data)
        kind = file.suffix or file.name.partition("-")[0][:12]
        verdicts[kind, judge(home)] += 1
        shutil.rmtree(home)
    return verdicts


def check(verdicts: Counter[tuple[str, str]]) -> None:
    assert {kind for kind, verdict in verdicts if verdict in ("wrong", "silent")} == set(), verdicts
    # The witness is only a second opinion; of the rest most bits matter.
    assert sum(count for (_, verdict), count in verdicts.items() if verdict == "reported") > verdicts.total() / 2


def test_a_sound_home_is_sound(sound: Path, tmp_path: Path) -> None:
    shutil.copytree(sound, tmp_path / "home")
    assert judge(tmp_path / "home") == "sound"


def test_no_flipped_bit_is_silent(sound: Path, tmp_path: Path) -> None:
    check(flip(sound, tmp_path, 80))


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_no_flipped_bit_of_thousands_is_silent(sound: Path, tmp_path: Path) -> None:
    check(flip(sound, tmp_path, 3000))


def test_a_log_cut_at_any_length_is_noticed(sound: Path, tmp_path: Path) -> None:
    """LevelDB takes a shorter log for the whole one; the witness knows better."""
    home = tmp_path / "home"
    (log,) = sound.glob("buckets/*/leveldb/*.log")
    size = log.stat().st_size
    for length in {0, size // 3, size // 2, size - 1000, size - 1} & set(range(size)):
        shutil.copytree(sound, home)
        with (home / log.relative_to(sound)).open("r+b") as file:
            file.truncate(length)
        assert judge(home) == "reported", length
        shutil.rmtree(home)


@pytest.mark.parametrize("length", [0, 5, 40])
def test_a_witness_of_another_length_is_written_anew(sound: Path, tmp_path: Path, length: int) -> None:
    """A power cut may leave it so: it is not synced."""
    home = tmp_path / "home"
    shutil.copytree(sound, home)
    (witness,) = home.glob("buckets/*/acknowledged")
    expected = witness.stat().st_size
    witness.write_bytes(bytes(length))
    assert judge(home) == "sound"
    assert witness.stat().st_size == expected
