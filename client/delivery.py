"""How a request reaches the daemon: connections, autostart, sending again. Written once for both clients."""

from __future__ import annotations

import json
from typing import Any

from ..errors import DaemonUnavailableError, OutcomeUnknownError, TfjsdError
from ..wire.error_body import error_from_json
from .connection import Connection
from .daemon_link import DaemonLink
from .effects import Call, Open, Operation, Pause, Receive, Send, Transfer
from .exchange import ConnectionLost, Exchange
from .messages import Request, Response
from .replacement import settle_version

_ATTEMPTS = 3
_RECONNECT_PAUSES = (0.01, 0.02, 0.05, *[0.1] * 50)
"""Seconds. How long a daemon that answered before may take to restart."""


def deliver(link: DaemonLink, request: Request, timeout: float | None) -> Operation[Response]:
    """The daemon's answer, whatever its status.

    A read that was lost is sent again; a write only if no byte of it had left. Raises OutcomeUnknownError for any other
    lost write, DaemonUnavailableError, HomeInUseError.
    """
    attempt, pauses = 1, iter(_RECONNECT_PAUSES)
    while True:
        connection = yield from _connection_for(link, request, timeout)
        try:
            exchange = yield from _exchange(link, connection, request, timeout)
        except ConnectionLost as lost:
            if attempt == _ATTEMPTS or not _may_send_again(request, lost):
                raise _translated(link, request, lost) from lost
            attempt += 1
            continue
        if exchange.reusable:
            link.keep(connection)
        else:
            connection.close()
        if _was_not_taken(exchange) and request.repeatable and (pause := next(pauses, None)) is not None:
            yield Pause(pause)
            continue
        yield from settle_version(link, timeout)
        return exchange.response()


def connect(link: DaemonLink, timeout: float | None) -> Operation[None]:
    """Makes sure that a daemon listens, starting it if need be; the connection is kept for the first request."""
    if (connection := link.idle_connection()) is None:
        connection = yield from connected(link, timeout)
    link.keep(connection)


def shares_files(link: DaemonLink, timeout: float | None) -> Operation[bool]:
    """Whether the daemon runs as this process's user, so that files may be handed over instead of bytes."""
    if link.same_user is None:
        yield from connect(link, timeout)
    return bool(link.same_user)


def begin_stream(link: DaemonLink, request: Request, timeout: float | None) -> Operation[tuple[Connection, Exchange]]:
    """Sends a request whose answer is read piece by piece; returns once the answer's head is there.

    The caller owns the connection. An answer with an error status is raised as that error.
    """
    connection = yield from connected(link, timeout)
    return connection, (yield from begin_stream_on(connection, link, request, timeout))


def begin_stream_on(
    connection: Connection, link: DaemonLink, request: Request, timeout: float | None
) -> Operation[Exchange]:
    """The same on a connection of the caller's, which is closed where this raises."""
    exchange = connection.exchange(request, streamed=True)
    try:
        yield Send(connection, exchange, timeout)
        while not exchange.parser.head_complete:
            yield Receive(connection, exchange, timeout)
        link.accept(exchange.parser.headers)
        if exchange.parser.status >= 400:
            while not exchange.complete:
                yield Receive(connection, exchange, timeout)
            raise error_of(exchange.parser.status, b"".join(exchange.parser.pieces))
    except ConnectionLost as lost:
        connection.close()
        raise _translated(link, request, lost) from lost
    except BaseException:
        connection.close()
        raise
    return exchange


def error_of(status: int, body: bytes | memoryview) -> TfjsdError:
    """The exception that an answer stands for."""
    try:
        return error_from_json(json.loads(bytes(body)))
    except ValueError:
        return TfjsdError(f"The daemon answered with status {status}: {bytes(body[:200])!r}")


def _connection_for(link: DaemonLink, request: Request, timeout: float | None) -> Operation[Connection]:
    """A connection to send the request on. Before a write is trusted to a new one, the daemon has answered on it: it
    serves the right home and is not about to end."""
    for _ in range(_ATTEMPTS):
        if (connection := link.idle_connection()) is None:
            connection = yield from connected(link, timeout)
        if request.reads or connection.greeted:
            return connection
        try:
            exchange = yield from _exchange(link, connection, _greeting(link), timeout)
        except ConnectionLost as lost:
            if lost.timed_out:
                raise _translated(link, _greeting(link), lost) from lost
            continue
        if exchange.reusable:
            return connection
        connection.close()
    raise DaemonUnavailableError(f"The daemon at {link.target} closes every connection.")


def _greeting(link: DaemonLink) -> Request:
    token = link.target.token
    return Request("GET", "/v1/status", headers=None if token is None else {"authorization": f"Bearer {token}"})


def _exchange(link: DaemonLink, connection: Connection, request: Request, timeout: float | None) -> Operation[Exchange]:
    """One exchange on a connection, which is closed unless the exchange succeeds and the right daemon answers."""
    exchange = connection.exchange(request)
    try:
        yield Transfer(connection, exchange, timeout)
        link.accept(exchange.parser.headers)
    except BaseException:
        connection.close()
        raise
    connection.greeted = True
    return exchange


def _was_not_taken(exchange: Exchange) -> bool:
    """Whether the daemon has refused the request because it is ending: nothing was done."""
    if exchange.parser.status != 503:
        return False
    return isinstance(error_of(503, exchange.parser.body()), DaemonUnavailableError)


def _may_send_again(request: Request, lost: ConnectionLost) -> bool:
    if lost.timed_out or not request.repeatable:
        return False
    return request.reads or lost.bytes_sent == 0


def read_timed_out(link: DaemonLink, timeout: float | None) -> TfjsdError:
    """What to raise where the daemon has left a question unanswered for that long: it is not asked again."""
    return _read_lost(link, f"no progress for {timeout:g} s" if timeout is not None else "timed out")


def _read_lost(link: DaemonLink, reason: object) -> TfjsdError:
    return DaemonUnavailableError(f"The connection to the daemon at {link.target} was lost: {reason}.")


def _translated(link: DaemonLink, request: Request, lost: ConnectionLost) -> TfjsdError:
    if request.reads or lost.bytes_sent == 0:
        return _read_lost(link, lost)
    return OutcomeUnknownError(
        f"The connection to the daemon was lost after part of the request had left ({lost}): it may have been carried "
        "out, whole, or not at all."
    )


def connected(link: DaemonLink, timeout: float | None) -> Operation[Connection]:
    """Connects; starts the daemon, or waits for its restart, where nobody listens."""
    may_start = link.target.autostart
    pauses = iter(_RECONNECT_PAUSES if link.ever_connected and not may_start else ())
    while True:
        try:
            connection: Connection = yield Open(link.target.address(), timeout)
        except (FileNotFoundError, NotADirectoryError, ConnectionError) as error:
            if may_start:
                may_start = False
                yield Call(_start, (link, timeout))
            elif (pause := next(pauses, None)) is not None:
                yield Pause(pause)
            else:
                raise link.unavailable(error) from error
        except OSError as error:
            raise link.unavailable(error) from error
        else:
            link.accept_user(connection)
            return connection


def _start(link: DaemonLink, timeout: float | None) -> Any:
    from .autostart import start_daemon

    return start_daemon(link.target, timeout)
