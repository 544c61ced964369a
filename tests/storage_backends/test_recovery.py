"""After the first engine error nothing is acknowledged until the engine was reopened and asked what it holds."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tfjsd.errors import CorruptionError, QuotaExceededError, StoreFailedError
from tfjsd.storage_backends.abc import Durability
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engine_slot import EngineSlot
from tfjsd.storage_backends.engines.faulty import Fault, Faults, FaultyEngine, Operation, PowerCutDisk, faulty_factory
from tfjsd.storage_backends.engines.leveldb import leveldb_engine
from tfjsd.storage_backends.engines.memory import MemoryEngine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

A, B, C = b"\x02a", b"\x02b", b"\x02c"
SMALL_RESERVE = 64 * 1024


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture(params=["leveldb", "disk"])
def home(request: pytest.FixtureRequest, tmp_path: Path, faults: Faults):
    engines = leveldb_engine if request.param == "leveldb" else PowerCutDisk()
    home = Home(tmp_path / "home", engines=faulty_factory(engines, faults), reserve_bytes=SMALL_RESERVE)
    yield home
    faults.planned.clear()
    home.close()


@pytest.fixture
def bucket(home: Home) -> Bucket:
    bucket = home.bucket("http://localhost")
    put(bucket, A, b"old")
    return bucket


def put(bucket: Bucket, key: bytes, value: bytes | None, durability: Durability = "strict") -> None:
    with bucket.mutate(durability) as mutation:
        mutation.writes[key] = value
    mutation.future.result(10)


def fail_next(faults: Faults, operation: Operation, **how: bool | int) -> None:
    faults.planned.append(Fault(operation, faults.calls.get(operation, 0) + 1, **how))  # type: ignore[arg-type]


def test_a_fault_of_reading_meets_every_look_up() -> None:
    faults = Faults([Fault("get", 1, times=2)])
    engine = FaultyEngine(MemoryEngine(), faults)
    with pytest.raises(StoreFailedError, match="injected into get"):
        engine.get(A)
    with pytest.raises(StoreFailedError, match="injected into get"):
        engine.first(A, B)
    assert (faults.fired, engine.first(A, B)) == (2, None)


def test_a_write_that_is_absent_after_reopening_has_failed(bucket: Bucket, faults: Faults) -> None:
    fail_next(faults, "write")
    with pytest.raises(StoreFailedError) as caught:
        put(bucket, A, b"new")
    assert caught.value.outcome == "unchanged"
    assert bucket.get(A) == b"old"
    assert faults.calls["open"] == 2
    put(bucket, A, b"newer")
    assert bucket.get(A) == b"newer"


def test_a_write_that_is_there_after_reopening_is_acknowledged(bucket: Bucket, faults: Faults) -> None:
    fail_next(faults, "write", applied=True)
    syncs = faults.calls["sync"]
    put(bucket, A, b"new")
    assert bucket.get(A) == b"new"
    assert faults.fired == 1
    assert faults.calls["sync"] > syncs  # made durable before it was acknowledged


def test_an_engine_that_cannot_be_reopened_leaves_the_outcome_unknown(bucket: Bucket, faults: Faults) -> None:
    fail_next(faults, "write")
    fail_next(faults, "open")
    with pytest.raises(StoreFailedError) as caught:
        put(bucket, A, b"new")
    assert caught.value.outcome == "unknown"
    assert bucket.get(A) == b"old"  # the next access opens it
    put(bucket, A, b"newer")


@pytest.mark.parametrize("failing", ["open", "sync"])
def test_a_failed_write_that_shows_up_later_is_taken_back(
    bucket: Bucket, faults: Faults, home: Home, failing: Operation
) -> None:
    """Its caller was told that it failed and has put its own state back; the disk must not know better."""
    blob = bucket.blobs.stage(b"weights" * 100)
    with bucket.mutate() as mutation:
        mutation.refer(blob, b"m")
    mutation.future.result(10)
    before = list(bucket.scan(b"\x01", None)), bucket.totals().digest
    fail_next(faults, "write", applied=True)
    fail_next(faults, failing)
    with bucket.mutate() as mutation:
        mutation.put(A, b"new")
        mutation.put(B, b"more")
        mutation.release(blob.digest, b"m")
    error = mutation.future.exception(10)
    assert isinstance(error, StoreFailedError)
    assert error.outcome == "unknown"
    assert (list(bucket.scan(b"\x01", None)), bucket.totals().digest) == before
    bucket.reconcile()
    bucket.blobs.verify(blob)
    put(bucket, C, b"later")
    assert home.path is not None
    home.close()
    with Home(home.path, engines=home._engines, reserve_bytes=SMALL_RESERVE) as again:
        assert again.bucket("http://localhost").get(A) == b"old"
        assert again.bucket("http://localhost").get(B) is None
        assert verify_home(again).ok


def test_while_it_cannot_be_opened_everything_says_so(bucket: Bucket, faults: Faults) -> None:
    fail_next(faults, "write")
    fail_next(faults, "open", times=4)
    with pytest.raises(StoreFailedError):
        put(bucket, A, b"new")
    for access in (lambda: bucket.get(A), lambda: list(bucket.scan(A, None)), lambda: put(bucket, A, b"x")):
        with pytest.raises(StoreFailedError, match="injected into open"):
            access()
    assert bucket.get(A) == b"old"


def _no_space(path: Path, size: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_a_disk_full_error_is_a_quota_error_of_the_disk(
    bucket: Bucket, faults: Faults, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.path is not None
    fail_next(faults, "write", disk_full=True)
    with pytest.raises(QuotaExceededError) as caught:
        put(bucket, A, b"new")
    assert caught.value.unit == "disk"
    assert bucket.get(A) == b"old"
    assert not (home.path / "reserve").exists()
    with monkeypatch.context() as full:
        full.setattr("tfjsd.storage_backends.durable.preallocate", _no_space)
        with pytest.raises(QuotaExceededError) as caught:
            put(bucket, A, b"newer")
        assert caught.value.needed == SMALL_RESERVE + SMALL_RESERVE // 8
        put(bucket, B, None)  # what frees space goes through
    put(bucket, A, b"newer")  # the reserve could be set aside again
    assert (home.path / "reserve").stat().st_size == SMALL_RESERVE


@pytest.mark.parametrize("is_free", [True, False])
def test_on_a_full_disk_the_engine_is_opened_again_to_sweep_what_it_left(
    bucket: Bucket, faults: Faults, monkeypatch: pytest.MonkeyPatch, is_free: bool
) -> None:
    """LevelDB removes what a failed compaction has written only then. Without room for an opening it stays open."""
    fail_next(faults, "write", disk_full=True)
    with pytest.raises(QuotaExceededError):
        put(bucket, A, b"new")
    monkeypatch.setattr("tfjsd.storage_backends.durable.preallocate", _no_space)
    if not is_free:
        monkeypatch.setattr("tfjsd.storage_backends.durable.free_space", lambda path: 0)
    opened = faults.calls["open"]
    with pytest.raises(QuotaExceededError):
        put(bucket, A, b"newer")
    bucket.tidy()  # as housekeeping does, which may have been here
    assert bucket._slot.is_open is not is_free
    assert bucket.get(A) == b"old"
    assert faults.calls["open"] == opened + is_free


def test_on_a_full_disk_what_frees_space_goes_through(bucket: Bucket, faults: Faults) -> None:
    fail_next(faults, "write", disk_full=True)
    put(bucket, A, None)
    assert bucket.get(A) is None
    assert faults.fired == 1


def test_a_write_that_fails_right_after_a_recovery_is_tried_again(bucket: Bucket, faults: Faults) -> None:
    """LevelDB refuses all writes once a compaction has failed, which an opening on a full disk may start."""
    fail_next(faults, "write", disk_full=True, times=2)
    put(bucket, A, None)
    assert bucket.get(A) is None
    assert faults.fired == 2


def test_a_recovery_whose_room_was_taken_is_tried_again_with_the_rest_of_the_reserve(
    bucket: Bucket, faults: Faults
) -> None:
    fail_next(faults, "write", disk_full=True)
    fail_next(faults, "open", disk_full=True)
    with pytest.raises(QuotaExceededError) as caught:
        put(bucket, A, b"new")
    assert caught.value.unit == "disk"
    assert bucket.get(A) == b"old"
    assert faults.fired == 2


def test_without_room_for_a_recovery_reads_go_on(bucket: Bucket, faults: Faults, monkeypatch) -> None:
    monkeypatch.setattr("tfjsd.storage_backends.durable.free_space", lambda path: 0)
    opened = faults.calls["open"]
    fail_next(faults, "write", disk_full=True)
    with pytest.raises(StoreFailedError) as caught:
        put(bucket, A, b"new")
    assert caught.value.outcome == "unknown"
    assert bucket.get(A) == b"old"
    with pytest.raises(QuotaExceededError):
        put(bucket, A, b"new")  # not tried
    assert faults.calls["open"] == opened
    monkeypatch.undo()
    put(bucket, A, b"newer")
    assert bucket.get(A) == b"newer"
    assert faults.calls["open"] == opened + 1


def test_all_that_was_sequenced_after_a_failure_fails_and_is_undone_newest_first(
    bucket: Bucket, faults: Faults, monkeypatch
) -> None:
    entered, go_on = threading.Event(), threading.Event()
    inner: Callable[..., None] = EngineSlot.commit

    def commit(*arguments, **options) -> None:
        entered.set()
        go_on.wait(10)
        inner(*arguments, **options)

    monkeypatch.setattr(EngineSlot, "commit", commit)
    fail_next(faults, "write")
    undone: list[bytes] = []
    futures = []
    for value in (b"1", b"2", b"3"):
        with bucket.mutate() as mutation:
            mutation.put(B, value)
            mutation.on_undo(partial(undone.append, value))
            mutation.on_commit(partial(undone.append, b"committed " + value))
        futures.append(mutation.future)
        entered.wait(10)
    assert bucket.get(B) == b"3"
    used = bucket.bytes_used()
    go_on.set()
    for future in futures:
        with pytest.raises(StoreFailedError) as caught:
            future.result(10)
        assert caught.value.outcome == "unchanged"
    assert undone == [b"3", b"2", b"1"]
    assert bucket.get(B) is None
    assert bucket.bytes_used() == used - 3


def test_a_group_shares_its_fate_and_what_came_later_was_not_tried(
    bucket: Bucket, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    futures = []

    def sequence(value: bytes) -> None:
        with bucket.mutate() as mutation:
            mutation.put(B, value)
        futures.append(mutation.future)

    inner: Callable[..., None] = EngineSlot.commit

    def commit(*arguments, **options) -> None:
        sequence(b"3")
        inner(*arguments, **options)

    monkeypatch.setattr(EngineSlot, "commit", commit)
    fail_next(faults, "write")
    fail_next(faults, "open")
    with bucket._slot.io:  # so that both are in one group
        sequence(b"1")
        sequence(b"2")
    errors = [future.exception(10) for future in futures[:2]]
    errors.append(futures[2].exception(10))
    assert [getattr(error, "outcome", None) for error in errors] == ["unknown", "unknown", "unchanged"]
    assert len({id(error) for error in errors}) == 3


def test_a_failed_sync_of_relaxed_writes_is_recovered(bucket: Bucket, faults: Faults) -> None:
    put(bucket, B, b"1", "relaxed")
    fail_next(faults, "sync", applied=True)
    put(bucket, C, b"2")
    assert faults.fired == 1
    assert (bucket.get(B), bucket.get(C)) == (b"1", b"2")


def test_losing_what_was_acknowledged_is_never_silent(tmp_path: Path) -> None:
    """A failed sync that loses relaxed commits: callers hold state that the disk does not, so the bucket refuses."""
    disk, faults = PowerCutDisk(), Faults()
    home = Home(tmp_path, engines=faulty_factory(disk, faults), reserve_bytes=0)
    bucket = home.bucket("http://localhost")
    put(bucket, A, b"old")
    put(bucket, B, b"1", "relaxed")
    disk.cut()
    fail_next(faults, "sync")
    with pytest.raises(StoreFailedError, match="records are lost"):
        put(bucket, C, b"2")
    with pytest.raises(CorruptionError, match="records are lost"):
        bucket.get(A)
    home.close()


@pytest.mark.parametrize("operation", ["write", "sync", "open"])
@pytest.mark.parametrize("how", [{}, {"applied": True}, {"disk_full": True}, {"times": 3}])
@pytest.mark.parametrize("number", range(1, 7))
def test_whatever_fails_no_acknowledged_write_is_lost(
    home: Home, faults: Faults, operation: Operation, how: dict[str, Any], number: int
) -> None:
    faults.planned.append(Fault(operation, number, **how))
    bucket = home.bucket("http://localhost")
    expected: dict[bytes, bytes | None] = {}
    unknown: set[bytes] = set()
    for step in range(8):
        key = b"\x02%d" % (step % 3)
        value = None if step == 5 else b"%d" % step
        try:
            put(bucket, key, value, "strict" if step % 2 else "relaxed")
        except StoreFailedError as error:
            unknown |= {key} if error.outcome == "unknown" else set()
        except QuotaExceededError:
            continue
        else:
            expected[key] = value
            unknown.discard(key)
    faults.planned.clear()
    assert home.path is not None
    home.close()
    with Home(home.path, engines=home._engines) as reopened:
        again = reopened.bucket("http://localhost")
        for key, value in expected.items():
            assert key in unknown or again.get(key) == value
