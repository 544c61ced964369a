"""A bucket against a dict: random mutations, blobs, snapshots, restarts, kills and power cuts."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tfjsd.errors import StoreClosedError, TfjsdError
from tfjsd.storage_backends.abc import EngineFactory
from tfjsd.storage_backends.engines.faulty import PowerCutDisk
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.verification import verify_home

ORIGIN = "http://localhost"
KEYS = st.sampled_from([b"\x02a", b"\x02b", b"\x02b\x00", b"\x03", b"\x04\xff", b"\x04\xff\xff"])
CHANGES = st.dictionaries(KEYS, st.none() | st.sampled_from([b"", b"1", b"22" * 40, bytes(5000)]), min_size=1)
OWNERS = st.sampled_from([b"x", b"y", b"z"])
CONTENTS = st.sampled_from([b"one", b"two", b"three"])
DURABILITY = st.sampled_from(["strict", "relaxed"])

State = tuple[dict[bytes, bytes], dict[bytes, str]]  # records; the blob's digest of each owner


def listing(path: Path) -> list[tuple[str, int]]:
    return sorted((str(file.relative_to(path)), file.stat().st_size) for file in path.rglob("*") if file.is_file())


def copy_at_rest(source: Path, target: Path) -> None:
    """Copies while no compaction changes anything."""
    for _ in range(100):
        with contextlib.suppress(OSError):  # shutil.Error is one: a file went away meanwhile
            before = listing(source)
            shutil.copytree(source, target)
            if listing(source) == before == listing(target):
                return
        shutil.rmtree(target, ignore_errors=True)
    raise AssertionError("the store never came to rest")


class BucketMachine(RuleBasedStateMachine):
    """``states`` are all states since the last durable one: what a power cut may leave is one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="tfjsd-test-"))
        self.number = 0
        self.records: dict[bytes, bytes] = {}
        self.owners: dict[bytes, str] = {}
        self.states: list[State] = [({}, {})]
        self.snapshots: list[tuple[Any, State]] = []
        self.engines: EngineFactory = self.engine_factory()
        self.open()

    def engine_factory(self) -> EngineFactory:
        return leveldb_factory(write_buffer_size=64 * 1024)

    @property
    def path(self) -> Path | None:
        return self.base / str(self.number)

    def open(self) -> None:
        self.home = Home(self.path, engines=self.engines, reserve_bytes=4096)
        self.bucket = self.home.bucket(ORIGIN)

    def teardown(self) -> None:
        self.close_snapshots()
        self.home.close()
        shutil.rmtree(self.base)

    def close_snapshots(self) -> None:
        for snapshot, _ in self.snapshots:
            snapshot.close()
        self.snapshots.clear()

    def state(self) -> State:
        return dict(self.records), dict(self.owners)

    def note(self, durability: str) -> None:
        """After a mutation was acknowledged."""
        if durability == "strict":
            self.states.clear()
        self.states.append(self.state())

    @rule(changes=CHANGES, durability=DURABILITY, wait=st.booleans())
    def write(self, changes: dict[bytes, bytes | None], durability: Any, wait: bool) -> None:
        with self.bucket.mutate(durability) as mutation:
            for key, value in changes.items():
                mutation.delete(key) if value is None else mutation.put(key, value)
                assert mutation.get(key) == value
        if wait:
            mutation.future.result(20)
        for key, value in changes.items():
            self.records.pop(key, None) if value is None else self.records.update({key: value})
        self.note(durability if wait else "relaxed")

    @rule(changes=CHANGES)
    def fail(self, changes: dict[bytes, bytes | None]) -> None:
        def attempt() -> None:
            with self.bucket.mutate() as mutation:
                for key, value in changes.items():
                    mutation.delete(key) if value is None else mutation.put(key, value)
                raise KeyError

        with pytest.raises(KeyError):
            attempt()

    @rule(owner=OWNERS, content=CONTENTS, durability=DURABILITY)
    def save(self, owner: bytes, content: bytes, durability: Any) -> None:
        blob = self.bucket.blobs.stage(content)
        with self.bucket.mutate(durability) as mutation:
            if owner in self.owners:
                mutation.release(self.owners[owner], owner)
            mutation.refer(blob, owner)
        mutation.future.result(20)
        self.owners[owner] = blob.digest
        self.note(durability)

    @precondition(lambda self: self.owners)
    @rule(data=st.data(), durability=DURABILITY)
    def remove(self, data: st.DataObject, durability: Any) -> None:
        owner = data.draw(st.sampled_from(sorted(self.owners)))
        with self.bucket.mutate(durability) as mutation:
            mutation.release(self.owners[owner], owner)
        mutation.future.result(20)
        del self.owners[owner]
        self.note(durability)

    @rule()
    def snapshot(self) -> None:
        self.snapshots.append((self.bucket.snapshot(), self.state()))

    @rule()
    def read_snapshots(self) -> None:
        for snapshot, (records, _) in self.snapshots:
            assert dict(snapshot.scan(b"\x02", None)) == records
        self.close_snapshots()

    @rule()
    def sync(self) -> None:
        self.bucket._upkeep.sync_relaxed()

    @rule()
    def close_engine(self) -> None:
        """What idleness does; facades keep working."""
        self.close_snapshots()
        self.bucket._queue.wait_idle()
        with self.bucket._slot.io, self.bucket._mutex:
            self.bucket._upkeep.close_engine()

    @rule()
    def restart(self) -> None:
        self.close_snapshots()
        self.home.close()
        self.open()
        self.states = [self.state()]

    @rule()
    def kill(self) -> None:
        """The files as they are, without a word to the process that has them open: what kill -9 leaves."""
        self.close_snapshots()
        self.bucket._queue.wait_idle()
        assert self.path is not None
        before = self.path
        self.number += 1
        copy_at_rest(before, self.path)
        self.home.close()
        self.open()
        self.states = [self.state()]

    @invariant()
    def the_bucket_is_the_dict(self) -> None:
        assert list(self.bucket.scan(b"\x02", None)) == sorted(self.records.items())
        assert list(self.bucket.scan(b"\x02", None, reverse=True)) == sorted(self.records.items(), reverse=True)
        sizes = {"one": 3, "two": 3, "three": 5}
        assert self.bucket.totals().bytes_used == sum(len(key) + len(value) for key, value in self.records.items())
        assert self.bucket.totals().count == len(self.records) + len(self.owners)
        for digest in set(self.owners.values()):
            assert next(size for name, size in self.bucket.blobs.digests() if name == digest) in sizes.values()

    @rule()
    def verify(self) -> None:
        self.close_snapshots()
        self.bucket._queue.wait_idle()
        self.bucket._upkeep.sync_relaxed()
        self.states = [self.state()]
        report = verify_home(self.home)
        assert report.ok, report.findings
        assert {digest for digest, _ in self.bucket.blobs.digests()} == set(self.owners.values())


