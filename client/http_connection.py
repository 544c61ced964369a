"""HTTP/1.1 over a plain socket, blocking."""

from __future__ import annotations

import socket
import time

from ..wire.web_address import authority
from .connection import Connection, UnixOrTCP, answered_anyway
from .exchange import Exchange

_BACKLOG_PAUSE = 0.01


def open_connection(address: UnixOrTCP, timeout: float | None) -> Connection:
    """Connects. Raises OSError, TimeoutError included."""
    if not isinstance(address, str):
        connected = socket.create_connection(address, timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(connected, authority(*address))
    deadline = None if timeout is None else time.monotonic() + timeout
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)
        while True:
            try:
                connected.connect(address)
                return Connection(connected, "localhost")
            except BlockingIOError:  # the backlog is full; the kernel does not say when it no longer is
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError(f"{address} takes no connection") from None
                time.sleep(_BACKLOG_PAUSE)
    except BaseException:
        connected.close()
        raise


def transfer(connection: Connection, exchange: Exchange, timeout: float | None) -> None:
    """Sends the request and receives the answer. ``timeout``: the longest time without any progress.

    Raises ConnectionLost.
    """
    send(connection, exchange, timeout)
    while not exchange.complete:
        receive(connection, exchange, timeout)


def send(connection: Connection, exchange: Exchange, timeout: float | None) -> None:
    """Sends the whole request, unless the daemon has answered before. What the body's source raises passes through."""
    connected = connection.socket
    connected.settimeout(timeout)
    while buffers := exchange.unsent():
        try:
            count = connected.sendmsg(buffers)
        except OSError as error:
            if isinstance(error, TimeoutError) or not answered_anyway(exchange, connected):
                raise exchange.lost(error, timeout) from error
            return
        exchange.sent(count)


def receive(connection: Connection, exchange: Exchange, timeout: float | None) -> None:
    """Receives something of the answer."""
    connected = connection.socket
    connected.settimeout(timeout)
    try:
        count = connected.recv_into(exchange.space())
    except OSError as error:
        raise exchange.lost(error, timeout) from error
    exchange.received(count)
