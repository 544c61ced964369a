"""A daemon as a process: how it starts, who may have the home, how it ends."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from pathlib import Path

import pytest

import tfjsd
from tfjsd.daemon import server
from tfjsd.wire.error_body import error_from_json
from tfjsd.wire.limits import DEFAULT_LIMITS


def test_the_home_says_where_its_owner_is_until_it_ends(daemons):
    daemon = daemons.process()
    assert daemon.ready
    content = json.loads((daemon.home / "daemon.json").read_text())
    assert content["pid"] == daemon.popen.pid
    assert (content["socket"], content["home"]) == (str(daemon.socket), str(daemon.home))
    assert stat.S_IMODE(daemon.home.stat().st_mode) == 0o700
    assert daemon.stop() == 0
    assert not daemon.socket.exists()
    assert not (daemon.home / "daemon.json").exists()


def test_a_home_may_have_a_name_that_is_no_text(daemons, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(os.fspath(tmp_path / "notify"))
        manager.settimeout(20)
        daemon = daemons.process(os.fsdecode(b"\xff\xfe"), environ={"NOTIFY_SOCKET": os.fspath(tmp_path / "notify")})
        assert os.fsencode(daemon.home) in manager.recv(4096)
    with tfjsd.connect(home=daemon.home, autostart=False) as store:
        assert store.status()["home"] == os.fspath(daemon.home)
        store.local_storage()["k"] = "v"
    with pytest.raises(tfjsd.HomeInUseError), tfjsd.connect(daemon.socket, home=tmp_path, autostart=False) as store:
        store.status()
    assert daemon.stop() == 0
    with tfjsd.open_store(daemon.home) as store:
        assert dict(store.local_storage()) == {"k": "v"}


@pytest.mark.parametrize(("mode", "warnings"), [(0o700, 0), (0o755, 1)])
def test_a_home_that_is_open_to_others_is_logged_once_and_lets_nobody_in(daemons, mode, warnings):
    home = daemons.directory / "a" / "home"
    home.mkdir(parents=True)
    home.chmod(mode)
    before = os.umask(0)
    try:
        daemon = daemons.process(detached=True)
    finally:
        os.umask(before)
    assert daemon.local_storage({"op": "setItem", "key": "k", "value": "v"}).status == 200
    assert daemon.stop() == 0
    log = [json.loads(line) for line in (home / "daemon.log").read_text().splitlines()]
    said = [(line["level"], line["mode"]) for line in log if line["message"] == "the home is open to others"]
    assert said == [("warning", "0755")] * warnings
    assert stat.S_IMODE(home.stat().st_mode) == mode
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir() if path.is_dir()} == {0o700}
    assert [path.name for path in home.iterdir() if path.is_file() and path.stat().st_mode & 0o077] == []


def test_a_second_daemon_on_the_home_exits_75_with_a_sentence_and_leaves_the_first_alone(daemons):
    first = daemons.process()
    first.save("/v1/models/indexeddb/m", b"1")
    second = daemons.process(piped=False, socket=str(first.socket) + "2")
    assert second.wait() == 75
    assert re.search(rf"{re.escape(str(first.home))} is in use by process {first.popen.pid}", second.errors.decode())
    assert first.load("/v1/models/indexeddb/m")[1] == b"1"
    assert json.loads((first.home / "daemon.json").read_text())["pid"] == first.popen.pid


def test_a_daemon_of_another_home_does_not_steal_a_live_socket(daemons):
    first = daemons.process("a")
    second = daemons.process("b", piped=False, socket=str(first.socket))
    assert second.wait() == 75
    assert b"Another process listens" in second.errors
    assert first.get("/v1/status").json["home"] == str(first.home)


def test_two_homes_have_two_daemons(daemons):
    one, other = daemons.process("a"), daemons.process("b")
    one.save("/v1/models/indexeddb/m", b"1")
    assert other.get("/v1/models").json == {}


def test_a_killed_daemon_is_followed_by_one_that_takes_its_socket_over(daemons):
    daemon = daemons.process()
    daemon.save("/v1/models/indexeddb/m", b"1")
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    assert daemon.socket.exists()
    successor = daemons.process()
    assert successor.ready
    assert successor.load("/v1/models/indexeddb/m")[1] == b"1"


def test_a_detached_daemon_waits_for_its_predecessor_and_logs_into_the_home(daemons):
    first = daemons.process()
    second = daemons.process(wait=False, detached=True)
    time.sleep(0.2)
    first.stop()
    second_status = None
    while second_status is None:
        with contextlib.suppress(OSError):
            second_status = second.get("/v1/status").json
    assert second_status["pid"] == second.popen.pid
    assert second_status["autostarted"] is True
    second.stop()
    lines = [json.loads(line) for line in (second.home / "daemon.log").read_text().splitlines()]
    assert [line["message"] for line in lines] == ["ready", "stopping"]
    assert stat.S_IMODE((second.home / "daemon.log").stat().st_mode) == 0o600


def test_a_start_that_fails_tells_who_waits_at_the_pipe(daemons):
    first = daemons.process()
    blocked = first.home.parent / "blocked"
    blocked.mkdir()
    (blocked / "tfjsd.sock").write_text("not a socket")
    failed = daemons.process("b", socket=str(blocked / "tfjsd.sock"))
    error = error_from_json(json.loads(failed.report))
    assert (type(error).__name__, failed.wait()) == ("DaemonUnavailableError", 69)
    assert "is not a socket" in error.message


@pytest.mark.parametrize("flags", [{"browser": "lynx"}, {"idle_exit": "soon"}])
def test_a_wrong_setting_is_told(daemons, flags):
    failed = daemons.process(**flags)
    error = error_from_json(json.loads(failed.report))
    assert (type(error).__name__, failed.wait()) == ("ConfigurationError", 2)


def test_a_newer_home_is_refused_and_not_touched(daemons):
    daemons.process("a").stop()
    home = daemons.directory / "a" / "home"
    (home / "format").write_text('{"format": 99}')
    before = sorted((path.name, path.stat().st_mtime_ns) for path in home.iterdir() if path.name != "lock")
    failed = daemons.process("a")
    assert error_from_json(json.loads(failed.report)).name == "UnsupportedFormatError"
    assert failed.wait() == 1
    assert sorted((path.name, path.stat().st_mtime_ns) for path in home.iterdir() if path.name != "lock") == before


def test_an_idle_daemon_ends_and_a_subscriber_keeps_it(daemons):
    daemon = daemons.process(idle_exit="0.3")
    with contextlib.closing(daemon.connection()) as connection:
        connection.request("GET", "/v1/events")
        with connection.getresponse():
            time.sleep(0.8)
            assert daemon.popen.poll() is None
    assert daemon.wait() == 0
    assert not daemon.socket.exists()


def test_requests_put_the_end_off(daemons):
    daemon = daemons.process(idle_exit="0.5")
    until = time.monotonic() + 1.2
    while time.monotonic() < until:
        assert daemon.get("/healthz").status == 200
        time.sleep(0.05)
    assert daemon.wait() == 0


def test_who_connects_while_an_idle_daemon_ends_is_answered_or_sends_nothing(daemons):
    """Never a request that was taken and not answered: no socket, or one that no byte goes into (a client tries again)."""
    daemon = daemons.process(idle_exit="0.3")
    for pause in (0.25, 0.29, 0.3, 0.301, 0.302, 0.31):
        try:
            assert daemon.get("/v1/status").status == 200
        except (FileNotFoundError, ConnectionRefusedError, BrokenPipeError):
            break
        time.sleep(pause)
    assert daemon.wait() == 0


def writer(daemon, name, acknowledged, outcomes):
    """Saves numbered models until it is refused; notes what was acknowledged before anything else."""
    connection, number = daemon.connection(timeout=20), 0
    try:
        while True:
            number += 1
            body = {"op": "setItem", "key": f"{name}-{number}", "value": str(number)}
            connection.request("POST", "/v1/local-storage", json.dumps(body).encode())
            with connection.getresponse() as answer:
                text = answer.read()
            if answer.status != 200:
                outcomes.append(answer.status)
                return
            acknowledged.append((body["key"], body["value"]))
            assert text == b'{"result":null}'
    except (OSError, HTTPException) as error:
        outcomes.append(type(error).__name__)
    finally:
        connection.close()


def test_what_the_end_waits_for_takes_less_than_five_seconds():
    """For requests, for their handlers, for work in threads. That it does not wait for them longer is shown below."""
    assert DEFAULT_LIMITS.drain_seconds + server._CUT_SECONDS + server._LAST_WORK_SECONDS < 5


def test_sigterm_under_load_loses_nothing(daemons):
    daemon = daemons.process()
    acknowledged, outcomes = [], []
    threads = [
        threading.Thread(target=writer, args=(daemon, f"w{number}", acknowledged, outcomes)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 200:
        time.sleep(0.01)
    assert daemon.stop() == 0
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a client hangs"
    assert len(outcomes) == 8
    successor = daemons.process()
    keys = [{"op": "getItem", "key": key} for key, _ in acknowledged]
    found = successor.request("POST", "/v1/local-storage", {"ops": keys}).json["results"]
    assert found == [value for _, value in acknowledged]


def test_a_running_upload_is_finished_on_sigterm(daemons):
    daemon = daemons.process()
    weights = os.urandom(3 << 20)
    with contextlib.closing(daemon.connection()) as connection:
        body = daemon.model_body(weights)
        connection.putrequest("PUT", "/v1/models/indexeddb/late")
        connection.putheader("Content-Type", "application/vnd.tfjsd.model")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[: len(body) // 2])
        while daemon.get("/v1/status").json["running"] < 2:
            time.sleep(0.01)
        daemon.signal(signal.SIGTERM)
        while daemon.socket.exists():
            time.sleep(0.01)
        connection.send(body[len(body) // 2 :])
        with connection.getresponse() as answer:  # which owns the socket of a connection that is to be closed
            assert (answer.status, answer.getheader("connection")) == (200, "close")
    assert daemon.wait() == 0
    assert daemons.process().load("/v1/models/indexeddb/late")[1] == weights


def test_an_upload_that_does_not_end_is_cut_off_and_leaves_no_trace(daemons):
    daemon = daemons.process()
    with contextlib.closing(daemon.connection()) as connection:
        connection.putrequest("PUT", "/v1/models/indexeddb/never")
        connection.putheader("Content-Type", "application/vnd.tfjsd.model")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders(b"\x10")
        while daemon.get("/v1/status").json["running"] < 2:
            time.sleep(0.01)
        assert daemon.stop() == 0
    successor = daemons.process()
    assert successor.get("/v1/models").json == {}


def test_a_backup_that_is_read_slowly_does_not_hold_the_end_up(daemons):
    daemon = daemons.process()
    for number in range(4):
        daemon.save(f"/v1/models/indexeddb/m{number}", os.urandom(4 << 20))
    with contextlib.closing(daemon.connection()) as one, contextlib.closing(daemon.connection()) as other:
        for connection in (one, other):
            connection.request("GET", "/v1/backup")
            assert connection.getresponse().status == 200
        daemon.save("/v1/models/indexeddb/meanwhile", os.urandom(1 << 20))
        assert daemon.stop() == 0


def test_a_verification_that_is_not_done_does_not_hold_the_end_up(daemons):
    daemon = daemons.process()
    for number in range(30):
        daemon.save(f"/v1/models/indexeddb/m{number}", os.urandom(4 << 20))
    with contextlib.closing(daemon.connection()) as connection:
        connection.request("POST", "/v1/verify")
        assert daemon.stop() == 0


def test_socket_activation(daemons):
    """As systemd does it: descriptor 3, LISTEN_PID of the very process."""
    directory = daemons.directory / "a"
    directory.mkdir(0o700)
    path = directory / "activated.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        script = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
            "os.environ['LISTEN_FDS'] = '1';"
            "from tfjsd.daemon.main import ServeOptions, main; sys.exit(main(ServeOptions({'home': sys.argv[2]})))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(listening.fileno()), str(directory / "home")],
            pass_fds=(listening.fileno(),),
            stderr=subprocess.DEVNULL,
        )
    daemon = daemons.remote(directory / "home", path)
    try:
        assert daemon.get("/v1/status").json["socket"] == str(path)
        named = json.loads((directory / "home" / "daemon.json").read_text())["socket"]
        assert named == str(path)
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert path.exists(), "the name belongs to the service manager"


def test_the_service_manager_hears_ready_watchdog_and_stopping(daemons):
    place = daemons.directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(20)
        daemon = daemons.process(environ={"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "100000"})
        assert manager.recv(1000).startswith(b"READY=1\nSTATUS=serving ")
        assert manager.recv(1000) == b"WATCHDOG=1"
        assert manager.recv(1000) == b"WATCHDOG=1"
        daemon.signal(signal.SIGTERM)
        while (line := manager.recv(1000)) == b"WATCHDOG=1":
            continue
        assert line == b"STOPPING=1"
        assert daemon.wait() == 0


def test_the_mode_of_the_socket_is_never_changed_after_bind(daemons):
    """Looks at the system calls themselves; the control shows that a change would be seen."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    trace = daemons.directory / "trace"
    probe = [strace, "-f", "-qq", "-e", "trace=bind,chmod,fchmod,fchmodat,umask", "-o", str(trace)]
    control = "import os, socket; s = socket.socket(socket.AF_UNIX); s.bind('c'); os.chmod('c', 0o600)"
    subprocess.run([*probe, sys.executable, "-c", control], cwd=daemons.directory, check=True)
    assert re.search(r"bind\(.*\n(.*\n)*.*chmod", trace.read_text())
    home, path = daemons.directory / "h", daemons.directory / "r" / "s"
    script = (
        "import sys; from tfjsd.daemon.main import ServeOptions, main;"
        "main(ServeOptions({'home': sys.argv[1], 'socket': sys.argv[2], 'idle_exit': 0.1}))"
    )
    subprocess.run(
        [*probe, sys.executable, "-c", script, str(home), str(path)], check=True, stderr=subprocess.DEVNULL, timeout=60
    )
    calls = trace.read_text()
    bind = calls.index("bind(")
    assert str(path) in calls[bind:]
    assert "umask(0177)" in calls[:bind]
    assert f'chmod("{path}' not in calls
    assert not re.search(r'chmod\w*\([^)]*"' + re.escape(str(path.parent)), calls)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become another user: not applicable")
