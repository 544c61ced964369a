"""What the service manager is told (sd_notify(3)) and hands over (sd_listen_fds(3))."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

_FIRST_DESCRIPTOR = 3


class Notifier:
    """Speaks to ``$NOTIFY_SOCKET``; without one it is silent."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environ)

    def notify(self, *lines: str) -> None:
        """Sends ``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``, ``STATUS=…``. A manager that does not listen is no error:
        the service goes on without it."""
        if not self._address:
            return
        # A leading @ stands for the NUL of an abstract socket.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(os.fsencode("\n".join(lines)), address)
            except OSError as error:
                from .logs import LOGGER

                LOGGER.warning("the service manager was not reached: %s", error)


def activated_sockets(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """The listening sockets that the service manager opened for this process; consumes the variables."""
    meant = environ.pop("LISTEN_PID", "") == str(os.getpid())
    count = environ.pop("LISTEN_FDS", "0")
    environ.pop("LISTEN_FDNAMES", None)
    if not meant or not count.isdecimal():
        return []
    descriptors = range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + int(count))
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]


def _watchdog_seconds(environ: MutableMapping[str, str]) -> float | None:
    """Half of what the manager allows between two signs of life, or None where it asks for none."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2_000_000
