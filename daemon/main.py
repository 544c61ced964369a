"""``tfjsd serve``."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import TfjsdError
from ..storage_backends import durable
from ..storage_backends.home import Home
from ..wire.addresses import LOG_FILE, Address
from ..wire.configuration import Configuration
from . import logs
from .ready import ReadyPipe

DETACHED_PATIENCE = 5.0
DETACHED_IDLE_EXIT = 600.0
"""Seconds; where nothing else is set, a daemon that nobody asked for by name does not stay for ever."""
_LARGEST_LOG = 8 << 20


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """``flags``: settings by key (``home``, ``socket``, ``browser``, ``idle_exit``, ``log.format``, …) that the command
    line gives; None is not given. ``detached``: started by a client, so that it logs into the home, and waits for a
    predecessor that is ending. ``ready_descriptor``: where to say ``ready``, or what went wrong."""

    flags: Mapping[str, object] = field(default_factory=dict)
    detached: bool = False
    ready_descriptor: int | None = None

    def configuration(self) -> Configuration:
        """What flags, environment and files say now. Raises ConfigurationError."""
        return Configuration.load(self.flags, defaults={"idle_exit": DETACHED_IDLE_EXIT} if self.detached else None)


def main(options: ServeOptions) -> int:
    """Serves until told to stop; returns the exit code.

    Raises (unless somebody listens at ``ready_descriptor``, who is told instead) ConfigurationError, HomeInUseError
    (exit code 75), DaemonUnavailableError where no socket can be made (69), UnsupportedFormatError, StoreFailedError.
    """
    ready = ReadyPipe(options.ready_descriptor)
    try:
        _serve(options, ready)
    except TfjsdError as error:
        if ready.failed(error):
            return error.exit_code
        raise
    return 0


def _serve(options: ServeOptions, ready: ReadyPipe) -> None:
    configuration = options.configuration()
    address = configuration.server_address()
    with without_tls():
        from . import eager_loop
        from .server import take_home
    home = take_home(address, DETACHED_PATIENCE if options.detached else 0.0)
    try:
        if options.detached:
            log_into(address.home)
        logs.configure(configuration["log.format"], configuration["log.level"])
        eager_loop.run(_run(options, configuration, address, home, ready))
    finally:
        home.close()


async def _run(
    options: ServeOptions, configuration: Configuration, address: Address, home: Home, ready: ReadyPipe
) -> None:
    import asyncio

    from .server import Server, forget_daemon_file, listen

    listener = listen(configuration, address)
    own_name = listener.path is not None
    address = Address(address.home, listener.address)
    server = Server(configuration, address, home, listener, autostarted=options.detached)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, server.reload, options.configuration)
    try:
        await server.run(ready)
    finally:
        listener.close()
        if own_name:
            forget_daemon_file(address.home)


@contextlib.contextmanager
def without_tls() -> Iterator[None]:
    """Modules that are imported in the block find no ``ssl``, which asyncio and aiohttp take well.

    aiohttp's client, which its server imports, reads the system's certificates at import: 35 of 250 ms and several
    megabytes for something that a unix socket has no use for.
    """
    if "ssl" in sys.modules:
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]  # the import system's way to say that there is none
    try:
        yield
    finally:
        del sys.modules["ssl"]


def log_into(home: Path) -> None:
    """Standard output and error become ``daemon.log``; a large one becomes ``daemon.log.1`` first."""
    log = home / LOG_FILE
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        durable.rename(log, log.with_suffix(".log.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
