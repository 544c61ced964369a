"""HTTP/1.1 over a plain socket, on the running asyncio loop (which must have ``add_reader``: not Windows' proactor)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from ..wire.web_address import authority
from .connection import Connection, UnixOrTCP, answered_anyway
from .exchange import Exchange

_BACKLOG_PAUSE = 0.01
_STEPS_IN_A_ROW = 16
"""Transfers that may succeed at once before other tasks of the loop get their turn."""


async def open_connection(address: UnixOrTCP, timeout: float | None) -> Connection:  # noqa: ASYNC109
    """Connects. Raises OSError, TimeoutError included."""
    loop = asyncio.get_running_loop()
    connected = socket.socket(_family(address), socket.SOCK_STREAM)
    try:
        connected.setblocking(False)
        async with asyncio.timeout(timeout):
            if isinstance(address, str):
                await _connect_unix(connected, address)
                return Connection(connected, "localhost")
            await loop.sock_connect(connected, address)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return Connection(connected, authority(*address))
    except BaseException:
        connected.close()
        raise


async def transfer(connection: Connection, exchange: Exchange, timeout: float | None) -> None:  # noqa: ASYNC109
    """Sends the request and receives the answer. ``timeout``: the longest time without any progress.

    Raises ConnectionLost. A cancelled transfer leaves the connection in the middle of it: it must be closed.
    """
    await send(connection, exchange, timeout)
    steps = 0
    while not exchange.complete:
        await receive(connection, exchange, timeout)
        steps += 1
        if steps % _STEPS_IN_A_ROW == 0:
            await asyncio.sleep(0)


async def send(connection: Connection, exchange: Exchange, timeout: float | None) -> None:  # noqa: ASYNC109
    """Sends the whole request, unless the daemon has answered before. The body's source is read in a thread; what it
    raises passes through."""
    connection.socket.setblocking(False)
    steps = 0
    while buffers := await _read_on(exchange) if exchange.reads_on else exchange.unsent():
        try:
            count = await _send_some(connection.socket, buffers, timeout)
        except OSError as error:
            if isinstance(error, TimeoutError) or not answered_anyway(exchange, connection.socket):
                raise exchange.lost(error, timeout) from error
            return
        exchange.sent(count)
        steps += 1
        if steps % _STEPS_IN_A_ROW == 0:
            await asyncio.sleep(0)


async def _read_on(exchange: Exchange) -> list[memoryview]:
    """``exchange.unsent()``, read in a thread. asyncio would make another TimeoutError of one that is raised there."""

    def read() -> list[memoryview] | Exception:
        try:
            return exchange.unsent()
        except Exception as error:  # noqa: BLE001 (it is raised here)
            return error

    outcome = await asyncio.to_thread(read)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _send_some(connected: socket.socket, buffers: list[memoryview], timeout: float | None) -> int:  # noqa: ASYNC109
    """How many bytes have left."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            return connected.sendmsg(buffers)
        except BlockingIOError:
            await _ready(loop.add_writer, loop.remove_writer, connected, timeout)


async def receive(connection: Connection, exchange: Exchange, timeout: float | None) -> None:  # noqa: ASYNC109
    """Receives something of the answer."""
    loop = asyncio.get_running_loop()
    connected = connection.socket
    connected.setblocking(False)
    count = None
    try:
        while count is None:
            try:
                count = connected.recv_into(exchange.space())
            except BlockingIOError:
                await _ready(loop.add_reader, loop.remove_reader, connected, timeout)
    except OSError as error:
        raise exchange.lost(error, timeout) from error
    exchange.received(count)


def _family(address: UnixOrTCP) -> socket.AddressFamily:
    if isinstance(address, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


async def _connect_unix(connected: socket.socket, path: str) -> None:
    while True:
        try:
            return connected.connect(path)
        except BlockingIOError:  # the backlog is full; the kernel does not say when it no longer is
            await asyncio.sleep(_BACKLOG_PAUSE)


async def _ready(
    watch: Callable[..., Any],
    unwatch: Callable[..., Any],
    connected: socket.socket,
    timeout: float | None,  # noqa: ASYNC109
) -> None:
    """Waits until the socket can be read from or written to. Raises TimeoutError."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle() -> None:
        if not future.done():
            future.set_result(None)

    watch(connected.fileno(), settle)
    try:
        async with asyncio.timeout(timeout):
            await future
    finally:
        unwatch(connected.fileno())
