"""The socket's name: who may take it, and with which mode it comes into the world."""

import errno
import os
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest

from tfjsd.daemon.listener import adopt, bind, may_hold_socket
from tfjsd.daemon.notification import activated_sockets
from tfjsd.errors import ConfigurationError, DaemonUnavailableError, HomeInUseError


@pytest.fixture
def place(tmp_path_factory):
    import shutil
    import tempfile

    directory = Path(tempfile.mkdtemp(prefix="tfjsd-"))
    yield directory / "run" / "s"
    shutil.rmtree(directory)


def test_a_group_that_the_socket_cannot_be_given_to_is_a_wrong_setting_and_leaves_nothing(place, monkeypatch):
    def refused(path, uid, gid):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)

    monkeypatch.setattr(os, "chown", refused)
    with pytest.raises(ConfigurationError, match=r"cannot be that of group 7: Operation not permitted$") as caught:
        bind(place, group=7)
    assert "access.groups" in str(caught.value.hint)
    assert not place.exists()


@pytest.mark.parametrize("below", ["s", "run/s"])
def test_where_no_socket_can_be_is_told(place, below):
    place.parent.write_bytes(b"a file")
    with pytest.raises(DaemonUnavailableError, match=r"^There can be no socket at .*: Not a directory\.$"):
        bind(place.parent / below, group=None)
    assert place.parent.read_bytes() == b"a file"


@pytest.mark.skipif(sys.platform != "linux", reason="proc(5)")
def test_a_file_system_without_sockets_is_told():
    with pytest.raises(DaemonUnavailableError, match=r"^There can be no socket at /proc/tfjsd\.sock: ."):
        bind(Path("/proc/tfjsd.sock"), group=None)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_mode_is_0600_in_a_0700_directory_whatever_the_umask(place, umask):
    before = os.umask(umask)
    try:
        listener = bind(place, group=None)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    listener.close()
    assert not place.exists()


def test_there_is_no_moment_with_another_mode(place, monkeypatch):
    """What bind creates is final: nothing changes a mode afterwards."""

    def forbidden(*_args, **_kwargs):
        raise AssertionError("the mode was changed after bind")

    for name in ("chmod", "fchmod", "lchmod"):
        monkeypatch.setattr(os, name, forbidden, raising=False)
    bind(place, group=None).close()


def test_a_group_socket_is_0660_of_that_group(place):
    listener = bind(place, group=os.getgid())
    assert stat.S_IMODE(place.stat().st_mode) == 0o660
    assert place.stat().st_gid == os.getgid()
    listener.close()


def test_a_socket_that_nobody_answers_on_is_replaced(place):
    place.parent.mkdir(0o700)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(place))
    left.close()
    listener = bind(place, group=None)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
    listener.close()


def test_a_live_socket_is_left_alone(place):
    first = bind(place, group=None)
    with pytest.raises(HomeInUseError, match="Another process listens"):
        bind(place, group=None)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
    first.close()


def test_a_live_socket_with_a_full_backlog_is_left_alone(place):
    place.parent.mkdir(0o700)
    with socket.socket(socket.AF_UNIX) as busy:
        busy.bind(str(place))
        busy.listen(0)
        waiting = []
        for _ in range(4):
            client = socket.socket(socket.AF_UNIX)
            client.setblocking(False)
            waiting.append(client)
            if client.connect_ex(str(place)) != 0:
                break
        with pytest.raises(HomeInUseError):
            bind(place, group=None)
        for client in waiting:
            client.close()
    assert place.exists()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_not_a_socket_is_left_alone(place, kind):
    place.parent.mkdir(0o700)
    match kind:
        case "file":
            place.write_text("precious")
        case "directory":
            place.mkdir()
        case "link":
            place.symlink_to("/etc/passwd")
    with pytest.raises(DaemonUnavailableError, match="not a socket"):
        bind(place, group=None)
    assert place.exists()


def test_a_path_that_is_too_long_is_refused_before_anything_is_made(place):
    long = place.parent / ("n" * 100)
    with pytest.raises(ConfigurationError, match="longer than 100 bytes"):
        bind(long, group=None)
    assert not place.parent.exists()


@pytest.mark.parametrize(("mode", "group"), [(0o777, None), (0o775, None), (0o777, 0), (0o1777, 0)])
def test_a_directory_that_others_can_write_to_is_refused(place, mode, group):
    place.parent.mkdir()
    place.parent.chmod(mode)
    with pytest.raises(ConfigurationError, match="can be written by other users") as caught:
        bind(place, group=group)
    assert "a directory of your own" in caught.value.hint
    assert not place.exists()


@pytest.mark.parametrize("mode", [0o1777, 0o1770])
def test_a_private_socket_may_lie_in_a_sticky_directory_such_as_tmp(place, mode):
    place.parent.mkdir()
    place.parent.chmod(mode)
    listener = bind(place, group=None)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    listener.close()


@pytest.mark.parametrize(("owner", "held"), [(0, True), ("own", True), ("stranger", False)])
def test_a_sticky_directory_is_the_superusers_or_our_own(owner, held):
    user = {"own": os.geteuid(), "stranger": os.geteuid() + 1}.get(owner, owner)
    status = os.stat_result((stat.S_IFDIR | 0o1777, 0, 0, 0, user, 0, 0, 0, 0, 0))
    assert may_hold_socket(status, private=True) is held


def test_a_name_that_another_user_got_first_is_not_served(place, monkeypatch):
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    with pytest.raises(HomeInUseError, match=f"was taken by user {user}"):
        bind(place, group=None)


def test_a_name_that_is_taken_between_look_and_bind_is_refused(place, monkeypatch):
    place.parent.mkdir(0o700)
    place.write_text("")
    monkeypatch.setattr("tfjsd.daemon.listener._remove_stale", lambda path: None)
    with pytest.raises(HomeInUseError, match="has just been taken"):
        bind(place, group=None)


def test_the_name_is_not_taken_from_a_successor(place):
    first = bind(place, group=None)
    place.unlink()
    second = bind(place, group=None)
    first.close()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))
    second.close()
    assert not place.exists()


def test_of_many_at_once_one_gets_the_name(place):
    place.parent.mkdir(0o700)
    outcomes = []
    lock = threading.Lock()

    def attempt():
        with lock:  # the home's lock stands before bind in a daemon
            try:
                outcomes.append(bind(place, group=None))
            except HomeInUseError:
                outcomes.append(None)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [outcome for outcome in outcomes if outcome is not None]
    winner.close()


def test_sockets_of_another_process_are_not_taken():
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    assert activated_sockets(environ) == []
    assert environ == {}


@pytest.mark.parametrize("count", ["0", "-1", "x", ""])
def test_no_sockets_are_no_activation(count):
    assert activated_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count}) == []


def test_activation_needs_one_unix_socket(place):
    place.parent.mkdir(0o700)
    with socket.socket() as internet, socket.socket(socket.AF_UNIX) as unix:
        for sockets in ([], [internet], [unix, unix]):
            with pytest.raises(ConfigurationError, match="one unix socket is expected"):
                adopt(sockets)
        unix.bind(str(place))
        adopt([unix]).close()
    assert place.exists(), "the name belongs to the service manager"
