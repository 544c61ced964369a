"""What a home does unasked: syncs of relaxed writes, closing of idle engines, backpressure; and that it leaves nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tfjsd.errors import StoreClosedError
from tfjsd.storage_backends import bucket_upkeep, commit_queue, durable
from tfjsd.storage_backends.abc import WriteBatch
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.faulty import Faults, faulty_factory
from tfjsd.storage_backends.engines.leveldb import LevelDBEngine, leveldb_engine, leveldb_factory
from tfjsd.storage_backends.home import Home

A, B = b"\x02a", b"\x02b"


@pytest.fixture
def faults() -> Faults:
    """Counts calls."""
    return Faults()


@pytest.fixture
def home(tmp_path: Path, faults: Faults) -> Iterator[Home]:
    with Home(tmp_path / "home", engines=faulty_factory(leveldb_engine, faults), reserve_bytes=4096) as home:
        yield home


@pytest.fixture
def bucket(home: Home) -> Bucket:
    bucket = home.bucket("http://localhost")
    put(bucket, A, b"1")
    return bucket


def put(bucket: Bucket, key: bytes, value: bytes, durability: str = "strict") -> None:
    with bucket.mutate(durability) as mutation:  # type: ignore[arg-type]
        mutation.put(key, value)
    mutation.future.result(20)


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_relaxed_writes_are_synced_soon_without_being_asked(bucket: Bucket, faults: Faults) -> None:
    before = faults.calls["sync"]
    put(bucket, A, b"2", "relaxed")
    assert faults.calls["sync"] == before
    assert eventually(lambda: faults.calls["sync"] > before)
    assert eventually(lambda: not bucket._slot.relaxed_outstanding)


def test_a_strict_write_syncs_the_relaxed_ones_before_it(bucket: Bucket, faults: Faults) -> None:
    put(bucket, A, b"2", "relaxed")
    before = faults.calls["sync"]
    put(bucket, B, b"3")
    assert faults.calls["sync"] == before + 1
    put(bucket, B, b"4")
    assert faults.calls["sync"] == before + 1


def test_an_empty_strict_mutation_makes_relaxed_ones_durable(bucket: Bucket, faults: Faults) -> None:
    put(bucket, A, b"2", "relaxed")
    before = faults.calls["sync"]
    with bucket.mutate() as mutation:
        pass
    mutation.future.result(20)
    assert faults.calls["sync"] == before + 1


def test_an_idle_engine_is_closed_and_opens_on_demand(
    bucket: Bucket, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_upkeep, "IDLE_SECONDS", 0.05)
    assert bucket.get(A) == b"1"
    bucket._upkeep.note_opening()
    assert eventually(lambda: not bucket._slot.is_open)
    opened = faults.calls["open"]
    assert bucket.bytes_used() == 3  # known without opening
    assert faults.calls["open"] == opened
    assert bucket.get(A) == b"1"
    assert faults.calls["open"] == opened + 1
    put(bucket, B, b"2")
    assert list(bucket.scan(A, None)) == [(A, b"1"), (B, b"2")]


def test_an_engine_that_only_strict_writes_have_used_is_closed_too(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_upkeep, "IDLE_SECONDS", 0.05)
    bucket = home.bucket("http://other")
    for number in range(3):
        put(bucket, A, b"%d" % number)
        assert eventually(lambda: not bucket._slot.is_open)
    assert bucket.get(A) == b"2"


def test_an_engine_in_use_stays_open(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_upkeep, "IDLE_SECONDS", 0.0)
    with bucket.snapshot() as snapshot:
        assert bucket.tidy() is not None
        assert snapshot.get(A) == b"1"
    scan = bucket.scan(A, None)
    assert bucket.tidy() is not None
    assert list(scan) == [(A, b"1")]


def test_writers_wait_while_too_much_is_pending(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit_queue, "MAX_PENDING_BYTES", 1000)
    passed = threading.Event()
    with bucket._slot.io:  # nothing is committed meanwhile
        with bucket.mutate() as mutation:
            mutation.put(B, bytes(2000))

        def second() -> None:
            put(bucket, A, b"2")
            passed.set()

        thread = threading.Thread(target=second)
        thread.start()
        assert not passed.wait(0.1)
        assert bucket.get(A) == b"1"  # reads go on
    thread.join(20)
    assert passed.is_set()
    assert mutation.future.done()


def test_opening_and_closing_leaves_neither_descriptors_nor_threads(tmp_path: Path) -> None:
    def once() -> None:
        with Home(tmp_path, engines=leveldb_engine, reserve_bytes=4096) as home:
            bucket = home.bucket("http://localhost")
            blob = bucket.blobs.stage(bytes(200_000))
            with bucket.mutate("relaxed") as mutation:
                mutation.put(A, b"1")
                mutation.refer(blob, b"owner")
            assert len(bucket.blobs.map(blob)) == 200_000
            bucket.snapshot().close()
            list(bucket.scan(A, None))

    once()
    descriptors, threads = len(os.listdir("/dev/fd")), threading.active_count()
    for _ in range(50):
        once()
    assert len(os.listdir("/dev/fd")) == descriptors
    assert threading.active_count() == threads


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_does_not_keep_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path, engines=leveldb_engine, reserve_bytes=4096)
    bucket = home.bucket("http://localhost")
    put(bucket, A, b"1")
    go_on, child_waits = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            bucket.get(A)
        except StoreClosedError:
            status = 0
        finally:
            os.close(child_waits)
            os.read(go_on, 1)
            os._exit(status)
    home.close()
    with Home(tmp_path, engines=leveldb_engine, reserve_bytes=4096) as again:
        assert again.bucket("http://localhost").get(A) == b"1"
    os.close(go_on)
    os.close(child_waits)
    assert os.waitpid(child, 0)[1] == 0


def test_a_bucket_that_belongs_to_another_process_takes_no_short_way(bucket: Bucket) -> None:
    put(bucket, A, b"1", "relaxed")
    assert bucket.is_ready
    bucket.abandon()  # what a forked child does
    with bucket._mutex:
        assert bucket.put_alone(A, b"2", (0, 0, 0), "relaxed") is None
        assert not bucket.put_late(A, b"2")
    assert not bucket.is_ready


def test_log_switches_lose_nothing(tmp_path: Path) -> None:
    engines = leveldb_factory(write_buffer_size=64 * 1024)
    with Home(tmp_path, engines=engines, reserve_bytes=4096) as home:
        bucket = home.bucket("http://localhost")
        for number in range(300):
            with bucket.mutate("strict" if number % 10 == 0 else "relaxed") as mutation:
                mutation.put(b"\x04%03d" % number, os.urandom(2000))
        mutation.future.result(20)
    with Home(tmp_path, engines=engines, reserve_bytes=4096) as home:
        assert home.bucket("http://localhost").totals().count == 300


def test_many_origins_are_written_at_once(tmp_path: Path) -> None:
    with Home(tmp_path, engines=leveldb_engine, reserve_bytes=4096) as home:
        futures = []
        for number in range(30):
            with home.bucket(f"https://{number}.example").mutate() as mutation:
                mutation.put(A, b"%d" % number)
            futures.append(mutation.future)
        for future in futures:
            future.result(60)
        assert len(home.origins()) == 30


@pytest.mark.parametrize("half", [0, 20, 30])
def test_a_log_that_leveldb_has_left_is_synced_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: int
) -> None:
    """LevelDB itself closes it unsynced: a power cut could then leave a hole before what the new log holds. A sync in
    between, ``half`` way to the next switch, may meet no more than the old log's removal."""
    synced: list[str] = []
    original = durable.fsync_path

    def record(path: Path) -> None:
        synced.append(path.name)
        original(path)

    def logs() -> list[str]:
        return sorted(path.name for path in (tmp_path / "db").glob("*.log"))

    monkeypatch.setattr(durable, "fsync_path", record)
    engine = LevelDBEngine(tmp_path / "db", create=True, write_buffer_size=64 * 1024)
    current, written = logs()[-1], 0
    for number in range(400):
        engine.write(WriteBatch([(b"%d" % number, os.urandom(1000))]), sync=False)
        written += 1
        if (newest := logs()[-1]) != current:
            # One that has gone already is in a table that LevelDB has synced.
            assert current in synced or (newest in synced and not (tmp_path / "db" / current).exists())
            current, written = newest, 0
        elif written == half:
            assert eventually(lambda: len(logs()) == 1)
            engine.sync()
            synced.clear()
    engine.close()
    assert current not in ("000003.log", "000005.log")


def test_the_space_of_deleted_records_is_given_back(
    home: Home, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_upkeep, "COMPACTED_BYTES", 1 << 20)
    assert home.path is not None
    path = home.path

    def used() -> int:
        return sum(table.stat().st_size for table in path.glob("buckets/*/leveldb/*.ldb"))

    for number in range(60):
        with bucket.mutate("relaxed") as mutation:
            mutation.put(b"\x04%d" % number, os.urandom(100_000))
    mutation.future.result(20)
    for number in range(60):
        with bucket.mutate("relaxed") as mutation:
            mutation.delete(b"\x04%d" % number)
    mutation.future.result(20)
    assert eventually(lambda: used() < 1_000_000)
