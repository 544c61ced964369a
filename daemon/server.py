"""The life of one daemon: take the home, listen, answer, end without losing anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from aiohttp import web

from .. import __version__
from ..errors import HomeInUseError
from ..storage_backends import durable
from ..storage_backends.home import Home
from ..wire.addresses import DAEMON_FILE, Address
from ..wire.configuration import Configuration
from ..wire.limits import DEFAULT_LIMITS, MIB, Limits
from ..wire.protocol import PROTOCOL
from ..wire.schemas import DaemonFile
from .app import build_application, build_service, open_home
from .guard import socket_group
from .listener import UnixListener, adopt, bind
from .logs import LOGGER
from .loopback import LoopbackListener, bind_loopback
from .notification import Notifier, activated_sockets
from .ready import ReadyPipe
from .reloading import reload
from .service import Service

_LOCK_PAUSE = 0.02
_CUT_SECONDS = 0.2
_LINGER_SECONDS = 5.0
"""How long a body that was refused is read on, so that its sender comes to read the refusal."""
_LAST_WORK_SECONDS = 0.5
"""For threads whose clients are gone; what reads on is stopped by the end of the home."""
_DRAIN_PAUSE = 0.01
_TOKEN_PAUSE = 1.0
_READ_BUFFER = MIB // 2


def take_home(address: Address, patience: float) -> Home:
    """Opens the home; while another process holds it, waits up to ``patience`` seconds. Raises HomeInUseError."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return open_home(address)
        except HomeInUseError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_LOCK_PAUSE)


def listen(configuration: Configuration, address: Address) -> UnixListener:
    """The service manager's socket, or one of our own. The home's lock is held already."""
    activated = activated_sockets(os.environ)
    if activated:
        return adopt(activated)
    return bind(address.socket, group=socket_group(configuration))


