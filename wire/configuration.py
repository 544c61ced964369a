"""Settings: flag > environment > the user's ``tfjsd/config.toml`` > ``/etc/tfjsd/config.toml`` > default.

``docs/configuration.md`` lists every key; a test compares.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BadRequestError, ConfigurationError, UnsupportedURLError
from ..model_io.origin_name import checked_origin
from .addresses import Address, client_address, configuration_files, default_home, default_socket
from .protocol import DEFAULT_ORIGIN
from .web_address import loopback_address, web_origins

if TYPE_CHECKING:
    from .sync_pair import SyncPair


class Key(NamedTuple):
    """One setting. ``read`` turns what a flag, a variable or a file holds into the value, or raises ValueError."""

    name: str
    variable: str | None
    read: Callable[[Any], Any]
    default: Any
    meaning: str


class Setting(NamedTuple):
    """A value and where it comes from (``--flag``, a variable, ``file:line``, ``default``)."""

    value: Any
    source: str


class Configuration:
    """All settings, resolved; reading a file happens once and only if it exists."""

    def __init__(self, settings: Mapping[str, Setting], environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        files: tuple[Path, ...] | None = None,
        defaults: Mapping[str, object] | None = None,
    ) -> Configuration:
        """``flags`` that are None were not given; ``defaults`` take the place of the keys' own.

        Raises ConfigurationError that names the line and a near name.
        """
        environ = os.environ if environ is None else environ
        usual = {key.name: key.default for key in KEYS} | dict(defaults or {})
        settings = {name: Setting(value, "default") for name, value in usual.items()}
        for file in reversed(configuration_files(environ) if files is None else files):
            settings |= _from_file(file)
        for key in KEYS:
            if key.variable is not None and environ.get(key.variable):
                settings[key.name] = Setting(_read(key, environ[key.variable], key.variable), key.variable)
        for name, value in (flags or {}).items():
            if value is not None:
                flag = f"--{name.rpartition('.')[2].replace('_', '-')}"
                settings[name] = Setting(_read(_KEYS[name], value, flag), flag)
        return cls(settings, environ)

    def __getitem__(self, name: str) -> Any:
        return self._settings[name].value

    def __iter__(self) -> Iterator[tuple[str, Setting]]:
        return iter(self._settings.items())

    @property
    def home(self) -> Path:
        value: Path | None = self["home"]
        return (default_home(self._environ) if value is None else value).absolute()

    def client_address(self) -> Address:
        """Where a client looks for the daemon."""
        return client_address(self.home, self["socket"], self._environ)

    def server_address(self) -> Address:
        """Where a daemon listens."""
        return Address(self.home, self["socket"] or default_socket(self.home, self._environ))


def _path(value: Any) -> Path:
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise ValueError("a path is expected")
    return Path(os.path.expanduser(value)).absolute()


def _socket(value: Any) -> Path:
    if "://" in os.fspath(value if isinstance(value, str | os.PathLike) else ""):
        raise ValueError("a socket's path is expected")
    return _path(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is expected")
    return value


def _origin(value: Any) -> str:
    return checked_origin(_text(value))


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool):
        raise ValueError("a number of seconds is expected")
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise ValueError("a number of seconds is expected") from None
    if not 0 <= seconds < 1e9:
        raise ValueError("a number of seconds from 0 is expected")
    return seconds or None


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if not isinstance(value, str) or value.lower() not in words:
        raise ValueError("true or false is expected")
    return words[value.lower()]


def _off(value: Any) -> bool:
    if _switch(value):
        raise ValueError("only false is possible in this version")
    return False


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) and name for name in value):
        raise ValueError("an array of names is expected")
    return tuple(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("a share between 0 and 1 is expected")
    return float(value)


def _pairs(value: Any) -> tuple[SyncPair, ...]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ValueError("an array of tables, [[sync.pairs]], is expected")
    from .sync_pair import SyncPair

    pairs = []
    for number, table in enumerate(value):
        try:
            pairs.append(SyncPair.of(table, origin=DEFAULT_ORIGIN))
        except BadRequestError as error:
            member = next(
                (member for member in table if f"'{member}'" in str(error) or f'"{member}"' in str(error)), ""
            )
            raise _MistakenTableError(number, member, error) from error
    names = [pair.name for pair in pairs]
    if len(set(names)) < len(names):
        raise ValueError("each pair needs a name of its own")
    return tuple(pairs)


class _MistakenTableError(BadRequestError):
    """The mistake is in the ``number``-th table of an array, at its ``member`` (empty: one is missing)."""

    def __init__(self, number: int, member: str, error: BadRequestError) -> None:
        super().__init__(str(error), hint=error.hint)
        self.number, self.member = number, member


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)} is expected{_suggestion(value, words)}")
        return str(value)

    return read


KEYS = (
    Key("home", "TFJSD_HOME", _path, None, "the data directory"),
    Key(
        "socket",
        "TFJSD_SOCKET",
        _socket,
        None,
        "the unix socket that the daemon listens on and clients connect to",
    ),
    Key("http", "TFJSD_HTTP", loopback_address, None, "also listen on loopback TCP: `127.0.0.1:PORT`"),
    Key("origin", "TFJSD_ORIGIN", _origin, DEFAULT_ORIGIN, "the origin that a request without `?origin=` means"),
    Key(
        "browser",
        "TFJSD_BROWSER",
        _one_of("chrome", "firefox", "safari", "unlimited"),
        "chrome",
        "whose quotas, key order and error texts the store shows",
    ),
    Key(
        "idle_exit",
        "TFJSD_IDLE_EXIT",
        _seconds,
        None,
        "seconds without a request after which the daemon ends; 0: never",
    ),
    Key("autostart", "TFJSD_AUTOSTART", _switch, True, "whether a client starts the daemon when none runs"),
    Key("access.users", None, _names, (), "users besides the daemon's own that may use the store"),
    Key(
        "access.groups",
        None,
        _names,
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
        _off,
        False,
        "whether whole origins may be evicted when the disk runs low",
    ),
    Key("sync.pairs", None, _pairs, (), "sync pairs; see [Sync](sync.md)"),
    Key("sync.users", None, _names, (), "users besides the daemon's own that may add and change sync pairs"),
    Key(
        "sync.settle",
        None,
        _seconds,
        0.2,
        "seconds without a change after which a model in a directory is taken",
    ),
    Key(
        "sync.deletion_share",
        None,
        _share,
        0.5,
        "the largest share of a pair's models that is deleted without approval",
    ),
    Key(
        "log.format",
        "TFJSD_LOG_FORMAT",
        _one_of("auto", "json", "text"),
        "auto",
        "`auto`: text on a terminal, else JSON",
    ),
    Key(
        "log.level",
        "TFJSD_LOG_LEVEL",
        _one_of("debug", "info", "warning", "error"),
        "info",
        "the least level that is logged",
    ),
)
_KEYS = {key.name: key for key in KEYS}
_TABLES = tuple(sorted({key.name.partition(".")[0] for key in KEYS if "." in key.name}))


def _from_file(file: Path) -> dict[str, Setting]:
    try:
        text = file.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    return {name: _setting(file, text, name, value) for name, value in _flat(content)}


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if name in _TABLES and isinstance(value, dict):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _setting(file: Path, text: str, name: str, value: object) -> Setting:
    where = f"{file}:{_line_of(text, name)}"
    if name not in _KEYS:
        raise ConfigurationError(f"{where}: unknown key {name!r}{_suggestion(name, (*_KEYS, *_TABLES))}")
    try:
        return Setting(_read(_KEYS[name], value, f"{where}: {name}"), where)
    except ConfigurationError as error:
        if isinstance(mistake := error.__cause__, _MistakenTableError):
            where = f"{file}:{_line_in_table(text, name, mistake)}"
            raise ConfigurationError(f"{where}: {name}: {mistake}", hint=mistake.hint) from mistake
        raise


def _read(key: Key, value: object, where: str) -> object:
    try:
        return key.read(value)
    except (BadRequestError, UnsupportedURLError) as error:  # it names the value itself
        raise ConfigurationError(f"{where}: {error}", hint=error.hint) from error
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}, not {value!r}") from error


def _line_in_table(text: str, name: str, mistake: _MistakenTableError) -> int:
    lines = text.splitlines()
    headers = [number for number, line in enumerate(lines, 1) if re.match(rf"\s*\[\[\s*{re.escape(name)}\s*\]\]", line)]
    if mistake.number >= len(headers):  # written in another form
        return _line_of(text, name)
    first, end = headers[mistake.number], [*headers, len(lines) + 1][mistake.number + 1]
    member = re.compile(rf"""\s*["']?{re.escape(mistake.member)}["']?\s*=""")
    return next((number for number in range(first, end) if member.match(lines[number - 1])), first)


def _line_of(text: str, name: str) -> int:
    table, _, last = name.rpartition(".")
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[{1,2}\s*([^\]]+?)\s*\]", line):
            current = header[1]
        if current == table and re.match(rf"""\s*["']?{re.escape(last)}["']?\s*=""", line):
            return number
        if not current and re.match(rf"\s*{re.escape(name)}\s*=", line):
            return number
        if current == name:
            return number
    return 1


def _suggestion(word: object, known: Iterator[str] | Mapping[str, object] | tuple[str, ...]) -> str:
    import difflib

    near = difflib.get_close_matches(str(word), list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
