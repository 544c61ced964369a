"""What every OrderedEngine does."""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod

import pytest

from ...errors import StoreClosedError
from ...storage_backends.abc import OrderedEngine, WriteBatch

KEYS = [b"", b"\x00", b"\x00\x00", b"a", b"a\x00", b"ab", b"b", b"\x7f", b"\x80", b"\xff", b"\xff\xff"]


def batch(*operations: tuple[bytes, bytes | None]) -> WriteBatch:
    return WriteBatch(list(operations))


class OrderedEngineConformance(ABC):
    """Subclasses give the fixture ``engine`` (empty) and raw access that bypasses the engine's own methods."""

    @abstractmethod
    def engine(self) -> OrderedEngine:
        """Fixture: an empty engine; closed by it afterwards."""

    @abstractmethod
    def raw_get(self, engine: OrderedEngine, key: bytes) -> bytes | None: ...

    @abstractmethod
    def raw_set(self, engine: OrderedEngine, key: bytes, value: bytes) -> None: ...

    def test_a_written_value_is_stored(self, engine: OrderedEngine) -> None:
        engine.write(batch((b"k", b"v")), sync=True)
        assert self.raw_get(engine, b"k") == b"v"

    def test_a_stored_value_is_read(self, engine: OrderedEngine) -> None:
        self.raw_set(engine, b"k", b"v")
        assert engine.get(b"k") == b"v"
        assert list(engine.scan(b"", None)) == [(b"k", b"v")]

    def test_a_missing_key_is_none(self, engine: OrderedEngine) -> None:
        assert engine.get(b"k") is None

    def test_empty_and_large_values(self, engine: OrderedEngine) -> None:
        large = random.Random(0).randbytes(300_000)
        engine.write(batch((b"empty", b""), (b"large", large)), sync=False)
        assert engine.get(b"empty") == b""
        assert engine.get(b"large") == large

    def test_a_batch_applies_in_order(self, engine: OrderedEngine) -> None:
        engine.write(batch((b"k", b"1"), (b"k", None), (b"k", b"2"), (b"l", b"3"), (b"l", None)), sync=True)
        assert list(engine.scan(b"", None)) == [(b"k", b"2")]

    def test_deleting_what_is_missing_is_fine(self, engine: OrderedEngine) -> None:
        engine.write(batch((b"k", None)), sync=True)
        engine.write(batch(), sync=True)
        assert list(engine.scan(b"", None)) == []

    def test_keys_are_ordered_bytewise(self, engine: OrderedEngine) -> None:
        shuffled = random.Random(1).sample(KEYS, len(KEYS))
        engine.write(batch(*((key, key) for key in shuffled)), sync=False)
        assert [key for key, _ in engine.scan(b"", None)] == KEYS
        assert [key for key, _ in engine.scan(b"", None, reverse=True)] == KEYS[::-1]

    @pytest.mark.parametrize("reverse", [False, True])
    def test_a_range_includes_its_start_and_not_its_stop(self, engine: OrderedEngine, reverse: bool) -> None:
        engine.write(batch(*((key, b"") for key in KEYS)), sync=False)
        for start in KEYS:
            for stop in [*KEYS, None]:
                expected = [key for key in KEYS if start <= key and (stop is None or key < stop)]
                found = [key for key, _ in engine.scan(start, stop, reverse=reverse)]
                assert found == (expected[::-1] if reverse else expected), (start, stop)
                first = engine.first(start, stop)
                assert first == ((expected[0], b"") if expected else None), (start, stop)

    def test_the_first_record_is_the_first_that_is_left(self, engine: OrderedEngine) -> None:
        engine.write(batch(*((b"%04d" % n, b"") for n in range(600))), sync=False)
        engine.write(batch(*((b"%04d" % n, None) for n in range(500))), sync=False)
        assert engine.first(b"", None) == (b"0500", b"")
        assert engine.first(b"0000", b"0500") is None
        with engine.snapshot() as snapshot:
            engine.write(batch((b"0500", None)), sync=False)
            assert snapshot.first(b"0499", b"0501") == (b"0500", b"")
            assert engine.first(b"0499", b"0501") is None

    def test_a_scan_sees_the_state_of_its_call(self, engine: OrderedEngine) -> None:
        engine.write(batch((b"a", b"1"), (b"b", b"1"), (b"c", b"1")), sync=False)
        scan = engine.scan(b"", None)
        engine.write(batch((b"a", None), (b"b", b"2"), (b"d", b"2")), sync=False)
        assert next(scan) == (b"a", b"1")
        engine.write(batch((b"c", None)), sync=False)
        assert list(scan) == [(b"b", b"1"), (b"c", b"1")]
        assert list(engine.scan(b"", None)) == [(b"b", b"2"), (b"d", b"2")]

    def test_a_snapshot_keeps_its_state(self, engine: OrderedEngine) -> None:
        engine.write(batch(*((b"%04d" % n, b"old") for n in range(1000))), sync=False)
        with engine.snapshot() as snapshot:
            for n in range(1000):
                engine.write(batch((b"%04d" % n, b"new" if n % 2 else None), (b"x%04d" % n, b"new")), sync=False)
            assert snapshot.get(b"0000") == b"old"
            assert snapshot.get(b"x0000") is None
            assert list(snapshot.scan(b"", None)) == [(b"%04d" % n, b"old") for n in range(1000)]
            assert list(snapshot.scan(b"0998", None, reverse=True)) == [(b"0999", b"old"), (b"0998", b"old")]
        assert len(list(engine.scan(b"", None))) == 1500

    def test_snapshots_of_different_times_are_apart(self, engine: OrderedEngine) -> None:
        snapshots = []
        for number in range(5):
            engine.write(batch((b"k", b"%d" % number)), sync=False)
            snapshots.append(engine.snapshot())
        snapshots.pop(1).close()
        assert [snapshot.get(b"k") for snapshot in snapshots] == [b"0", b"2", b"3", b"4"]
        for snapshot in snapshots:
            snapshot.close()
            snapshot.close()
        engine.write(batch((b"k", None)), sync=False)
        assert list(engine.scan(b"", None)) == []

    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("size", [0, 100, 100_000])
    def test_a_long_scan_gives_each_record_once(self, engine: OrderedEngine, reverse: bool, size: int) -> None:
        records = [(b"%04d" % n, bytes(size if n % 50 == 0 else 10)) for n in range(1200)]
        engine.write(batch(*records), sync=False)
        expected = records[100:1100]
        assert list(engine.scan(b"0100", b"1100", reverse=reverse)) == (expected[::-1] if reverse else expected)

    def test_an_abandoned_scan_is_harmless(self, engine: OrderedEngine) -> None:
        engine.write(batch(*((key, b"1") for key in KEYS)), sync=False)
        for _ in range(100):
            next(engine.scan(b"", None))
        engine.write(batch(*((key, None) for key in KEYS)), sync=True)
        assert list(engine.scan(b"", None)) == []

    def test_sync_and_compact_change_nothing(self, engine: OrderedEngine) -> None:
        engine.write(batch(*((b"%04d" % n, bytes(1000)) for n in range(500))), sync=False)
        engine.write(batch(*((b"%04d" % n, None) for n in range(400))), sync=False)
        engine.sync()
        engine.compact(b"", b"\xff")
        assert [key for key, _ in engine.scan(b"", None)] == [b"%04d" % n for n in range(400, 500)]

    def test_readers_of_other_threads_never_see_half_a_batch(self, engine: OrderedEngine) -> None:
        engine.write(batch((b"a", b"0"), (b"z", b"0")), sync=False)
        seen: list[tuple[bytes, ...]] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                seen.append(tuple(value for _, value in engine.scan(b"", None)))

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(300):
            engine.write(batch((b"a", b"%d" % number), (b"z", b"%d" % number)), sync=False)
        done.set()
        reader.join()
        assert all(first == last for first, last in seen)

    def test_a_closed_engine_says_so(self, engine: OrderedEngine) -> None:
        engine.write(batch((b"k", b"v")), sync=True)
        engine.close()
        engine.close()
        with pytest.raises(StoreClosedError):
            engine.get(b"k")
        with pytest.raises(StoreClosedError):
            engine.write(batch((b"k", b"v")), sync=False)
        with pytest.raises(StoreClosedError):
            engine.first(b"", None)
        with pytest.raises(StoreClosedError):
            list(engine.scan(b"", None))
        with pytest.raises(StoreClosedError):
            engine.snapshot()

    def test_closing_under_readers_ends_them_with_an_error(self, engine: OrderedEngine) -> None:
        engine.write(batch(*((b"%05d" % n, bytes(100)) for n in range(5000))), sync=False)
        ended: list[BaseException] = []
        started = threading.Barrier(4)

        def read() -> None:
            snapshot = engine.snapshot()
            started.wait()
            try:
                while True:
                    for key, _ in snapshot.scan(b"", None):
                        engine.get(key)
            except StoreClosedError as error:
                ended.append(error)
            snapshot.close()

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        started.wait()
        engine.close()
        for reader in readers:
            reader.join(20)
        assert len(ended) == 3
