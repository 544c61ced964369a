"""The files of the service, as the package brings them in ``systemd/``, made to fit this machine and this home."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import TfjsdError

if TYPE_CHECKING:
    from ..wire.configuration import Configuration

LABEL = "io.tfjsd"
UNITS = ("tfjsd.socket", "tfjsd.service")
HTTP_DROP_IN = "tfjsd.service.d/http.conf"
"""Brought in ``drop-ins/``: beside its unit, every look at the unit would count it in."""
_HTTP_ADDRESS = "127.0.0.1:8765"
_PROGRAM = "/usr/local/bin/tfjsd"
_HOMES = frozenset(map(Path, ("/home", "/root", "/run/user")))
_BROUGHT = Path(__file__).parents[1] / "systemd"


class ServiceFile(NamedTuple):
    """A file to be written. ``kept``: one that the administrator may have changed is not replaced and not removed."""

    path: Path
    text: str
    kept: bool = False


class Loopback(NamedTuple):
    """That the daemon is to listen on loopback TCP besides: at this address, or (None) at that of its configuration."""

    address: str | None


def system_files(http: Loopback | None, root: Path = Path("/")) -> list[ServiceFile]:
    """The system's units, its group, and the configuration that names its socket."""
    place = root / "etc/systemd/system"
    return [
        *_units("system", place, http, lambda text: text.replace(_PROGRAM, _quoted(program_path()))),
        ServiceFile(root / "etc/sysusers.d/tfjsd.conf", _brought("sysusers", "tfjsd.conf")),
        ServiceFile(root / "etc/tfjsd/config.toml", _brought("system", "config.toml"), kept=True),
    ]


def user_files(configuration: Configuration, http: Loopback | None, directory: Path) -> list[ServiceFile]:
    """The user's units, for the home and the socket of the configuration."""
    address = configuration.server_address()

    def fitted(text: str) -> str:
        text = text.replace("%h/.local/share/tfjsd/tfjsd.sock", _escaped(address.socket))
        text = text.replace("--home %h/.local/share/tfjsd", f"--home {_quoted(address.home)}")
        return text.replace(_PROGRAM, _quoted(program_path()))

    return _units("user", directory, http, fitted)


def _units(kind: str, directory: Path, http: Loopback | None, fitted: Callable[[str], str]) -> list[ServiceFile]:
    files = [ServiceFile(directory / name, fitted(_brought(kind, name))) for name in UNITS]
    if http is not None:
        text = fitted(_brought(kind, "drop-ins", "http.conf"))
        if http.address is None:
            text = re.sub("(?m)^ExecStart=.*\n", "", text)
        else:
            text = text.replace(_HTTP_ADDRESS, http.address)
        files.append(ServiceFile(directory / HTTP_DROP_IN, text))
    return files


def launchd_files(configuration: Configuration, directory: Path) -> list[ServiceFile]:
    """The agent of a macOS user."""
    from xml.sax.saxutils import escape

    text = _brought("launchd", f"{LABEL}.plist").replace(_PROGRAM, escape(os.fspath(program_path())))
    text = text.replace("@HOME@/Library/Application Support/tfjsd", escape(os.fspath(configuration.home)))
    return [ServiceFile(directory / f"{LABEL}.plist", text.replace("@HOME@", escape(os.fspath(Path.home()))))]


def program_path() -> Path:
    """The ``tfjsd`` that runs now. Raises TfjsdError where it is not installed as a command."""
    beside = Path(sys.executable).with_name("tfjsd")
    found = os.fspath(beside) if beside.exists() else shutil.which("tfjsd")
    if found is None:
        raise TfjsdError("tfjsd is not installed as a command", hint="pip install tfjsd, or pipx install tfjsd")
    return Path(found).absolute()


def hidden_place(*paths: Path) -> Path | None:
    """The first directory on the way to one of these that a system service cannot enter: closed to other users, or
    hidden from it (``ProtectHome=``)."""
    for path in paths:
        for place in reversed((path, *path.parents, path.resolve(), *path.resolve().parents)):
            if place in _HOMES or (place.is_dir() and not place.stat().st_mode & stat.S_IXOTH):
                return place
    return None


def user_unit_directory(environ: dict[str, str] | os._Environ[str] = os.environ) -> Path:
    """Where systemd looks for a user's own units (systemd.unit(5))."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    base = Path(configured) if os.path.isabs(configured) else Path.home() / ".config"
    return base / "systemd" / "user"


def _brought(*names: str) -> str:
    return _BROUGHT.joinpath(*names).read_text("utf-8")


def _escaped(path: Path) -> str:
    """``%`` begins a specifier."""
    return os.fspath(path).replace("%", "%%")


def _quoted(path: Path) -> str:
    """One word of a command line (systemd.syntax(7)); ``$`` begins a variable there."""
    text = _escaped(path).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return text if not set(text) & set(" \t'\"\\;") else f'"{text}"'


def names(files: Sequence[ServiceFile]) -> str:
    """For messages."""
    return ", ".join(os.fspath(file.path) for file in files)
