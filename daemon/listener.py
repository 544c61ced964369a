"""The unix socket: made so that there is no moment at which another user could connect.

asyncio removes a live socket without asking and binds with the process's umask. Here the home's lock is held first, a
socket that is left over goes only if it is one and nobody answers on it, and the mode is right from ``bind`` on.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from ..errors import ConfigurationError, DaemonUnavailableError, HomeInUseError
from ..storage_backends import durable
from ..wire.addresses import LONGEST_SOCKET_PATH

_BACKLOG = 512
_OWNER_ONLY = 0o177
_OWNER_AND_GROUP = 0o117


class UnixListener:
    """A listening socket and, where this process made it, its name in the file system."""

    def __init__(self, listening: socket.socket, path: Path | None) -> None:
        self.socket = listening
        self.path = path
        self._identity = None if path is None else _identity(path)

    @property
    def address(self) -> Path:
        """Where clients connect."""
        return Path(os.fsdecode(self.socket.getsockname()))

    def close(self) -> None:
        """Stops listening, and takes the name away."""
        self.remove_name()
        self.socket.close()

    def remove_name(self) -> None:
        """Takes the name away unless another process has put its own there. Who has connected stays connected."""
        if self.path is not None and _identity(self.path) == self._identity:
            durable.unlink(self.path)
        self.path = None


def bind(path: Path, *, group: int | None) -> UnixListener:
    """Listens at ``path``: mode 0600, or 0660 of ``group``. The caller holds the home's lock.

    Raises ConfigurationError where the path is too long, the directory is open to others, or the socket cannot be the
    group's; HomeInUseError where something answers there, DaemonUnavailableError where the name is taken by something
    that is not a socket, or no socket can be made there.
    """
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise ConfigurationError(f"the socket path {path} is longer than {LONGEST_SOCKET_PATH} bytes", hint="--socket")
    _prepare_directory(path.parent, private=group is None)
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    try:
        before = os.umask(_OWNER_ONLY if group is None else _OWNER_AND_GROUP)
        try:
            listening.bind(os.fspath(path))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _no_socket(path, error.errno) from error
            raise HomeInUseError(f"{path} has just been taken.", hint="choose another --socket") from error
        finally:
            os.umask(before)
        _check_ours(path)
        if group is not None:
            _give_to(path, group)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return UnixListener(listening, path)


def adopt(activated: list[socket.socket]) -> UnixListener:
    """Takes the service manager's socket; its name stays the manager's. Raises ConfigurationError unless it is one
    listening unix socket."""
    if len(activated) != 1 or activated[0].family != socket.AF_UNIX:
        raise ConfigurationError(f"socket activation passed {len(activated)} sockets; one unix socket is expected")
    return UnixListener(activated[0], None)


def _no_socket(path: Path, number: int | None) -> DaemonUnavailableError:
    return DaemonUnavailableError(
        f"There can be no socket at {path}: {os.strerror(number or errno.EIO)}.", hint="choose another --socket"
    )


def _give_to(path: Path, group: int) -> None:
    try:
        os.chown(path, -1, group)
    except OSError as error:
        durable.unlink(path)
        raise ConfigurationError(
            f"the socket cannot be that of group {group}: {error.strerror}",
            hint="the daemon's user has to be in the first one of access.groups",
        ) from error


def _prepare_directory(directory: Path, *, private: bool) -> None:
    try:
        durable.make_directory(directory)
    except OSError as error:
        raise _no_socket(directory, error.errno) from error
    if not directory.is_dir():
        raise _no_socket(directory, errno.ENOTDIR)
    if not may_hold_socket(directory.stat(), private=private):
        raise ConfigurationError(
            f"the socket's directory {directory} can be written by other users",
            hint="put the socket into a directory of your own (--socket, TFJSD_SOCKET)",
        )


def may_hold_socket(directory: os.stat_result, *, private: bool) -> bool:
    """Whether nobody else can put a socket of theirs in the place of ours.

    In a sticky directory of the superuser or of our own, such as /tmp, a name that is ours stays ours. That will do for
    a ``private`` socket, whose clients know whose it must be; those of a group's socket do not.
    """
    mode = stat.S_IMODE(directory.st_mode)
    if not mode & (0o022 if private else 0o002):
        return True
    return private and bool(mode & stat.S_ISVTX) and directory.st_uid in (0, os.geteuid())


def _check_ours(path: Path) -> None:
    """Raises HomeInUseError where the name is not (or no longer) that of the socket that was just made."""
    status = path.lstat()
    if not stat.S_ISSOCK(status.st_mode) or status.st_uid != os.geteuid():
        raise HomeInUseError(f"{path} was taken by user {status.st_uid}.", hint="choose another --socket")


def _remove_stale(path: Path) -> None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(status.st_mode):
        raise DaemonUnavailableError(
            f"{path} exists and is not a socket.", hint="move it away, or choose another --socket"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except OSError as error:
            if error.errno not in (errno.ECONNREFUSED, errno.ENOENT):
                raise HomeInUseError(f"{path} cannot be taken over: {error.strerror}.") from error
        else:
            raise HomeInUseError(f"Another process listens on {path}.", hint="choose another --socket")
    try:
        durable.unlink(path)
    except PermissionError as error:
        raise HomeInUseError(
            f"{path} was left behind by user {status.st_uid} and cannot be removed.", hint="choose another --socket"
        ) from error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
