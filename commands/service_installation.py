"""``service install``, ``remove``, ``status``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TfjsdError
from ..storage_backends import durable
from ..wire.web_address import authority
from .arguments import UsageError
from .lifecycle import end, running_status
from .service_files import (
    HTTP_DROP_IN,
    LABEL,
    UNITS,
    Loopback,
    ServiceFile,
    hidden_place,
    launchd_files,
    names,
    program_path,
    system_files,
    user_files,
    user_unit_directory,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..wire.configuration import Configuration
    from .invocation import Invocation


class Manager:
    """systemd, of the system or of a user, or launchd."""

    def __init__(self, invocation: Invocation) -> None:
        self.is_system = os.geteuid() == 0
        self.is_launchd = sys.platform == "darwin"
        self.files = self._files(invocation)

    def _files(self, invocation: Invocation) -> list[ServiceFile]:
        http = invocation.arguments.text("--http")
        if http is not None and not re.fullmatch(r"(?:127\.0\.0\.1|\[::1\]):\d+", http):
            raise UsageError("--http takes this machine's own address, 127.0.0.1:PORT", hint="as tfjsd serve does")
        if self.is_launchd:
            return launchd_files(invocation.configuration(), Path.home() / "Library" / "LaunchAgents")
        if self.is_system:
            return system_files(_loopback(http, system_configuration()))
        configuration = invocation.configuration()
        return user_files(configuration, _loopback(http, configuration), user_unit_directory())

    @property
    def installed(self) -> bool:
        return all(file.path.exists() for file in self.files)

    def drop_ins(self) -> list[Path]:
        """What an installation with other options has left beside the units."""
        places = [file.path.parent / HTTP_DROP_IN for file in self.files if file.path.name == UNITS[1]]
        return [place for place in places if place.exists()]

    def require(self) -> None:
        """Raises TfjsdError where no service manager answers."""
        tool = "launchctl" if self.is_launchd else "systemctl"
        if shutil.which(tool) is None:
            raise TfjsdError(
                f"there is no {tool} here, so no service manager that could run the daemon",
                hint="have whatever starts services here run: tfjsd serve",
            )
        if not self.is_launchd and self.ask("show", "--property=Version").returncode != 0:
            raise TfjsdError(
                "systemd does not answer" + ("" if self.is_system else " for this user"),
                hint="log in as the user itself (not through sudo or su), or see loginctl enable-linger",
            )
        if self.is_system and (place := hidden_place(program_path(), Path(sys.prefix), Path(sys.base_prefix))):
            raise TfjsdError(
                f"the service runs as a user of its own, who cannot read {place}",
                hint="install tfjsd for all users (a virtual environment in /opt, for instance), and run that one",
            )

    def start(self) -> None:
        """Has the installed service run now and from now on. Raises TfjsdError."""
        if self.is_launchd:
            self._do("launchctl", "bootstrap", f"gui/{os.getuid()}", os.fspath(self.files[0].path))
            return
        if self.is_system and shutil.which("systemd-sysusers"):
            self._do(
                "systemd-sysusers", next(os.fspath(file.path) for file in self.files if "sysusers" in str(file.path))
            )
        self._do(*self._systemctl("daemon-reload"))
        self._do(*self._systemctl("enable", "--now", *UNITS))

    def stop(self) -> None:
        """The opposite; what does not run is as it should be."""
        if self.is_launchd:
            subprocess.run(["launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}"], capture_output=True, check=False)
        else:
            self.ask("disable", "--now", *UNITS)

    def reload(self) -> None:
        """The manager forgets files that are gone."""
        if not self.is_launchd:
            self.ask("daemon-reload")

    def state(self) -> str:
        """``active``, ``inactive``, ``failed``, … as the manager says."""
        if self.is_launchd:
            command = ["launchctl", "print", f"gui/{os.getuid()}/{LABEL}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            return "active" if "state = running" in done.stdout else "inactive"
        return self.ask("is-active", UNITS[1]).stdout.strip() or "unknown"

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """systemctl's answer, whatever it is."""
        return subprocess.run([*self._systemctl(*words)], capture_output=True, text=True, check=False)

    def _systemctl(self, *words: str) -> Sequence[str]:
        return ["systemctl", *([] if self.is_system else ["--user"]), *words]

    def _do(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            raise TfjsdError(f"{' '.join(command)}: {said or f'exit code {done.returncode}'}")


def system_configuration() -> Configuration:
    """What the system's service reads: it has another environment and another home than the caller."""
    from ..wire.configuration import Configuration

    return Configuration.load(environ={}, files=(Path("/etc/tfjsd/config.toml"),))


def _loopback(flag: str | None, configuration: Configuration) -> Loopback | None:
    """A file is read by the daemon itself, and may change later; the caller's environment is not the service's."""
    if flag is not None:
        return Loopback(flag)
    address, source = dict(configuration)["http"]
    if address is None:
        return None
    return Loopback(authority(*address) if source == "TFJSD_HTTP" else None)


def install(invocation: Invocation) -> int:
    """Writes the files and starts the service; one that is installed is brought up to date."""
    manager, output = Manager(invocation), invocation.output
    if invocation.arguments.flag("--dry-run"):
        for file in manager.files:
            output.line(f"# {file.path}\n{file.text}")
        return 0
    manager.require()
    if manager.installed:
        manager.stop()
    elif (status := running_status(invocation)) is not None:
        end(status["pid"])
    for path in manager.drop_ins():
        durable.unlink(path)
    for file in manager.files:
        _write(file)
    manager.start()
    output.done(f"installed and started: {names(manager.files)}")
    if not manager.is_system and not manager.is_launchd:
        output.note("it runs while you are logged in; loginctl enable-linger has it run from boot on")
    if output.json:
        output.document({"files": [os.fspath(file.path) for file in manager.files], "state": manager.state()})
    return 0


def _write(file: ServiceFile) -> None:
    if file.kept and file.path.exists():
        return
    durable.make_directory(file.path.parent, mode=0o755)
    durable.write_file(file.path, file.text.encode(), mode=0o644)


def remove(invocation: Invocation) -> int:
    """Stops the service and removes its files; the home stays as it is."""
    manager, output = Manager(invocation), invocation.output
    present = [file.path for file in manager.files if file.path.exists() and not file.kept]
    if present:
        manager.stop()
        for path in manager.drop_ins():
            durable.unlink(path)
            durable.remove_empty_directory(path.parent)
        for path in present:
            durable.unlink(path)
        manager.reload()
    text = f"removed: {', '.join(map(os.fspath, present))}" if present else "no service is installed"
    output.result(text, {"files": [os.fspath(path) for path in present]})
    return 0


def status(invocation: Invocation) -> int:
    """0 where the service runs."""
    manager, output = Manager(invocation), invocation.output
    state = (
        manager.state()
        if manager.installed and shutil.which("launchctl" if manager.is_launchd else "systemctl")
        else ""
    )
    kind = "launchd" if manager.is_launchd else "system" if manager.is_system else "user"
    if output.json:
        files = [os.fspath(file.path) for file in manager.files]
        output.document({"kind": kind, "installed": manager.installed, "state": state or "unknown", "files": files})
    elif manager.installed:
        output.line(f"{kind} service: {state or 'unknown'}")
        for file in manager.files:
            output.line(f"  {file.path}")
    else:
        output.line("no service is installed; tfjsd service install does it")
    return 0 if state == "active" else 1
