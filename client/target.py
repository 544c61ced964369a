"""Which daemon a client means."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import ConfigurationError
from ..wire.addresses import without_scheme
from ..wire.web_address import authority

if TYPE_CHECKING:
    from ..wire.configuration import Configuration
    from .connection import UnixOrTCP

_HTTP = "http://"
_LABEL = "[A-Za-z0-9_-]{1,63}"
_HOST_AND_PORT = re.compile(rf"http://(?P<host>{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{{1,5}})/?")
_HIGHEST_PORT = 65535


class Target(NamedTuple):
    """Everything that is needed to reach the daemon from any process of this machine; picklable.

    ``home`` is the home whose daemon is meant (``only_home``: no other may answer). ``socket`` and ``tcp`` are what
    was asked for; with neither, the home's own records say where its daemon listens, for each new connection.
    """

    home: str
    only_home: bool
    socket: str | None
    tcp: tuple[str, int] | None
    token: str | None
    autostart: bool

    def address(self) -> UnixOrTCP:
        """Where to connect now."""
        if self.tcp is not None:
            return self.tcp
        if self.socket is not None:
            return self.socket
        from ..wire.addresses import client_address

        return str(client_address(Path(self.home), None, os.environ).socket)

    def __str__(self) -> str:
        address = self.address()
        return f"unix://{address}" if isinstance(address, str) else f"http://{authority(*address)}"


def resolve(
    target: str | os.PathLike[str] | None,
    *,
    home: str | os.PathLike[str] | None,
    token: str | None,
    autostart: bool,
    configuration: Configuration,
) -> Target:
    """The daemon that the arguments, the environment and the configuration name, in this order.

    A daemon is only ever started for a home, never for an address that the caller names.
    """
    if not target and not _is_flag(configuration, "socket"):
        target = os.environ.get("TFJSD_URL")
    if not target:
        socket = configuration["socket"]
        only = configuration["home"] is not None or socket is None
        start = autostart and bool(configuration["autostart"])
        return Target(str(configuration.home), only, None if socket is None else str(socket), None, token, start)
    only, resolved = home is not None, str(configuration.home)
    text = os.fspath(target)
    if text.startswith(_HTTP):
        return Target(resolved, only, None, _host_and_port(text), token or _token_from_file(), False)
    path = without_scheme(text)
    if "://" in path:
        raise ConfigurationError(
            f"{text!r} is no address of a daemon", hint="it is a socket's path, unix:PATH or http://HOST:PORT"
        )
    return Target(resolved, only, str(Path(path).expanduser().absolute()), None, token, False)


def _is_flag(configuration: Configuration, key: str) -> bool:
    """Whether the command line says it, which counts for more than the environment."""
    return dict(configuration)[key].source.startswith("--")


def _host_and_port(url: str) -> tuple[str, int]:
    match = _HOST_AND_PORT.fullmatch(url)
    if match is None or int(match["port"]) > _HIGHEST_PORT:
        raise ConfigurationError(f"{url!r} is not of the form http://HOST:PORT")
    return match["host"].strip("[]"), int(match["port"])


def _token_from_file() -> str | None:
    file = os.environ.get("TFJSD_TOKEN_FILE")
    if not file:
        return None
    try:
        return Path(file).read_text("ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"TFJSD_TOKEN_FILE={file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"TFJSD_TOKEN_FILE={file}: {error}") from error