class MemoryMachine(BucketMachine):
    """Memory has nothing to come back to."""

    restart = kill = close_engine = None  # type: ignore[assignment]

    def engine_factory(self) -> EngineFactory:
        return memory_engine

    @property
    def path(self) -> Path | None:
        return None


class PowerCutMachine(BucketMachine):
    """The engine loses what it was not made to sync. Files are as good as synced here."""

    kill = None  # type: ignore[assignment]
    honest = True

    def engine_factory(self) -> EngineFactory:
        return PowerCutDisk(honest=self.honest)

    @initialize()
    def create(self) -> None:
        self.write({b"\x02a": b"1"}, "strict", wait=True)

    @rule()
    def cut(self) -> None:
        self.close_snapshots()
        self.bucket._queue.wait_idle()
        assert isinstance(self.engines, PowerCutDisk)
        self.engines.cut()
        with contextlib.suppress(StoreClosedError):
            self.home.close()
        self.open()
        records = dict(self.bucket.scan(b"\x02", None))
        owners = {key[33:]: key[1:33].hex() for key, _ in self.bucket.scan(b"\x01", b"\x02")}
        assert (records, owners) in self.states
        self.records, self.owners = records, owners
        self.states = [(dict(records), dict(owners))]


def run(machine: type[BucketMachine], examples: int, steps: int = 30) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


@pytest.mark.parametrize("machine", [BucketMachine, MemoryMachine, PowerCutMachine])
def test_a_bucket_is_a_dict(machine: type[BucketMachine]) -> None:
    run(machine, 25)


class LyingDiskMachine(PowerCutMachine):
    honest = False


def test_the_machine_notices_a_disk_that_does_not_sync() -> None:
    with pytest.raises((AssertionError, TfjsdError)):
        run(LyingDiskMachine, 25)


@pytest.mark.torture
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("machine", [BucketMachine, MemoryMachine, PowerCutMachine])
def test_a_bucket_is_a_dict_at_length(machine: type[BucketMachine]) -> None:
    run(machine, 2000, 100)