class Server:
    """Serves one home on one socket until it is told to stop or has been idle for long enough."""

    def __init__(
        self,
        configuration: Configuration,
        address: Address,
        home: Home,
        listener: UnixListener,
        *,
        autostarted: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._configuration = configuration
        self._address = address
        self._home = home
        self._listener = listener
        self._autostarted = autostarted
        self._limits = limits
        self._notifier = Notifier(os.environ)
        self._stop = asyncio.Event()
        self._service: Service | None = None
        self._reloading: asyncio.Task[None] | None = None

    async def run(self, ready: ReadyPipe) -> None:
        """Returns when everything that was accepted is answered and durable, and the home is free again."""
        with contextlib.ExitStack() as opened:
            loopback = self._listen_on_loopback()
            if loopback is not None:
                opened.callback(loopback.close)
            await self._serve(loopback, ready)

    async def _serve(self, loopback: LoopbackListener | None, ready: ReadyPipe) -> None:
        service = build_service(
            self._configuration,
            self._address,
            self._home,
            self._limits,
            loopback=loopback,
            autostarted=self._autostarted,
        )
        await service.synchronizer.start(self._configuration["sync.pairs"])
        runner = await self._set_up(service)
        accepting = await asyncio.get_running_loop().create_unix_server(
            service.connections,
            sock=self._listener.socket,
            **_keep_name(),  # type: ignore[arg-type]
        )
        web_accepting = None
        if loopback is not None:
            web_accepting = await asyncio.get_running_loop().create_server(service.connections, sock=loopback.socket)
        self._write_daemon_file(None if loopback is None else loopback.url)
        self._service = service
        self._announce(ready)
        async with _background(
            service.connections.sweep(), self._watchdog(), self._watch_idle(service), _watch_token(service)
        ):
            await self._stop.wait()
        if web_accepting is not None:
            web_accepting.close()
        await self._drain(service, accepting)
        await service.synchronizer.stop()
        await runner.cleanup()
        await service.workers.close(_LAST_WORK_SECONDS)

    def _listen_on_loopback(self) -> LoopbackListener | None:
        address = self._configuration["http"]
        return None if address is None else bind_loopback(address.host, address.port)

    async def _set_up(self, service: Service) -> web.AppRunner:
        runner = web.AppRunner(
            build_application(service), access_log=None, handle_signals=False, shutdown_timeout=_CUT_SECONDS
        )
        await runner.setup()
        assert runner.server is not None
        service.connections.serve(
            runner.server,
            access_log=None,
            keepalive_timeout=self._limits.keep_alive_seconds,
            max_line_size=self._limits.request_line_bytes,
            max_field_size=self._limits.request_headers_bytes,
            read_bufsize=_READ_BUFFER,
            auto_decompress=False,
            lingering_time=_LINGER_SECONDS,
        )
        return runner

    def stop(self) -> None:
        """Ends ``run`` soon."""
        self._stop.set()

    def reload(self, load: Callable[[], Configuration]) -> None:
        """Takes over what a new configuration may change without a restart. One that is wrong is logged; all stays."""
        if self._service is not None:
            self._reloading = asyncio.create_task(reload(self._service, load, self._notifier))

    def _announce(self, ready: ReadyPipe) -> None:
        ready.ready()
        self._notifier.notify("READY=1", f"STATUS=serving {self._address.home}")
        LOGGER.info(
            "ready", extra={"home": str(self._address.home), "socket": str(self._address.socket), "pid": os.getpid()}
        )
        self._warn_of_an_open_home()

    def _warn_of_an_open_home(self) -> None:
        """One that was there before keeps its mode: who made it so may have meant it."""
        mode = stat.S_IMODE(self._address.home.stat().st_mode)
        if mode & 0o077:
            advice = f"chmod 700 {self._address.home}"
            LOGGER.warning("the home is open to others", extra={"mode": f"{mode:04o}", "help": advice})

    async def _watchdog(self) -> None:
        """A sign of life from the loop itself: one that hangs gives none."""
        while self._notifier.watchdog_seconds is not None:
            self._notifier.notify("WATCHDOG=1")
            await asyncio.sleep(self._notifier.watchdog_seconds)

    async def _watch_idle(self, service: Service) -> None:
        # Nobody would start it again for a page that comes back.
        allowed: float | None = None if service.loopback is not None else self._configuration["idle_exit"]
        while allowed is not None and not self._stop.is_set():
            rest = allowed - service.activity.idle_seconds()
            if rest <= 0:
                LOGGER.info("idle", extra={"seconds": allowed})
                self.stop()
            await asyncio.sleep(min(max(rest, 0.01), 1.0))

    async def _drain(self, service: Service, accepting: asyncio.Server) -> None:
        """Whoever has connected is answered; whoever connects now finds no socket, and starts or awaits the next
        daemon. What has not been answered within the limit is cut off, its commits are finished all the same."""
        self._notifier.notify("STOPPING=1")
        self._listener.remove_name()
        for _ in range(3):  # what waits in the backlog is accepted
            await asyncio.sleep(0)
        accepting.close()
        service.activity.drain()
        deadline = time.monotonic() + self._limits.drain_seconds
        while time.monotonic() < deadline:
            service.connections.close_idle()
            if not len(service.connections):
                break
            await asyncio.sleep(_DRAIN_PAUSE)
        service.activity.refuse()
        LOGGER.info("stopping", extra={"unfinished": service.activity.running})

    def _write_daemon_file(self, http: str | None) -> None:
        content: DaemonFile = {
            "pid": os.getpid(),
            "socket": os.fspath(self._address.socket),
            "http": http,
            "version": __version__,
            "protocol": PROTOCOL,
            "home": os.fspath(self._address.home),
        }
        durable.write_file(self._address.home / DAEMON_FILE, json.dumps(content, indent=2).encode() + b"\n")


def forget_daemon_file(home: Path) -> None:
    """Takes away the file that says where the daemon listens; the home is still held."""
    durable.unlink(home / DAEMON_FILE)


async def _watch_token(service: Service) -> None:
    """A stream that was opened with a token that has been rotated ends within the second."""
    while service.loopback is not None:
        service.connections.cut_admitted(before_rotation=service.web_guard.notice_rotation())
        await asyncio.sleep(_TOKEN_PAUSE)


@contextlib.asynccontextmanager
async def _background(*coroutines: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs coroutines beside the block, and cancels them at its end. One that fails ends the block with an
    ExceptionGroup."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in coroutines]
        yield
        for task in tasks:
            task.cancel()


def _keep_name() -> dict[str, bool]:
    """From Python 3.13 on asyncio would remove the socket's name itself, whoever it belongs to by then."""
    import sys

    return {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
