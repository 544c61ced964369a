"""Daemons to talk to, in this process or in one of their own, and a client that knows no more than HTTP."""

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tfjsd.daemon import eager_loop
from tfjsd.daemon.listener import bind
from tfjsd.daemon.ready import ReadyPipe
from tfjsd.daemon.server import Server, take_home
from tfjsd.wire.addresses import Address
from tfjsd.wire.configuration import Configuration
from tfjsd.wire.limits import DEFAULT_LIMITS
from tfjsd.wire.model_body import ModelBodyDecoder

SERVE = """
import json, sys
from tfjsd.daemon.main import ServeOptions, main
from tfjsd.errors import TfjsdError
given = json.loads(sys.argv[1])
try:
    code = main(ServeOptions(given["flags"], given["detached"], given["ready"]))
except TfjsdError as error:
    print(error, file=sys.stderr)
    code = error.exit_code
sys.exit(code)
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float = 30) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def model(self) -> tuple[dict[str, Any], bytes]:
        """Header and weights of a model body."""
        decoder = ModelBodyDecoder(header_limit=1 << 26, weights_limit=1 << 34)
        weights = bytes(decoder.feed(self.body))
        header = decoder.finish()
        return json.loads(header.to_text()), weights


class Remote:
    """A daemon as its clients see it."""

    def __init__(self, home: Path, path: Path) -> None:
        self.home = home
        self.socket = path

    def connection(self, timeout: float = 30) -> UnixConnection:
        return UnixConnection(self.socket, timeout)

    def request(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 30
    ) -> Answer:
        """A dict or list is sent as JSON."""
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        with contextlib.closing(self.connection(timeout)) as connection:
            connection.request(method, target, body, dict(headers or {}))
            with connection.getresponse() as response:
                return Answer(response)

    def get(self, target: str, **headers: str) -> Answer:
        return self.request("GET", target, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def save(self, target: str, weights: bytes = b"", **fields: Any) -> Answer:
        return self.request(
            "PUT", target, model_body(weights, **fields), {"Content-Type": "application/vnd.tfjsd.model"}
        )

    @staticmethod
    def model_body(weights: bytes, **fields: Any) -> bytes:
        return model_body(weights, **fields)

    @staticmethod
    def model_header(size: int, **fields: Any) -> bytes:
        return model_header(size, **fields)

    def load(self, target: str) -> tuple[dict[str, Any], bytes]:
        return self.get(target, Accept="application/vnd.tfjsd.model").model

    def local_storage(self, *operations: dict[str, Any], **members: Any) -> Answer:
        body = {"ops": list(operations), **members} if members or len(operations) != 1 else operations[0]
        return self.request("POST", "/v1/local-storage", body)


def model_header(size: int | None, **fields: Any) -> bytes:
    """A header whose specs say that the weights are ``size`` bytes."""
    specs = [{"name": "w", "shape": [size or 0], "dtype": "bool"}]
    content = {"modelTopology": {"class_name": "Sequential"}, "weightSpecs": specs, "format": "layers-model"} | fields
    if size is not None:
        content.setdefault("weightDataBytes", size)
    text = json.dumps({name: value for name, value in content.items() if value is not ...}).encode()
    return struct.pack("<I", len(text)) + text


def model_body(weights: bytes, **fields: Any) -> bytes:
    return model_header(len(weights), **fields) + weights


class InProcess(Remote):
    """A daemon in a thread of this process."""

    def __init__(self, directory: Path, limits: Mapping[str, Any], flags: Mapping[str, object]) -> None:
        super().__init__(directory / "home", directory / "s" / "tfjsd.sock")
        flags = {"home": self.home, "socket": self.socket, **flags}
        configuration = Configuration.load(flags, environ={"HOME": str(directory)}, files=())
        address = Address(self.home, self.socket)
        self.store = take_home(address, 0)
        listener = bind(self.socket, group=None)
        self.server = Server(configuration, address, self.store, listener, limits=replace(DEFAULT_LIMITS, **limits))
        reader, writer = os.pipe()
        self._thread = threading.Thread(target=lambda: eager_loop.run(self._run(writer)))
        self._thread.start()
        assert os.read(reader, 100) == b"ready\n"
        os.close(reader)

    async def _run(self, writer: int) -> None:
        self._loop = asyncio.get_running_loop()
        await self.server.run(ReadyPipe(writer))

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.server.stop)
            self._thread.join(20)
        self.store.close()


class Process(Remote):
    """A daemon in a process of its own."""

    def __init__(
        self,
        directory: Path,
        *,
        environ: Mapping[str, str] | None = None,
        detached: bool = False,
        wait: bool = True,
        piped: bool = True,
        pass_fds: tuple[int, ...] = (),
        within: Sequence[str] = (),
        **flags: object,
    ) -> None:
        """``within``: a command that becomes the one that its last arguments are."""
        super().__init__(directory / "home", Path(str(flags.pop("socket", directory / "s" / "tfjsd.sock"))))
        self.environ = {**os.environ, **(environ or {})}
        settings = {"home": str(self.home), "socket": str(self.socket), **flags}
        reader, writer = os.pipe()
        given = json.dumps({"flags": settings, "detached": detached, "ready": writer if piped else None})
        self.popen = subprocess.Popen(
            [*within, sys.executable, "-c", SERVE, given],
            pass_fds=(writer, *pass_fds),
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        os.close(writer)
        self.report = b""
        if wait and piped:
            while piece := os.read(reader, 1 << 16):
                self.report += piece
        os.close(reader)

    @property
    def ready(self) -> bool:
        return self.report == b"ready\n"

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def resident(self, field: str = "VmRSS") -> int:
        """Bytes, as Linux counts them."""
        for line in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise LookupError(field)

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout: float = 20) -> int:
        try:
            self.errors = self.popen.communicate(timeout=timeout)[1]
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.communicate()
            raise
        return self.popen.returncode


class Daemons:
    """Makes daemons, and ends them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._running: list[InProcess | Process] = []

    def in_process(self, name: str = "a", *, limits: Mapping[str, Any] | None = None, **flags: object) -> InProcess:
        daemon = InProcess(self._place(name), limits or {}, flags)
        self._running.append(daemon)
        return daemon

    def process(self, name: str = "a", **options: Any) -> Process:
        daemon = Process(self._place(name), **options)
        self._running.append(daemon)
        return daemon

    def remote(self, home: Path, path: Path) -> Remote:
        """A daemon that the test started itself."""
        return Remote(home, path)

    def _place(self, name: str) -> Path:
        place = self.directory / name
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def close(self) -> None:
        for daemon in self._running:
            daemon.stop()


@contextlib.contextmanager
def _daemons() -> Iterator[Daemons]:
    # pytest's own directories are too deep for the name of a socket.
    directory = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    daemons = Daemons(directory)
    try:
        yield daemons
    finally:
        daemons.close()
        shutil.rmtree(directory)


@pytest.fixture
def daemons() -> Iterator[Daemons]:
    """Makes daemons for one test."""
    with _daemons() as made:
        yield made


@pytest.fixture(scope="module")
def daemon() -> Iterator[InProcess]:
    """One daemon for all tests of a file, which use names of their own."""
    with _daemons() as made:
        yield made.in_process()


@pytest.fixture
def eventually():
    """Waits until a condition holds; the test's own timeout is the limit."""

    def wait(condition, pause: float = 0.01):
        while not (value := condition()):
            time.sleep(pause)
        return value

    return wait
