"""The daemon is started for whoever needs it: once, detached, and with a clear word when that fails."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from client_support.daemon_thread import short_directory

import tfjsd
from tfjsd.client.autostart import LOCK_FILE

pytest.importorskip("plyvel")


def end_daemon(home: Path) -> None:
    """Ends what was started on ``home``, and waits for it."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        process = json.loads((home / "daemon.json").read_text())["pid"]
        os.kill(process, signal.SIGTERM)
        while (home / "daemon.json").exists():
            time.sleep(0.01)


@pytest.fixture
def home() -> Iterator[Path]:
    with short_directory() as directory:
        yield directory / "home"
        end_daemon(directory / "home")


def run(program: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_daemon_is_started_detached(home, tmp_path):
    inherited = os.open(tmp_path / "of the caller", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(inherited, True)
    with tfjsd.connect(home=home) as store:
        status = store.status()
    os.close(inherited)
    assert status["autostarted"]
    assert status["home"] == str(home)
    process = Path(f"/proc/{status['pid']}")
    assert os.getsid(status["pid"]) != os.getsid(0)
    if process.exists():
        assert os.readlink(process / "cwd") == "/"
        for link in (process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it lives: what was open a moment ago may be closed
                assert os.readlink(link) != str(tmp_path / "of the caller")
    assert home.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.iterdir() if path.is_file() and path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(("said", "seconds"), [(None, 600.0), ("7200", 7200.0), ("0", None)])
def test_it_stays_for_as_long_as_the_environment_says(home, monkeypatch, said, seconds):
    if said is not None:
        monkeypatch.setenv("TFJSD_IDLE_EXIT", said)
    with tfjsd.connect(home=home) as store:
        assert store.status()["idle_exit"] == seconds


def test_it_stays_for_as_long_as_the_configuration_says(home, monkeypatch):
    file = home.parent / "tfjsd" / "config.toml"
    file.parent.mkdir()
    file.write_text("idle_exit = 5000\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.parent))
    with tfjsd.connect(home=home) as store:
        assert store.status()["idle_exit"] == 5000.0


def keys_of_the_default_origin(path: str) -> list[str]:
    """What a plain HTTP client is answered that names no origin."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    with contextlib.closing(connection):
        connection.sock.connect(path)
        connection.request("POST", "/v1/local-storage", '{"op": "keys"}', {"content-type": "application/json"})
        keys: list[str] = json.loads(connection.getresponse().read())["result"]
        return keys


def test_who_starts_it_does_not_choose_the_default_origin_of_others(home, monkeypatch):
    monkeypatch.setenv("TFJSD_ORIGIN", "https://a.example")
    with tfjsd.connect(home=home) as store:
        assert store.origin == "https://a.example"
        store.local_storage()["of"] = "a.example"
        store.with_origin("http://localhost").local_storage()["of everybody"] = "localhost"
        assert keys_of_the_default_origin(store.status()["socket"]) == ["of everybody"]


def test_a_home_whose_daemon_listens_elsewhere_is_named_at_once(home, monkeypatch):
    with tfjsd.connect(home=home) as store:
        path = store.status()["socket"]
        monkeypatch.setenv("TFJSD_SOCKET", str(home.parent / "other.sock"))
        monkeypatch.setattr("tfjsd.client.autostart._spawn_and_wait", None)
        with pytest.raises(tfjsd.HomeInUseError, match=f"a daemon that listens on {path}, not on") as caught:
            tfjsd.connect(home=home)
        assert f"name {path}" in caught.value.hint


def test_the_record_of_a_daemon_that_has_gone_does_not_matter(home, monkeypatch):
    home.mkdir(mode=0o700)
    (home / "daemon.json").write_text(json.dumps({"socket": str(home / "tfjsd.sock"), "pid": 1}))
    monkeypatch.setenv("TFJSD_SOCKET", str(home.parent / "other.sock"))
    with tfjsd.connect(home=home) as store:
        assert store.status()["socket"] == str(home.parent / "other.sock")


def test_ten_callers_at_once_start_one_daemon(home):
    program = f"import tfjsd\nprint(tfjsd.connect(home={str(home)!r}).status()['pid'])"
    callers = [run(program, **os.environ) for _ in range(10)]
    outcomes = [caller.communicate(timeout=60) for caller in callers]
    assert {errors for _, errors in outcomes} == {""}
    assert len({out for out, _ in outcomes}) == 1


async def test_an_asynchronous_caller_starts_it_too(home):
    stores = await asyncio.gather(*(tfjsd.aconnect(home=home) for _ in range(3)))
    assert len({(await store.status())["pid"] for store in stores}) == 1
    for store in stores:
        await store.aclose()


def test_the_environment_of_cron_is_enough(home):
    """No XDG variables, a minimal PATH, another directory."""
    program = "import tfjsd\nwith tfjsd.connect() as store: print(store.status()['home'])"
    user = home.parent
    out, errors = run(program, HOME=str(user), PATH="/usr/bin:/bin").communicate(timeout=60)
    expected = user / ("Library/Application Support/tfjsd" if sys.platform == "darwin" else ".local/share/tfjsd")
    assert (out.strip(), errors) == (str(expected), "")
    end_daemon(expected)


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_it_can_be_forbidden(home, monkeypatch, how):
    if how == "variable":
        monkeypatch.setenv("TFJSD_AUTOSTART", "0")
    with pytest.raises(tfjsd.DaemonUnavailableError, match="Is it running"):
        tfjsd.connect(home=home, autostart=how == "variable")
    assert not home.exists()


def test_no_daemon_is_started_at_an_address_that_the_caller_names(home):
    with pytest.raises(tfjsd.DaemonUnavailableError):
        tfjsd.connect(f"unix:{home}/tfjsd.sock")


def test_what_keeps_it_from_starting_is_said(home):
    home.mkdir()
    (home / "format").write_text('{"format": 999}')
    with pytest.raises(tfjsd.TfjsdError) as caught:
        tfjsd.connect(home=home)
    assert not isinstance(caught.value, tfjsd.DaemonUnavailableError), "the daemon's own error, not ours"


def test_a_python_that_cannot_even_import_is_said(home, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(tfjsd.DaemonUnavailableError, match="could not be started: it ended without a word"):
        tfjsd.connect(home=home)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(tfjsd.DaemonUnavailableError, match="not found"):
        tfjsd.connect(home=home)


def test_a_home_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(tfjsd.ConfigurationError, match=r"file/home cannot be the home: Not a directory\.") as caught:
        tfjsd.connect(home=tmp_path / "file" / "home")
    assert caught.value.hint == "choose another with --home or TFJSD_HOME"


def test_a_full_disk_is_not_taken_for_a_wrong_home(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(tfjsd.DaemonUnavailableError, match="Cannot start the tfjsd daemon"):
        tfjsd.connect(home=tmp_path / "home")


def test_a_starter_that_died_does_not_block_the_next(home):
    home.mkdir(mode=0o700)
    (home / LOCK_FILE).write_text("")
    with tfjsd.connect(home=home) as store:
        assert store.list_models() == {}


def test_a_daemon_that_was_killed_is_started_again(home):
    with tfjsd.connect(home=home) as store:
        store.local_storage().set_item("a", "1")
        first = store.status()["pid"]
        os.kill(first, signal.SIGKILL)
        assert store.local_storage().get_item("a") == "1"
        assert store.status()["pid"] != first


def test_an_older_idle_daemon_is_replaced(home, monkeypatch):
    with tfjsd.connect(home=home) as store:
        first = store.status()["pid"]
    monkeypatch.setattr(tfjsd, "__version__", "99.0")
    with tfjsd.connect(home=home) as store, warnings.catch_warnings():
        warnings.simplefilter("error")
        store.local_storage().set_item("a", "1")
        assert store.status()["pid"] != first
        assert store.local_storage().get_item("a") == "1"


def test_an_older_daemon_that_is_busy_is_left_alone(home, monkeypatch):
    with tfjsd.connect(home=home) as first, contextlib.closing(first.events()):
        process = first.status()["pid"]
        monkeypatch.setattr(tfjsd, "__version__", "99.0")
        with tfjsd.connect(home=home) as store, pytest.warns(UserWarning, match="tfjsd restart"):
            assert store.status()["pid"] == process


def test_a_newer_daemon_is_left_alone(home, monkeypatch):
    with tfjsd.connect(home=home) as store:
        first = store.status()["pid"]
    monkeypatch.setattr(tfjsd, "__version__", "0.0.1")
    with tfjsd.connect(home=home) as store, pytest.warns(UserWarning, match="tfjsd restart"):
        assert store.status()["pid"] == first
