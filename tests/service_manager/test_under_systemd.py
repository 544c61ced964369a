"""The service under a real systemd: installed by the command, started by its socket, watched, reloaded, stopped."""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from .managers import SYSTEMD, UnavailableError, system_manager, until, user_manager

MODEL = Path("tests/fixtures/tfjs-models/jsmlp/model.json")
TOOLS = ("unshare", "nsenter", "systemctl", "mount")


@pytest.fixture(scope="module", params=["user", "system"])
def manager(request):
    """A systemd in which the service is installed."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a systemd of the tests' own needs root on Linux")
    if missing := [tool for tool in (*TOOLS, SYSTEMD) if shutil.which(tool) is None]:
        pytest.skip(f"a systemd of the tests' own needs {', '.join(missing)}")
    place = Path(tempfile.mkdtemp(prefix="tfjsd-"))  # pytest's own is too long for a socket
    begin = user_manager if request.param == "user" else system_manager
    try:
        with begin(place) as manager:
            manager.tfjsd("service", "install")
            yield manager
            manager.tfjsd("service", "remove")
            assert manager.run("find", str(manager.units), "-name", "tfjsd*") == ""
            assert manager.systemctl("is-active", "tfjsd.socket", code=None).strip() == "inactive"
    except UnavailableError as error:
        pytest.skip(f"this machine can have no systemd of the tests' own: {error}")
    finally:
        shutil.rmtree(place)


@pytest.fixture
def drop_in(manager):
    """Changes the service for one test."""
    path = manager.units / "tfjsd.service.d" / "test.conf"

    def write(text: str) -> None:
        manager.write(path, f"[Service]\n{text}\n")
        manager.systemctl("daemon-reload")

    yield write
    manager.run("rm", "-rf", str(path.parent))
    manager.systemctl("daemon-reload")
    manager.systemctl("restart", "tfjsd.service")


def process(manager) -> int:
    return int(manager.show("MainPID"))


def is_running(manager) -> bool:
    return manager.show("ActiveState") == "active"


def test_it_is_ready_when_systemd_says_so(manager):
    assert is_running(manager)
    assert manager.show("Type") == "notify"
    assert manager.show("StatusText").startswith("serving ")
    assert manager.show("NRestarts") == "0"
    assert "active" in manager.tfjsd("service", "status")
    assert f"process:  {process(manager)}," in manager.tfjsd("status")
    assert "hint:" not in manager.tfjsd("doctor")


def test_a_service_that_never_says_so_does_not_start(manager, drop_in):
    """The negative control."""
    drop_in("ExecStart=\nExecStart=/bin/sleep 1000\nTimeoutStartSec=1\nRestart=no")
    assert "timeout" in manager.systemctl("restart", "tfjsd.service", code=1)


def test_the_socket_starts_it_and_nothing_is_lost(manager):
    manager.tfjsd("copy", str(manager.root / MODEL), "indexeddb://kept")
    before = process(manager)
    manager.systemctl("stop", "tfjsd.service")
    assert (manager.show("Result"), manager.show("ExecMainStatus")) == ("success", "0")
    assert not is_running(manager)
    assert "indexeddb://kept" in json.loads(manager.tfjsd("list", "--json", "--no-autostart"))
    assert is_running(manager)
    assert process(manager) != before


def test_it_reads_its_configuration_again(manager):
    before, text = process(manager), manager.run("cat", str(manager.config), code=None)
    text = "" if "No such file" in text else text
    directory = manager.home / "models" if manager.is_user else Path("/srv/models")
    manager.run("mkdir", "-p", str(directory))
    pair = f'\n[[sync.pairs]]\nname = "live"\ndirectory = "{directory}"\nprefix = "indexeddb://"\n'
    manager.write(manager.config, text + pair)
    manager.systemctl("reload", "tfjsd.service")
    until(lambda: "live" in manager.tfjsd("sync", "list"))
    assert (process(manager), is_running(manager)) == (before, True)
    manager.write(manager.config, text)
    manager.systemctl("reload", "tfjsd.service")
    until(lambda: "live" not in manager.tfjsd("sync", "list"))


def test_one_that_hangs_is_started_again(manager, drop_in):
    drop_in("WatchdogSec=1\nTimeoutAbortSec=1\nRestartSec=0.1")
    manager.systemctl("restart", "tfjsd.service")
    manager.tfjsd("copy", str(manager.root / MODEL), "indexeddb://before-it-hung")
    before = process(manager)
    manager.run("sh", "-c", "sleep 2.5")
    assert process(manager) == before, "it shows signs of life"
    manager.run("kill", "-STOP", str(before))
    until(lambda: process(manager) not in (before, 0) and is_running(manager))
    assert manager.show("NRestarts") == "1"
    assert "indexeddb://before-it-hung" in json.loads(manager.tfjsd("list", "--json"))


def test_one_that_was_killed_is_started_again(manager, drop_in):
    drop_in("RestartSec=0.1")
    manager.systemctl("restart", "tfjsd.service")
    manager.tfjsd("copy", str(manager.root / MODEL), "indexeddb://before-it-died")
    before = process(manager)
    manager.run("kill", "-KILL", str(before))
    until(lambda: process(manager) not in (before, 0) and is_running(manager))
    assert "indexeddb://before-it-died" in json.loads(manager.tfjsd("list", "--json"))


@pytest.mark.parametrize("manager", ["user"], indirect=True)
def test_a_daemon_that_a_command_started_hands_its_pairs_over(manager):
    manager.tfjsd("service", "remove")
    directory = manager.home / "handed over"
    manager.run("cp", "-r", str(manager.root / MODEL.parent), str(directory))
    said = manager.run(
        "sh", "-c", 'exec 2>&1; "$@"', "sh", manager.command, "sync", "add", str(directory), "indexeddb://"
    )
    assert "tfjsd service install" in said
    until(lambda: "indexeddb://model" in json.loads(manager.tfjsd("list", "--json")))
    manager.tfjsd("service", "install")
    assert f"process:  {process(manager)}," in manager.tfjsd("status")
    pairs = json.loads(manager.tfjsd("sync", "list", "--json"))
    assert [pair["directory"] for pair in pairs.values()] == [str(directory)]
    manager.tfjsd("sync", "remove", *pairs)


# -- A machine's service, for a group of users -------------------------------------------------------------------------


on_a_machine = pytest.mark.parametrize("manager", ["system"], indirect=True)


@on_a_machine
def test_members_of_the_group_get_in_and_others_do_not(manager):
    assert manager.run("stat", "--format=%A %G", "/run/tfjsd/tfjsd.sock") == "srw-rw---- tfjsd\n"
    assert manager.show("DynamicUser") == "yes"
    group = manager.run("getent", "group", "tfjsd").split(":")[2]
    somebody = ("env", "HOME=/nonexistent", "setpriv", "--reuid=12345", "--clear-groups")
    assert "process:" in manager.run(*somebody, f"--regid={group}", "tfjsd", "status")
    assert "ermission denied" in manager.run(*somebody, "--regid=12345", "tfjsd", "status", code=1)


@on_a_machine
def test_a_pair_needs_the_drop_in_that_the_documentation_shows(manager, drop_in):
    manager.run("sh", "-c", "groupadd models && mkdir -p /srv/team && chgrp models /srv/team && chmod 2775 /srv/team")
    manager.run("cp", "-r", str(manager.root / MODEL.parent), "/srv/team/m")
    manager.tfjsd("sync", "add", "/srv/team", "indexeddb://team/", "--name", "team")
    until(lambda: "indexeddb://team/m" in json.loads(manager.tfjsd("list", "--json")))
    manager.tfjsd("copy", str(manager.root / MODEL), "indexeddb://team/new")
    until(lambda: "Read-only" in json.dumps(json.loads(manager.tfjsd("sync", "status", "--json"))["team"]["problems"]))
    drop_in("ReadWritePaths=/srv/team\nSupplementaryGroups=models\nUMask=0002")
    manager.systemctl("restart", "tfjsd.service")
    until(lambda: manager.run("find", "/srv/team/new", "-name", "model.json", code=None).startswith("/srv"))
    assert manager.run("stat", "--format=%A %G", "/srv/team/new/model.json") == "-rw-rw-r-- models\n"
    manager.tfjsd("sync", "remove", "team")
