"""A connection to the daemon, apart from how its bytes are moved."""

from __future__ import annotations

import os
import socket
import struct

from .exchange import ConnectionLost, Exchange
from .messages import Request

SCRATCH = 1 << 16

UnixOrTCP = str | tuple[str, int]
"""The path of a unix socket, or host and port."""


class Connection:
    """One connected socket; carries one exchange at a time. Belongs to the process that opened it."""

    __slots__ = ("_scratch", "greeted", "host", "process", "socket")

    def __init__(self, connected: socket.socket, host: str) -> None:
        self.socket = connected
        self.host = host
        self.process = os.getpid()
        self.greeted = False
        self._scratch = memoryview(bytearray(SCRATCH))

    def exchange(self, request: Request, *, streamed: bool = False) -> Exchange:
        return Exchange(request, self.host, self._scratch, streamed=streamed)

    def is_stale(self) -> bool:
        """Whether the daemon has closed it, or it was opened by the process that this one was forked from."""
        if self.process != os.getpid():
            return True
        try:
            self.socket.setblocking(False)
            self.socket.recv(1, socket.MSG_PEEK)
            return True  # its end, or bytes that nobody asked for
        except BlockingIOError:
            return False
        except OSError:
            return True

    def peer_user(self) -> int | None:
        """The user as whom the other end runs: as the kernel says, or, where it does not tell, the owner of the socket.
        None over TCP."""
        if self.socket.family != socket.AF_UNIX:
            return None
        if hasattr(socket, "SO_PEERCRED"):
            credentials = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[1])
        return os.stat(self.socket.getpeername()).st_uid

    def close(self) -> None:
        """Closes this process's end. In a forked process the parent's connection is not disturbed."""
        self.socket.close()

    def __del__(self) -> None:
        self.close()  # a client works without `with`: who forgets it leaves nothing behind


def answered_anyway(exchange: Exchange, connected: socket.socket) -> bool:
    """Whether a request that the daemon stopped taking has its answer all the same: a refusal may have been sent
    before the connection was closed. Never waits."""
    try:
        connected.setblocking(False)
        while not exchange.complete:
            exchange.received(connected.recv_into(exchange.space()))
    except (OSError, ConnectionLost):
        return False
    return True
