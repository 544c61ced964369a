"""``start``, ``stop``, ``restart``."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Any

from ..errors import AccessDeniedError, DaemonUnavailableError, TfjsdError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..client import Client
    from .invocation import Invocation

_STOP_SECONDS = 15.0
_START_SECONDS = 30.0
_FOREVER = 1e9


def start(invocation: Invocation) -> int:
    """Starts a daemon in the background, unless one runs."""
    running = running_status(invocation)
    status = running or _started(invocation)
    _report(invocation, status, "already running" if running else "started")
    return 0


def stop(invocation: Invocation) -> int:
    """Ends the daemon; that none runs is what was wanted."""
    status = _status_from(invocation.connect_in_need)
    if status is None:
        invocation.output.result("no daemon is running", {"stopped": False})
    else:
        end(status["pid"])
        invocation.output.result(f"stopped the daemon (process {status['pid']})", {"stopped": True})
    return 0


def restart(invocation: Invocation) -> int:
    """Ends the daemon, if one runs, and starts another."""
    status = running_status(invocation)
    if status is not None:
        end(status["pid"])
    _report(invocation, _started(invocation), "restarted" if status else "started")
    return 0


def running_status(invocation: Invocation) -> dict[str, Any] | None:
    """What the daemon says of itself; None where none is reachable. Starts none.

    Raises:
        HomeInUseError, AccessDeniedError: one answers, but not to this caller.
    """
    return _status_from(lambda: invocation.connect(autostart=False))


def _status_from(connect: Callable[[], Client]) -> dict[str, Any] | None:
    try:
        with connect() as store:
            return store.status()
    except DaemonUnavailableError:
        return None


def _started(invocation: Invocation) -> dict[str, Any]:
    from ..client.autostart import start_daemon
    from ..client.target import resolve

    home = invocation.arguments.text("--home")
    target = resolve(None, home=home, token=None, autostart=True, configuration=invocation.configuration())
    start_daemon(target, _FOREVER if invocation.arguments.flag("--wait") else _START_SECONDS)
    with invocation.connect(autostart=False) as store:
        return store.status()


def _report(invocation: Invocation, status: dict[str, Any], what: str) -> None:
    text = f"{what}: tfjsd {status['version']}, process {status['pid']}, at unix://{status['socket']}"
    invocation.output.result(text, status)


def end(process: int) -> None:
    """Asks a daemon to end and waits until it has.

    Raises:
        AccessDeniedError: it belongs to another user.
        TfjsdError: it has not ended in time.
    """
    try:
        _signal(process)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise AccessDeniedError(
            f"the daemon (process {process}) belongs to another user", hint="its administrator stops it"
        ) from error


def _signal(process: int) -> None:
    if not hasattr(os, "pidfd_open"):
        os.kill(process, signal.SIGTERM)
        _poll(process)
        return
    # The descriptor stays with this process, even if its number is given to another one meanwhile.
    descriptor = os.pidfd_open(process)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        ended, _, _ = select.select([descriptor], [], [], _STOP_SECONDS)
    finally:
        os.close(descriptor)
    if not ended:
        raise _still_there(process)


def _poll(process: int) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        os.kill(process, 0)
        time.sleep(0.02)
    raise _still_there(process)


def _still_there(process: int) -> TfjsdError:
    return TfjsdError(
        f"the daemon (process {process}) has not ended after {_STOP_SECONDS:.0f} seconds", hint="see tfjsd logs"
    )
