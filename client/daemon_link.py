"""What a client knows of its daemon: connections that are kept open, and who answered on them."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..errors import AccessDeniedError, DaemonUnavailableError, HomeInUseError, TfjsdError
from ..wire.protocol import BROWSER_HEADER, CLIENT_HEADER, HOME_HEADER, VERSION_HEADER
from ..wire.web_address import authority
from .connection import Connection
from .target import Target

if TYPE_CHECKING:
    from ..storage_backends.indexed_db.abc import BackingStore

KEPT = 8
"""Idle connections that are kept."""


class DaemonLink:
    """Shared by a client and its views of other origins; thread-safe.

    Connections lie in a deque, whose ends are popped and appended atomically: there is no lock that a fork could copy
    in its locked state, and a connection is only ever used by the process that opened it.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.closed = False
        self.ever_connected = False
        self.same_user: bool | None = None
        self.version: str | None = None
        self.settled_version: str | None = None
        self.browser: str | None = None
        self.backing_stores: dict[str, BackingStore] = {}
        """Those of IndexedDB that are in use, by origin."""
        self._name = os.urandom(8).hex()
        self._closers: list[Callable[[], None]] = []
        self._idle: deque[Connection] = deque()
        self._known: tuple[str | None, str | None, str | None] | None = None

    def client_name(self) -> str:
        """What the daemon knows this client by: all views of one client, in one process."""
        return f"{self._name}-{os.getpid()}"

    def own_headers(self) -> dict[str, str]:
        """What every request says of who sends it: the client's name, and the token that a daemon on TCP asks for."""
        token = self.target.token
        own = {CLIENT_HEADER: self.client_name()}
        return own if token is None else own | {"authorization": f"Bearer {token}"}

    def idle_connection(self) -> Connection | None:
        """A connection that was used before and is still open, or None."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not connection.is_stale():
                return connection
            connection.close()

    def keep(self, connection: Connection) -> None:
        """Takes a connection back that stands between two exchanges."""
        if self.closed or len(self._idle) >= KEPT:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Closes the idle connections; those in use close when they are given back."""
        self.closed = True
        closers, self._closers = self._closers, []
        for closer in closers:
            closer()
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def on_close(self, closer: Callable[[], None]) -> None:
        """``closer`` runs when the link closes."""
        self._closers.append(closer)

    def drop_idle(self) -> None:
        """Forgets connections to a daemon that is gone."""
        while (connection := self.idle_connection()) is not None:
            connection.close()

    # -- who answers ---------------------------------------------------------------------------------------------

    def accept_user(self, connection: Connection) -> None:
        """Looks at whose daemon it is. Raises AccessDeniedError where it is a stranger's, in a directory in which
        anybody can make a socket: it may have been put there for us to find."""
        user, address = connection.peer_user(), self.target.address()
        self.same_user = user == os.geteuid()
        if self.same_user or not user or not isinstance(address, str):
            return
        if os.stat(os.path.dirname(address)).st_mode & stat.S_IWOTH:
            connection.close()
            raise AccessDeniedError(
                f"{self.target} belongs to user {user}, in a directory that anybody can write to.",
                hint="a socket for several users lies in a directory of the daemon's own",
            )

    def accept(self, headers: Mapping[str, str]) -> None:
        """Looks at who answers. Raises HomeInUseError where it is the daemon of another home than the one that was
        asked for, DaemonUnavailableError where it is no daemon of tfjsd."""
        version, home, browser = headers.get(VERSION_HEADER), headers.get(HOME_HEADER), headers.get(BROWSER_HEADER)
        if (version, home, browser) == self._known:
            return
        if version is not None and home is None and self.target.tcp is not None:
            return  # a refusal over TCP, which does not tell the home
        if version is None or home is None:
            raise DaemonUnavailableError(f"What answers at {self.target} is not a tfjsd daemon.")
        theirs = _decoded(home)
        if self.target.only_home and os.path.realpath(theirs) != os.path.realpath(self.target.home):
            raise HomeInUseError(
                f"The daemon at {self.target} serves {theirs}, not {self.target.home}.",
                hint="name the socket of that home with --socket or TFJSD_SOCKET, or leave it out",
            )
        self._known = (version, home, browser)
        self.ever_connected = True
        self.version = version
        self.browser = browser

    # -- nobody answers ------------------------------------------------------------------------------------------

    def unavailable(self, error: Exception) -> TfjsdError:
        """What to raise where no connection could be made."""
        if isinstance(error, PermissionError):
            return AccessDeniedError(
                f"{self.target}: permission denied",
                hint="the socket belongs to another user, who lets others in by access.users or access.groups in "
                "config.toml; a store of your own is chosen by --home or TFJSD_HOME",
            )
        reason = f" ({error})" if isinstance(error, TimeoutError) else ""
        return DaemonUnavailableError(
            f"Cannot connect to the tfjsd daemon at {self.target}. Is it running?{reason}",
            hint=f"start it with `{_start_command(self.target)}`",
        )


def _start_command(target: Target) -> str:
    """What starts a daemon that answers there."""
    if target.tcp is not None:
        return f"tfjsd serve --http {authority(*target.tcp)}"
    if target.socket is None:
        return "tfjsd start"
    from shlex import quote

    return f"tfjsd start --socket {quote(target.socket)}"


def _decoded(home: str) -> str:
    if "%" not in home:
        return home
    from urllib.parse import unquote

    return unquote(home, errors="surrogateescape")
