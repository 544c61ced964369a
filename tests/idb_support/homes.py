"""Homes on either engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjsd.storage_backends.abc import EngineFactory
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home

ORIGIN = "https://app.example"
ENGINES = ("memory", "leveldb")


def open_home(engine: str, path: Path) -> Home:
    """A memory home starts empty each time; a LevelDB home at the same path goes on where it was."""
    if engine == "memory":
        return Home(None, engines=memory_engine)
    factory: EngineFactory = leveldb_factory()
    return Home(path / "home", engines=factory, reserve_bytes=4096)


each_engine = pytest.mark.parametrize("engine", ENGINES)
