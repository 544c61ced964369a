"""A daemon of a test's own."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tfjsd

from ..errors import DaemonUnavailableError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from tfjsd import AsyncClient, Client

START_SECONDS = 30.0
STOP_SECONDS = 15.0


class DaemonProcess:
    """A daemon in another process, with a home and a socket that nobody else uses; nothing of the user's is read.

    ``home`` outlives ``kill`` and ``restart``. ``close`` ends the process and the clients that ``connect`` gave.
    """

    def __init__(self, home: Path, *, browser: str = "chrome") -> None:
        """Starts it, and returns once it answers. Raises DaemonUnavailableError, with what it logged."""
        self.home = home
        self.browser = browser
        # The address of a unix socket has about 100 bytes: pytest's directories are too deep.
        self._short = Path(tempfile.mkdtemp(prefix="tfjsd-"))
        self.socket = self._short / "s"
        self._log = home.parent / f"{home.name}.log"
        self._clients: list[Client] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def env(self) -> dict[str, str]:
        """The environment in which ``tfjsd`` and ``tfjsd.connect()`` of another process mean this daemon."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TFJSD_")}
        own = {"TFJSD_HOME": self.home, "TFJSD_SOCKET": self.socket, "XDG_CONFIG_HOME": self._short / "config"}
        return kept | {name: os.fspath(path) for name, path in own.items()} | {"TFJSD_AUTOSTART": "0"}

    @property
    def pid(self) -> int | None:
        """The process, or None where none runs."""
        return None if self._process is None else self._process.pid

    @property
    def logs(self) -> str:
        """All that it has written to its log, over restarts."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def connect(self, **options: Any) -> Client:
        """A client of it, closed with the fixture. The options are those of ``tfjsd.connect``."""
        client = tfjsd.connect(os.fspath(self.socket), home=os.fspath(self.home), autostart=False, **options)
        self._clients.append(client)
        return client

    def aconnect(self, **options: Any) -> AbstractAsyncContextManager[AsyncClient]:
        """As ``connect``, for ``async with``; the test closes it."""
        return tfjsd.aconnect(os.fspath(self.socket), home=os.fspath(self.home), autostart=False, **options)

    def cli(
        self,
        *args: str | os.PathLike[str],
        input: str | bytes | None = None,  # noqa: A002 (as subprocess.run has it)
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``tfjsd ARGS`` against it; gives exit code, stdout and stderr. With ``check`` a failure raises
        subprocess.CalledProcessError."""
        words = [sys.executable, "-P", "-m", "tfjsd", *(os.fspath(arg) for arg in args)]
        data = input.encode() if isinstance(input, str) else input or b""
        done = subprocess.run(words, env=self.env, capture_output=True, check=False, input=data)
        texts = (done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
        result = subprocess.CompletedProcess(words, done.returncode, *texts)
        if check:
            result.check_returncode()
        return result

    def start(self) -> None:
        """Starts it, unless it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        reader, writer = os.pipe()
        words = [sys.executable, "-P", "-m", "tfjsd", "serve", "--home", os.fspath(self.home)]
        words += ["--socket", os.fspath(self.socket), "--browser", self.browser, "--ready-fd", str(writer)]
        try:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(writer,), env=self.env
                )
            os.close(writer)
            writer = -1
            self._wait_until_ready(reader)
        finally:
            for descriptor in (reader, writer):
                if descriptor != -1:
                    os.close(descriptor)

    def kill(self) -> None:
        """Ends it at once, as a crash does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in order (SIGTERM)."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Ends it in order, if it runs, and starts it again on the same home and socket."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Frees everything but the home; idempotent."""
        clients, self._clients = self._clients, []
        for client in clients:
            client.close()
        self.stop()
        shutil.rmtree(self._short, ignore_errors=True)

    def __enter__(self) -> DaemonProcess:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise DaemonUnavailableError(f"The daemon had to be killed:\n{self.logs}") from None

    def _wait_until_ready(self, reader: int) -> None:
        readable, _, _ = select.select([reader], [], [], START_SECONDS)
        report = os.read(reader, 1 << 16) if readable else b"it reported nothing"
        if report != b"ready\n":
            self.kill()
            said = report.decode("utf-8", "replace").strip()
            raise DaemonUnavailableError(f"The daemon did not start: {said}\n{self.logs}")
