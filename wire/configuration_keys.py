"""The settings that there are. ``docs/configuration.md`` lists them; a test compares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import BadRequestError, ConfigurationError, UnsupportedURLError
from .protocol import DEFAULT_ORIGIN
from .setting_values import names, off, one_of, origin, path, seconds, share, socket_path, switch, sync_pairs
from .web_address import loopback_address, web_origins


class Key(NamedTuple):
    """One setting. ``read`` turns what a flag, a variable or a file holds into the value, or raises ValueError."""

    name: str
    variable: str | None
    read: Callable[[Any], Any]
    default: Any
    meaning: str

    def value_of(self, given: object, where: str) -> object:
        """Raises ConfigurationError that says ``where`` the mistake is."""
        try:
            return self.read(given)
        except (BadRequestError, UnsupportedURLError) as error:  # it names the value itself
            raise ConfigurationError(f"{where}: {error}", hint=error.hint) from error
        except ValueError as error:
            raise ConfigurationError(f"{where}: {error}, not {given!r}") from error


KEYS = (
    Key("home", "TFJSD_HOME", path, None, "the data directory"),
    Key(
        "socket",
        "TFJSD_SOCKET",
        socket_path,
        None,
        "the unix socket that the daemon listens on and clients connect to",
    ),
    Key("http", "TFJSD_HTTP", loopback_address, None, "also listen on loopback TCP: `127.0.0.1:PORT`"),
    Key("origin", "TFJSD_ORIGIN", origin, DEFAULT_ORIGIN, "the origin that a request without `?origin=` means"),
    Key(
        "browser",
        "TFJSD_BROWSER",
        one_of("chrome", "firefox", "safari", "unlimited"),
        "chrome",
        "whose quotas, key order and error texts the store shows",
    ),
    Key(
        "idle_exit",
        "TFJSD_IDLE_EXIT",
        seconds,
        None,
        "seconds without a request after which the daemon ends; 0: never",
    ),
    Key("autostart", "TFJSD_AUTOSTART", switch, True, "whether a client starts the daemon when none runs"),
    Key("access.users", None, names, (), "users besides the daemon's own that may use the store"),
    Key(
        "access.groups",
        None,
        names,
        (),
        "groups whose members may use the store; the socket is then 0660 of the first",
    ),
    Key(
        "access.origins",
        None,
        web_origins,
        (),
        "origins of web pages that may use the HTTP listener, with its token",
    ),
    Key(
        "storage.eviction",
        None,
        off,
        False,
        "whether whole origins may be evicted when the disk runs low",
    ),
    Key("sync.pairs", None, sync_pairs, (), "sync pairs; see [Sync](sync.md)"),
    Key("sync.users", None, names, (), "users besides the daemon's own that may add and change sync pairs"),
    Key(
        "sync.settle",
        None,
        seconds,
        0.2,
        "seconds without a change after which a model in a directory is taken",
    ),
    Key(
        "sync.deletion_share",
        None,
        share,
        0.5,
        "the largest share of a pair's models that is deleted without approval",
    ),
    Key(
        "log.format",
        "TFJSD_LOG_FORMAT",
        one_of("auto", "json", "text"),
        "auto",
        "`auto`: text on a terminal, else JSON",
    ),
    Key(
        "log.level",
        "TFJSD_LOG_LEVEL",
        one_of("debug", "info", "warning", "error"),
        "info",
        "the least level that is logged",
    ),
)
KEY_OF = {key.name: key for key in KEYS}
TABLES = tuple(sorted({key.name.partition(".")[0] for key in KEYS if "." in key.name}))
