"""Where the state machine's databases live: in memory, on LevelDB, behind a daemon's socket."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_database import IDBDatabase
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory
from tfjsd.testing.daemon_process import DaemonProcess

from .agreement import disagreements
from .homes import ORIGIN

CLIENTS = 3


class World(ABC):
    """``factory`` gives each client its own; a new one after ``lose``, ``crash`` and ``restart``."""

    crashes_at_any_time: ClassVar[bool] = False
    """Whether ``crash`` may come while a commit is under way."""

    @abstractmethod
    async def start(self) -> None: ...

    @abstractmethod
    def factory(self, client: int) -> IDBFactory: ...

    @abstractmethod
    async def lose(self, client: int, database: IDBDatabase) -> None:
        """The client dies: nothing is closed in order."""

    @abstractmethod
    async def crash(self) -> None:
        """All that was not committed is lost, with all clients' connections."""

    @abstractmethod
    async def restart(self) -> None:
        """In order; no connection is open."""

    async def let_go(self) -> None:  # noqa: B027 (most hold nothing then)
        """Whatever has happened, ``stop`` or a failure before it: nothing is left open."""

    @abstractmethod
    async def stop(self) -> None:
        """Raises AssertionError where what is stored does not agree with itself."""


class LocalWorld(World):
    """Several front ends on one bucket of this process."""

    def __init__(self) -> None:
        self._home: Home
        self._store: IndexedDBBackingStore

    @abstractmethod
    def _open(self) -> Home: ...

    def _serve(self) -> None:
        self._home = self._open()
        self._store = IndexedDBBackingStore(self._bucket, CHROME)

    @property
    def _bucket(self) -> Bucket:
        return self._home.bucket(ORIGIN)

    async def start(self) -> None:
        self._serve()

    def factory(self, client: int) -> IDBFactory:
        return IDBFactory(self._store)

    async def lose(self, client: int, database: IDBDatabase) -> None:
        connection: Any = database._connection
        connection.abandon()

    async def stop(self) -> None:
        self._store.close()
        wrong = disagreements(self._bucket)
        self._home.close()
        assert not wrong, f"{wrong}"


class MemoryWorld(LocalWorld):
    """What a crash takes is all there is: it is the front ends that die together."""

    def _open(self) -> Home:
        return Home(None, engines=memory_engine)

    async def crash(self) -> None:
        self._store.close()
        self._store = IndexedDBBackingStore(self._bucket, CHROME)

    async def restart(self) -> None:
        await self.crash()


class LevelDBWorld(LocalWorld):
    """A crash leaves the files as they are at that moment."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="tfjsd-machine-"))
        self._path = self._directory / "0"
        self._numbers = count(1)

    def _open(self) -> Home:
        return Home(self._path, engines=leveldb_factory(write_buffer_size=16 << 10), reserve_bytes=4096)

    async def crash(self) -> None:
        left = self._directory / str(next(self._numbers))
        while not _copied(self._path, left):  # a compaction was under way
            shutil.rmtree(left)
        self._store.close()
        self._home.close()
        shutil.rmtree(self._path)
        self._path = left
        self._serve()

    async def restart(self) -> None:
        self._store.close()
        self._home.close()
        self._serve()

    async def stop(self) -> None:
        try:
            await super().stop()
        finally:
            shutil.rmtree(self._directory)


def _copied(source: Path, target: Path) -> bool:
    """Copies a directory; whether nothing changed in it meanwhile."""
    before = _listed(source)
    with contextlib.suppress(shutil.Error):
        shutil.copytree(source, target)
        return _listed(source) == before
    return False


def _listed(directory: Path) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in directory.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            found[path] = status.st_size, status.st_mtime_ns
    return found


class SocketWorld(World):
    """Several clients of one daemon, which a crash kills. The daemon serves one world after the other."""

    crashes_at_any_time = True
    daemon: ClassVar[DaemonProcess]
    _origins: ClassVar[Any] = count(1)

    def __init__(self) -> None:
        self._origin = f"http://app-{next(self._origins)}.example"
        self._clients: list[Any] = []
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        for _ in range(CLIENTS):
            connecting = self.daemon.aconnect(origin=self._origin)
            self._clients.append(await self._stack.enter_async_context(connecting))

    def factory(self, client: int) -> IDBFactory:
        factory: IDBFactory = self._clients[client].indexed_db()
        return factory

    async def lose(self, client: int, database: IDBDatabase) -> None:
        connection: Any = database._connection
        connection._session._web_socket._transport.abort()

    async def crash(self) -> None:
        self.daemon.kill()
        self.daemon.start()
        await self._until_all_know()

    async def restart(self) -> None:
        self.daemon.restart()
        await self._until_all_know()

    async def _until_all_know(self) -> None:
        """The clients' loop has heard that their connections are gone."""
        stores = [store for client in self._clients for store in client._session.link.backing_stores.values()]
        sessions = [session for store in stores for session in store._sessions.values()]
        while not all(session.is_over for session in sessions):
            await asyncio.sleep(0.001)

    async def stop(self) -> None:
        report = await self._clients[0].verify()
        assert not report["problems"], report["problems"]

    async def let_go(self) -> None:
        await self._stack.aclose()
        await asyncio.sleep(0.01)  # transports are closed in a later turn of the loop


WORLDS: dict[str, Callable[[], World]] = {"memory": MemoryWorld, "leveldb": LevelDBWorld}
