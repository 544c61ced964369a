"""A daemon that listens on loopback TCP as well, and what talks to it there."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from tfjsd.daemon.listener import bind
from tfjsd.daemon.ready import ReadyPipe
from tfjsd.daemon.server import Server, take_home
from tfjsd.wire.addresses import DAEMON_FILE, Address
from tfjsd.wire.configuration import Configuration
from tfjsd.wire.limits import DEFAULT_LIMITS
from tfjsd.wire.token_file import read_token

LISTED = "https://app.example"


class LoopbackDaemon:
    """A daemon in a thread of this process."""

    def __init__(self, directory: Path, limits: Mapping[str, Any], flags: Mapping[str, object]) -> None:
        self.home = directory / "home"
        self.socket = directory / "s"
        given = {"home": self.home, "socket": self.socket, "http": "127.0.0.1:0", "access.origins": [LISTED], **flags}
        configuration = Configuration.load(given, environ={"HOME": str(directory)}, files=())
        address = Address(self.home, self.socket)
        self.store = take_home(address, 0)
        listener = bind(self.socket, group=None)
        self._server = Server(configuration, address, self.store, listener, limits=replace(DEFAULT_LIMITS, **limits))
        reader, writer = os.pipe()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(writer)))
        self._thread.start()
        said = os.read(reader, 1 << 16)
        os.close(reader)
        assert said == b"ready\n", said
        self.url = json.loads((self.home / DAEMON_FILE).read_bytes())["http"]
        self.port = int(self.url.rpartition(":")[2])

    @property
    def token(self) -> str:
        found = read_token(self.home)
        assert found is not None
        return found

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case), body; nothing is added to ``headers``."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, target, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def raw(self, data: bytes, *, timeout: float = 10.0) -> bytes:
        """The first that is answered to these very bytes; nothing where the daemon goes on waiting for more."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            try:
                connection.sendall(data)
                return connection.recv(1 << 16)
            except (TimeoutError, ConnectionError):
                return b""

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(20)
        self.store.close()

    async def _run(self, writer: int) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.run(ReadyPipe(writer))


@contextmanager
def running(limits: Mapping[str, Any] | None = None, **flags: object) -> Iterator[LoopbackDaemon]:
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    daemon = LoopbackDaemon(directory, limits or {}, flags)
    try:
        yield daemon
    finally:
        daemon.stop()
        rmtree(directory)


@pytest.fixture(scope="module")
def loopback() -> Iterator[LoopbackDaemon]:
    """One daemon for all tests of a file."""
    with running() as daemon:
        yield daemon


@pytest.fixture
def loopback_daemon() -> Callable[..., Any]:
    """Makes a daemon of the test's own: ``with loopback_daemon(limits, **flags) as daemon``."""
    return running
