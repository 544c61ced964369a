"""What an operation of the client asks of the outside world.

An operation is a generator: it yields effects, is sent their results (or thrown their exceptions) and returns its own
result. ``blocking`` and ``on_loop`` carry effects out; everything else is written once for both clients.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, TypeVar

from .connection import Connection, UnixOrTCP
from .exchange import Exchange

T = TypeVar("T")


class Open(NamedTuple):
    """Connect; gives a Connection, raises OSError."""

    address: UnixOrTCP
    timeout: float | None


class Transfer(NamedTuple):
    """Send a request whole and receive its answer whole; raises ConnectionLost."""

    connection: Connection
    exchange: Exchange
    timeout: float | None


class Send(NamedTuple):
    """Send a request; the answer is taken by ``Receive``. Raises ConnectionLost."""

    connection: Connection
    exchange: Exchange
    timeout: float | None


class Receive(NamedTuple):
    """Receive something of an answer; raises ConnectionLost."""

    connection: Connection
    exchange: Exchange
    timeout: float | None


class Pause(NamedTuple):
    """Let time pass."""

    seconds: float


class Call(NamedTuple):
    """Call a function that may block or that awaits; gives its result.

    ``brief``: a cancelled caller waits for the end of the call, so that nothing runs on behind its back.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    brief: bool = False


class Emit(NamedTuple):
    """Hand an item to whoever iterates."""

    item: Any


Effect = Open | Transfer | Send | Receive | Pause | Call | Emit
Operation = Generator[Effect, Any, T]
