"""The TCP listener, for web pages and for programs that cannot open a unix socket: on this machine's own address only.

``127.0.0.1`` and ``::1`` never leave the machine; every other address is refused, with or without a token.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from ..errors import ConfigurationError
from ..wire.web_address import authority

_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class LoopbackListener:
    """A listening socket and what browsers have to call it."""

    socket: socket.socket
    address: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.authority}"

    @property
    def authority(self) -> str:
        """``host:port`` as a Host header has it."""
        return authority(self.address, self.port)

    @property
    def hosts(self) -> frozenset[str]:
        """Every Host header that means this listener, word for word. ``localhost`` is a name that browsers never ask
        a name server for. Port 80 may be left out, as browsers do."""
        names = {self.authority, authority("localhost", self.port)}
        return frozenset(names | ({name.removesuffix(":80") for name in names} if self.port == 80 else set()))

    def close(self) -> None:
        self.socket.close()


def bind_loopback(address: str, port: int) -> LoopbackListener:
    """Listens there; port 0 takes a free one. Raises ConfigurationError where the port is taken or not allowed."""
    try:
        listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError as error:  # EAFNOSUPPORT: a kernel without it, or RestrictAddressFamilies= of systemd
        raise ConfigurationError(
            f"cannot listen on http://{authority(address, port)}: {error.strerror}",
            hint="if systemd runs it: tfjsd service install sets the service up for the http of the configuration",
        ) from error
    try:
        # A port in TIME_WAIT may be taken over; on Linux and macOS this does not share one that is listened on.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        hint = "choose another port, or 0 for a free one" if error.errno in (errno.EADDRINUSE, errno.EACCES) else None
        raise ConfigurationError(
            f"cannot listen on http://{authority(address, port)}: {error.strerror}", hint=hint
        ) from error
    return LoopbackListener(listening, address, listening.getsockname()[1])
