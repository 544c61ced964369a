"""Both engines pass the shared suite."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tfjsd.errors import CorruptionError
from tfjsd.storage_backends.abc import OrderedEngine, WriteBatch
from tfjsd.storage_backends.engines.faulty import Faults, PowerCutDisk, faulty_factory
from tfjsd.storage_backends.engines.leveldb import LevelDBEngine, leveldb_engine
from tfjsd.storage_backends.engines.memory import MemoryEngine
from tfjsd.testing.conformance.ordered_engine import OrderedEngineConformance


class TestMemoryEngine(OrderedEngineConformance):
    @pytest.fixture
    def engine(self) -> Iterator[OrderedEngine]:
        engine = MemoryEngine()
        yield engine
        engine.close()

    def raw_get(self, engine: Any, key: bytes) -> bytes | None:
        return engine._versions[key][-1][1]

    def raw_set(self, engine: Any, key: bytes, value: bytes) -> None:
        engine._versions[key] = ((0, value),)


class TestLevelDBEngine(OrderedEngineConformance):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[OrderedEngine]:
        engine = LevelDBEngine(tmp_path / "db", create=True, write_buffer_size=64 * 1024)
        yield engine
        engine.close()

    def raw_get(self, engine: Any, key: bytes) -> bytes | None:
        return engine._db.get(key)

    def raw_set(self, engine: Any, key: bytes, value: bytes) -> None:
        engine._db.put(key, value)


class TestFaultyEngineWithoutFaults(TestLevelDBEngine):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[OrderedEngine]:
        engine = faulty_factory(leveldb_engine, Faults())(tmp_path / "db", create=True)
        yield engine
        engine.close()

    def raw_get(self, engine: Any, key: bytes) -> bytes | None:
        return engine._inner._db.get(key)

    def raw_set(self, engine: Any, key: bytes, value: bytes) -> None:
        engine._inner._db.put(key, value)


class TestPowerCutEngine(TestMemoryEngine):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[OrderedEngine]:
        engine = PowerCutDisk()(tmp_path / "db", create=True)
        yield engine
        engine.close()


def test_what_lies_before_damage_is_read(tmp_path: Path) -> None:
    """Reading ahead meets damage that nobody asked about yet."""
    batch = WriteBatch([(b"%03d" % number, random.Random(number).randbytes(4096)) for number in range(100)])
    engine = LevelDBEngine(tmp_path / "db", create=True)
    engine.write(batch, sync=True)
    engine.compact(b"", b"\xff")
    whole = list(engine.scan(b"", None))
    engine.close()
    (table,) = (tmp_path / "db").glob("*.ldb")
    data = bytearray(table.read_bytes())
    data[data.index(whole[13][1]) + 100] ^= 1
    table.write_bytes(data)
    engine = LevelDBEngine(tmp_path / "db", create=False)
    found: list[tuple[bytes, bytes]] = []
    scan = engine.scan(b"", None)
    with pytest.raises(CorruptionError):
        found.extend(scan)
    assert found == whole[: len(found)]
    assert len(found) >= 12
    assert [key for key, _ in islice(engine.scan(b"", None), 10)] == [key for key, _ in whole[:10]]
    engine.close()


def test_reading_ahead_is_bounded_in_bytes(tmp_path: Path) -> None:
    engine = LevelDBEngine(tmp_path / "db", create=True)
    small = [(b"a%03d" % number, b"") for number in range(255)]
    large = [(b"b%03d" % number, bytes(128 << 10)) for number in range(60)]
    engine.write(WriteBatch([*small, *large]), sync=True)
    steps, take = [], engine._take

    def watched(iterator: Any, count: int) -> Any:
        found = take(iterator, count)
        steps.append(sum(len(value) for _, value in found[0]))
        return found

    engine._take = watched  # type: ignore[method-assign]
    assert list(engine.scan(b"", None)) == [*small, *large]
    assert max(steps) <= (256 + 128) << 10
    engine.close()
