"""A real daemon in a thread of the test's process: it is there in milliseconds, in a home of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tfjsd.daemon import eager_loop
from tfjsd.daemon.listener import bind
from tfjsd.daemon.ready import ReadyPipe
from tfjsd.daemon.server import Server, take_home
from tfjsd.wire.addresses import Address
from tfjsd.wire.configuration import Configuration


class DaemonThread:
    """Serves ``home`` until ``stop``; ``start`` serves it again."""

    def __init__(self, home: Path, browser: str = "chrome") -> None:
        self.home = home
        self.browser = browser
        self.socket = home / "tfjsd.sock"
        self.start()

    def start(self) -> None:
        configuration = Configuration.load(
            {"home": self.home, "socket": self.socket, "browser": self.browser}, environ={}, files=()
        )
        address = Address(self.home, self.socket)
        self._store = take_home(address, 0)
        self._server = Server(configuration, address, self._store, bind(self.socket, group=None))
        reader, writer = os.pipe()
        self._thread = threading.Thread(target=lambda: eager_loop.run(self._run(writer)))
        self._thread.start()
        said = os.read(reader, 1 << 16)
        os.close(reader)
        assert said == b"ready\n", said

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(20)
        self._store.close()

    async def _run(self, writer: int) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.run(ReadyPipe(writer))


@contextmanager
def short_directory() -> Iterator[Path]:
    """pytest's own directories may be too deep for the name of a socket."""
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def running_daemon(browser: str = "chrome") -> Iterator[DaemonThread]:
    """A daemon on an empty home."""
    with short_directory() as directory:
        daemon = DaemonThread(directory, browser)
        try:
            yield daemon
        finally:
            daemon.stop()
