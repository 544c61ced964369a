"""The single checks of ``tfjsd doctor``."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ..errors import DaemonUnavailableError, TfjsdError
from . import render
from .pair_health import pair_health, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..wire.addresses import Address
    from ..wire.configuration import Configuration
    from .invocation import Invocation

_LITTLE_SPACE = 1 << 30
_TOO_LITTLE_SPACE = 64 << 20
_FEW_WATCHES = 8192
_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")


class Finding(NamedTuple):
    """The result of one check."""

    subject: str
    state: Literal["ok", "warning", "failure"]
    text: str
    advice: str = ""

    def document(self) -> dict[str, str]:
        """As ``--json`` shows it."""
        members = {"subject": self.subject, "state": self.state, "message": self.text, "hint": self.advice}
        return {name: member for name, member in members.items() if member}


def installation() -> Finding:
    """Which tfjsd, which Python."""
    from .. import __version__

    place = Path(__file__).resolve().parent.parent
    return Finding("tfjsd", "ok", f"{__version__} on Python {sys.version.split()[0]}, in {place}")


def leveldb() -> Finding:
    """Whether a daemon could open a store: the client needs no engine."""
    from importlib.util import find_spec

    if find_spec("plyvel") is None:
        advice = "pip install 'tfjsd[leveldb]' (needs LevelDB's headers where there is no wheel)"
        return Finding("leveldb", "failure", "plyvel is not installed: no daemon can run here", advice)
    return Finding("leveldb", "ok", "plyvel is installed")


def configuration(invocation: Invocation) -> tuple[Configuration | None, Finding]:
    """Whether flags, environment and files can be read."""
    try:
        found = invocation.configuration()
        _require_names(found)
    except TfjsdError as error:
        return None, Finding("configuration", "failure", error.message, error.hint or "")
    sources = sorted({setting.source for _, setting in found if setting.source != "default"})
    return found, Finding("configuration", "ok", ", ".join(sources) or "all defaults")


def _require_names(found: Configuration) -> None:
    """Raises ConfigurationError for users and groups that a daemon would not start with."""
    from ..daemon.guard import Guard

    Guard.of(found)


def home(path: Path) -> Iterator[Finding]:
    """Whether the home is there, is the caller's, and is closed to others."""
    try:
        status = path.stat()
    except FileNotFoundError:
        yield Finding("home", "ok", f"{path} is not there yet; the first start makes it")
        return
    except OSError as error:
        yield Finding("home", "failure", f"{path}: {error.strerror}", "choose another with --home or TFJSD_HOME")
        return
    if not stat.S_ISDIR(status.st_mode):
        yield Finding("home", "failure", f"{path} is no directory", "choose another with --home or TFJSD_HOME")
    elif status.st_uid != os.getuid():
        yield Finding("home", "warning", f"{path} belongs to user {status.st_uid}", "its owner runs the daemon")
    elif status.st_mode & 0o077:
        yield Finding(
            "home", "failure", f"{path} is open to others ({status.st_mode & 0o777:04o})", f"chmod 700 {path}"
        )
    elif not os.access(path, os.W_OK | os.X_OK):
        yield Finding("home", "failure", f"{path} cannot be written to", f"chmod 700 {path}, or mount it read-write")
    else:
        yield Finding("home", "ok", str(path))


def space(path: Path) -> Finding:
    """Free space where the home is or will be."""
    place = next(parent for parent in (path, *path.parents) if os.path.exists(parent))
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize
    text = f"{render.size(free)} free at {place}"
    if free < _TOO_LITTLE_SPACE:
        return Finding("disk", "failure", text, "free some, or move the home with TFJSD_HOME")
    if free < _LITTLE_SPACE:
        return Finding("disk", "warning", text, "models will soon not fit")
    return Finding("disk", "ok", text)


def socket(path: Path) -> Iterator[Finding]:
    """What lies at the socket's address."""
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield Finding("socket", "failure", f"{path}: {error.strerror}", "ask the daemon's owner for access")
        return
    mode = status.st_mode & 0o777
    if not stat.S_ISSOCK(status.st_mode):
        yield Finding("socket", "failure", f"{path} is no socket", "remove it, or choose another with TFJSD_SOCKET")
    elif mode & 0o007:
        yield Finding("socket", "failure", f"{path} is open to everybody ({mode:04o})", "tfjsd restart")
    else:
        yield Finding("socket", "ok", f"{path} ({mode:04o})")


def daemon(invocation: Invocation, address: Address) -> Finding:
    """Whether one answers, and is of this version."""
    from .. import __version__

    try:
        with invocation.connect(autostart=False) as store:
            status = store.status()
    except DaemonUnavailableError as error:
        if os.path.exists(address.socket):
            return Finding("daemon", "warning", f"none answers: {error.message}", "tfjsd start takes the socket over")
        return Finding("daemon", "ok", "none is running; the first command that needs one starts it")
    except TfjsdError as error:
        return Finding("daemon", "failure", error.message, error.hint or "")
    text = f"{status['version']}, process {status['pid']}, up {render.duration(status['uptime']).lower()}"
    if status["version"] != __version__:
        return Finding("daemon", "warning", text, f"this command is {__version__}; tfjsd restart brings them together")
    return Finding("daemon", "ok", text)


def pairs(invocation: Invocation) -> Iterator[Finding]:
    """Whether a sync pair of the daemon that runs needs a hand."""
    try:
        with invocation.connect(autostart=False) as store:
            found, damage = pair_health(store), store.status().get("sync_error")
    except TfjsdError:  # told by the check of the daemon
        return
    if damage:
        advice = "mend the file or move it away, and tfjsd restart"
        yield Finding("sync", "failure", render.printable(damage), advice)
    concerns = {name: pair for name, pair in found.items() if pair["concern"]}
    for name, pair in concerns.items():
        state: Literal["failure", "warning"] = "failure" if pair["state"] == "stopped" else "warning"
        yield Finding("sync", state, f"{name}: {render.printable(pair['concern'])}", f"tfjsd sync show {name}")
    if found and not concerns:
        yield Finding("sync", "ok", states(found, len(found)))


def watches() -> Iterator[Finding]:
    """inotify's limit, where there is inotify."""
    try:
        count = int(_WATCHES.read_text())
    except (OSError, ValueError):
        return
    if count < _FEW_WATCHES:
        advice = f"sysctl fs.inotify.max_user_watches={64 * _FEW_WATCHES}"
        yield Finding("inotify", "warning", f"{count:,} watches for each user", advice)
    else:
        yield Finding("inotify", "ok", f"{count:,} watches for each user")
