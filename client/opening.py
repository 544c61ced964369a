"""From the arguments of ``connect`` to a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .daemon_link import DaemonLink
from .session import Session
from .target import Target, resolve

if TYPE_CHECKING:
    import os

    from ..wire.configuration import Configuration


def open_session(
    target: str | os.PathLike[str] | None,
    *,
    home: str | os.PathLike[str] | None,
    origin: str | None,
    token: str | None,
    autostart: bool,
    timeout: float | None,
) -> Session:
    """Decides which daemon and which origin are meant; connects to nothing. Raises ConfigurationError."""
    from ..wire.configuration import Configuration

    configuration = Configuration.load({"home": home, "origin": origin})
    meant = resolve(target, home=home, token=token, autostart=autostart, configuration=configuration)
    return Session(DaemonLink(meant), configuration["origin"], timeout)


def configured_session(configuration: Configuration, *, autostart: bool, timeout: float | None) -> Session:
    """The session with the daemon that a configuration names; connects to nothing. Raises ConfigurationError."""
    meant = resolve(None, home=configuration["home"], token=None, autostart=autostart, configuration=configuration)
    return Session(DaemonLink(meant), configuration["origin"], timeout)


def reopened(target: Target, origin: str, timeout: float | None) -> Session:
    """The session of a client that was pickled."""
    return Session(DaemonLink(target), origin, timeout)
