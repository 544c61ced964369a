"""What a client does about a daemon of another version."""

from __future__ import annotations

import json
import os
import signal
import time
import warnings
from typing import Any

from .daemon_link import DaemonLink
from .effects import Call, Operation, Transfer
from .exchange import ConnectionLost
from .messages import Request
from .target import Target

_STATUS = Request("GET", "/v1/status")
_END_SECONDS = 10.0
_END_PAUSE = 0.02


def settle_version(link: DaemonLink, timeout: float | None) -> Operation[None]:
    """Ends an older daemon that a client started and that has nothing to do: the next request starts the new one. Any
    other difference is warned of, once for each version met."""
    if link.version == link.settled_version:
        return
    import tfjsd

    theirs, link.settled_version = link.version or "", link.version
    if theirs == tfjsd.__version__:
        return
    if link.target.autostart and _numbers(theirs) < _numbers(tfjsd.__version__):
        status = yield from _status(link, timeout)
        if status.get("autostarted") is True and status.get("idle") is True:
            link.drop_idle()
            yield Call(_end, (link.target, int(status["pid"])), brief=True)
            return
    warnings.warn(
        f"The tfjsd daemon at {link.target} is version {theirs}, this client {tfjsd.__version__}: "
        "`tfjsd restart` brings them together.",
        stacklevel=2,
    )


def _status(link: DaemonLink, timeout: float | None) -> Operation[dict[str, Any]]:
    """What the daemon says of itself; nothing where it cannot be asked."""
    if (connection := link.idle_connection()) is None:
        return {}
    exchange = connection.exchange(_STATUS)
    try:
        yield Transfer(connection, exchange, timeout)
    except ConnectionLost:
        return {}
    finally:
        connection.close()
    status = json.loads(bytes(exchange.response().body)) if exchange.response().status == 200 else {}
    return status if isinstance(status, dict) else {}


def _end(target: Target, process: int) -> None:
    """Asks the daemon to end, and waits until it takes no connections: the next one waits for the home itself."""
    from .autostart import listens

    deadline = time.monotonic() + _END_SECONDS
    try:
        os.kill(process, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return
    while listens(target) and time.monotonic() < deadline:
        time.sleep(_END_PAUSE)


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version, by which versions are ordered."""
    numbers: list[int] = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)
