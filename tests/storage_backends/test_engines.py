"""Both engines pass the shared suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tfjsd.storage_backends.abc import OrderedEngine
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
