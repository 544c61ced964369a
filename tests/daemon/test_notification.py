"""sd_notify without a library."""

import socket
import sys

import pytest

from tfjsd.daemon.notification import Notifier


@pytest.fixture
def manager(tmp_path_factory):
    import shutil
    import tempfile
    from pathlib import Path

    directory = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        receiver.bind(str(directory / "n"))
        yield receiver
    shutil.rmtree(directory)


def test_lines_reach_the_manager(manager):
    Notifier({"NOTIFY_SOCKET": manager.getsockname()}).notify("READY=1", "STATUS=serving")
    assert manager.recv(100) == b"READY=1\nSTATUS=serving"


@pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")
def test_an_abstract_address_is_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        receiver.bind("\0tfjsd-test-notify")
        Notifier({"NOTIFY_SOCKET": "@tfjsd-test-notify"}).notify("STOPPING=1")
        assert receiver.recv(100) == b"STOPPING=1"


def test_without_a_manager_nothing_happens():
    Notifier({}).notify("READY=1")


def test_a_manager_that_is_gone_is_logged_and_no_error(caplog):
    Notifier({"NOTIFY_SOCKET": "/nonexistent/notify"}).notify("READY=1")
    assert "the service manager was not reached" in caplog.text


def test_the_watchdog_is_fed_twice_as_often_as_asked():
    import os

    assert Notifier({"WATCHDOG_USEC": "30000000"}).watchdog_seconds == 15
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}).watchdog_seconds == 15
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).watchdog_seconds is None
    assert Notifier({}).watchdog_seconds is None
