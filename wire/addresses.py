"""Where the home and its socket are: the same rules for the daemon, the clients and the command line."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .schemas import DaemonFile

DAEMON_FILE = "daemon.json"
OPEN_FILE = "open.html"
"""What `tfjsd open` shows a browser first, in the home: it leads on to the page, with a code."""
LOG_FILE = "daemon.log"
SOCKET_FILE = "tfjsd.sock"
UNIX = "unix:"
LONGEST_SOCKET_PATH = 100
"""Bytes. The kernels take 103 (macOS) to 107 (Linux); a name that only just fits breaks elsewhere."""

_WRONG_PLACE = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)


class Address(NamedTuple):
    """A home and the socket of its daemon."""

    home: Path
    socket: Path


def default_home(environ: Mapping[str, str]) -> Path:
    """The platform's user data directory; needs neither XDG variables nor HOME (cron has none).

    Raises ConfigurationError where the user has no home directory at all.
    """
    if sys.platform == "darwin":
        return _user_directory(environ) / "Library" / "Application Support" / "tfjsd"
    return _xdg(environ, "XDG_DATA_HOME", ".local/share") / "tfjsd"


def configuration_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The files that may hold settings, the strongest first."""
    system = Path("/etc/tfjsd/config.toml")
    try:
        return (_xdg(environ, "XDG_CONFIG_HOME", ".config") / "tfjsd" / "config.toml", system)
    except ConfigurationError:
        return (system,)


def default_socket(home: Path, environ: Mapping[str, str]) -> Path:
    """``<home>/tfjsd.sock``, or, where that is too long for a socket, a short name made of the home's real path."""
    path = home.absolute() / SOCKET_FILE
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    from hashlib import sha256

    digest = sha256(os.fsencode(os.path.realpath(home))).hexdigest()[:12]
    runtime = environ.get("XDG_RUNTIME_DIR") or environ.get("TMPDIR") or "/tmp"  # noqa: S108 (the directory in it is 0700)
    return Path(runtime) / f"tfjsd-{os.getuid()}" / f"{digest}.sock"


def without_scheme(address: str) -> str:
    """A socket's path that is written as a path, ``unix:PATH``, or ``unix://PATH`` as ``tfjsd status`` prints it."""
    return address.removeprefix(UNIX).removeprefix("//") if address.startswith(UNIX) else address


def unusable_home(home: Path, error: OSError) -> ConfigurationError | None:
    """The error for a home that is in a wrong place; None where the place may be right and the disk is to blame."""
    if error.errno not in _WRONG_PLACE:
        return None
    reason = os.strerror(errno.ENOTDIR if error.errno == errno.EEXIST else error.errno)
    return ConfigurationError(f"{home} cannot be the home: {reason}.", hint="choose another with --home or TFJSD_HOME")


def read_daemon_file(home: Path) -> DaemonFile | None:
    """What the home's owner wrote, or None. A stale file is possible: only an answer proves a daemon."""
    try:
        content = json.loads((home / DAEMON_FILE).read_bytes())
    except (OSError, ValueError):
        return None
    return cast("DaemonFile", content) if isinstance(content, dict) and isinstance(content.get("socket"), str) else None


def client_address(home: Path, socket: Path | None, environ: Mapping[str, str]) -> Address:
    """Where a client finds the home's daemon; ``socket`` is what flag, environment or configuration say."""
    if socket is None:
        found = read_daemon_file(home)
        socket = default_socket(home, environ) if found is None else Path(found["socket"])
    return Address(home.absolute(), socket)


def _xdg(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    # The specification: a relative path is invalid and to be ignored.
    value = environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else _user_directory(environ) / fallback


def _user_directory(environ: Mapping[str, str]) -> Path:
    if os.path.isabs(environ.get("HOME", "")):
        return Path(environ["HOME"])
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise ConfigurationError(
            f"user {os.getuid()} has no home directory", hint="set TFJSD_HOME or pass --home"
        ) from None