def test_another_user_is_refused_by_the_mode_and_by_the_kernels_word(daemons):
    daemon = daemons.process()
    daemons.directory.chmod(0o755)
    for directory in (daemon.socket.parent, daemon.home.parent):
        assert stat.S_IMODE(directory.stat().st_mode) & 0o077 == 0
    assert as_nobody(daemon.socket) == "PermissionError"
    for path in (daemon.home.parent, daemon.home, daemon.socket.parent):
        path.chmod(0o755)
    daemon.socket.chmod(0o666)
    answer = as_nobody(daemon.socket)
    assert answer.startswith("HTTP/1.1 403")
    assert '"name":"AccessDeniedError"' in answer
    assert "indexeddb" not in answer


def as_nobody(path: Path) -> str:
    """What another user gets from the daemon: an answer, or the name of an exception."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                while piece := client.recv(1 << 16):
                    os.write(writer, piece)
        except BaseException as error:
            os.write(writer, type(error).__name__.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        text = stream.read().decode()
    os.waitpid(child, 0)
    return text


def test_a_group_may_be_let_in(daemons, tmp_path):
    configuration = tmp_path / "tfjsd" / "config.toml"
    configuration.parent.mkdir()
    configuration.write_text(f'[access]\ngroups = ["{os.getgid()}"]\n')
    daemon = daemons.process(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o660
    assert daemon.get("/v1/status").status == 200


def test_without_leveldb_the_line_that_installs_it_is_printed(daemons):
    script = (
        "import importlib.util as u, sys; find = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'plyvel' else find(name, *rest);"
        "from tfjsd.daemon.main import ServeOptions, main; from tfjsd.errors import TfjsdError\n"
        "try:\n    main(ServeOptions({'home': sys.argv[1]}))\n"
        "except TfjsdError as error:\n    print(error, error.hint)"
    )
    command = [sys.executable, "-c", script, str(daemons.directory / "h")]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "pip install 'tfjsd[leveldb]'" in shown
    assert not Path(daemons.directory / "h").exists()


def test_opening_and_closing_leaves_no_descriptor_and_no_thread(daemons, eventually):
    def resources():
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0, threading.active_count()

    daemons.in_process("warm").stop()
    before = resources()
    for number in range(10):
        daemon = daemons.in_process(f"n{number}")
        daemon.save("/v1/models/indexeddb/m", b"1")
        daemon.stop()
    # An end waits for half a second for threads whose clients are gone: on a busy machine they may take longer.
    eventually(lambda: all(now <= then for now, then in zip(resources(), before, strict=True)))
