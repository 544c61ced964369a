"""What the tests are run on: in memory, on LevelDB, through a daemon's socket."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from client_support.daemon_thread import running_daemon

import tfjsd
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory


@asynccontextmanager
async def in_memory() -> AsyncIterator[IDBFactory]:
    async with tfjsd.aopen_store(None) as store:
        yield store.indexed_db()


@asynccontextmanager
async def on_leveldb() -> AsyncIterator[IDBFactory]:
    home = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    try:
        async with tfjsd.aopen_store(home) as store:
            yield store.indexed_db()
    finally:
        shutil.rmtree(home)


@asynccontextmanager
async def through_a_daemon() -> AsyncIterator[IDBFactory]:
    with running_daemon() as daemon:
        async with tfjsd.aconnect(home=daemon.home, autostart=False) as client:
            yield client.indexed_db()


STORES: dict[str, Callable[[], AbstractAsyncContextManager[IDBFactory]]] = {
    "memory": in_memory,
    "leveldb": on_leveldb,
    "daemon": through_a_daemon,
}
