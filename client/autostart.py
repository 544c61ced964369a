"""Starting the daemon: one detached process, however many callers want it at once."""

from __future__ import annotations

import fcntl
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import NoReturn

from ..errors import DaemonUnavailableError, HomeInUseError
from ..wire.addresses import LOG_FILE, read_daemon_file, unusable_home
from ..wire.error_body import error_from_json
from .http_connection import open_connection
from .target import Target

START_SECONDS = 30.0
LOCK_FILE = "start.lock"
_LOCK_PAUSE = 0.01
_READY = b"ready\n"
_LONGEST_REPORT = 1 << 16


def start_daemon(target: Target, timeout: float | None) -> None:
    """Returns when a daemon listens, started by this call or by another process meanwhile.

    The new process is detached: a session of its own, ``/`` as its directory, no descriptor of the caller's. It ends by
    itself when it has been idle. Raises ConfigurationError for a home in a wrong place, HomeInUseError
    where its daemon listens elsewhere, what the daemon reports where its start fails, DaemonUnavailableError where it
    reports nothing within ``timeout`` (at least 30 s).
    """
    deadline = time.monotonic() + max(timeout or START_SECONDS, START_SECONDS)
    home = Path(target.home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(home / LOCK_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        unusable = unusable_home(home, error)
        raise unusable or DaemonUnavailableError(f"Cannot start the tfjsd daemon: {error}") from error
    try:
        _acquire(lock, deadline)
        if not listens(target):
            _refuse_second_owner(target)
            _spawn_and_wait(target, deadline)
    finally:
        os.close(lock)


def command(target: Target, ready_descriptor: int) -> list[str]:
    """What is run. ``-P``: a file that is called tfjsd in some directory is not imported."""
    words = [sys.executable, "-P", "-m", "tfjsd", "serve", "--home", target.home]
    if target.socket is not None:
        words += ["--socket", target.socket]
    return [*words, "--ready-fd", str(ready_descriptor), "--detached"]


def _acquire(lock: int, deadline: float) -> None:
    """Waits for whoever is starting the daemon just now."""
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DaemonUnavailableError(
                    "Another process has been starting the tfjsd daemon for too long."
                ) from None
            time.sleep(_LOCK_PAUSE)


def listens(target: Target) -> bool:
    """Whether somebody takes connections there."""
    try:
        open_connection(target.address(), 1.0).close()
    except OSError:
        return False
    return True


def _refuse_second_owner(target: Target) -> None:
    """The daemon that is to be started would wait for the home in vain where its owner answers at another socket.

    Raises:
        HomeInUseError: with that socket as its hint.
    """
    found = read_daemon_file(Path(target.home))
    if found is None or target.socket in (None, found["socket"]):
        return
    if listens(target._replace(socket=found["socket"])):
        raise HomeInUseError(
            f"{target.home} is in use by a daemon that listens on {found['socket']}, not on {target.socket}.",
            hint=f"leave --socket (TFJSD_SOCKET) out, or name {found['socket']}; or use another home",
        )


def _spawn_and_wait(target: Target, deadline: float) -> None:
    path = Path(target.home) / LOG_FILE
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    logged = os.fstat(log).st_size
    reader, writer = os.pipe()
    try:
        try:
            _spawn(command(target, writer), writer, log)
        finally:
            os.close(writer)
            os.close(log)
        report = _report(reader, deadline)
    finally:
        os.close(reader)
    if not report.endswith(_READY):
        _raise_report(report, _logged_since(path, logged))


def _spawn(words: list[str], writer: int, log: int) -> None:
    """Runs a command detached. The shell leaves it to init: no zombie stays with a caller that outlives the daemon.

    ``TFJSD_ORIGIN`` says what the caller's own requests mean; the daemon is everybody's.
    """
    import subprocess

    environment = {name: value for name, value in os.environ.items() if name != "TFJSD_ORIGIN"}

    try:
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment,
            pass_fds=(writer,),
            start_new_session=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise DaemonUnavailableError(f"Cannot start the tfjsd daemon: {error}") from error


def _report(reader: int, deadline: float) -> bytes:
    """What the daemon writes until it is ready or its end of the pipe is closed."""
    report = b""
    while not report.endswith(_READY) and len(report) < _LONGEST_REPORT:
        readable, _, _ = select.select([reader], [], [], max(deadline - time.monotonic(), 0))
        if not readable:
            raise DaemonUnavailableError("The tfjsd daemon was started but is not ready.", hint="see `tfjsd logs`")
        piece = os.read(reader, 1 << 12)
        if not piece:
            break
        report += piece
    return report


def _logged_since(log: Path, start: int) -> str:
    """What Python itself says of a start that fails before the daemon can report it."""
    with log.open("rb") as file:
        file.seek(start)
        return file.read(_LONGEST_REPORT).decode("utf-8", "replace").strip()


def _raise_report(report: bytes, logged: str) -> NoReturn:
    text = report.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        raise error_from_json(json.loads(text))
    reason = (text or logged or "it ended without a word").splitlines()[-1]
    raise DaemonUnavailableError(f"The tfjsd daemon could not be started: {reason}", hint="see `tfjsd logs`")
