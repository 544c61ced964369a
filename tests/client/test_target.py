"""Which daemon and which origin the arguments and the environment mean."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

import tfjsd
from tfjsd.client.daemon_link import DaemonLink
from tfjsd.client.http_connection import open_connection
from tfjsd.client.opening import configured_session, open_session
from tfjsd.wire.addresses import default_socket
from tfjsd.wire.configuration import Configuration

NOTHING = {"home": None, "origin": None, "token": None, "autostart": True, "timeout": None}


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    for name in ("HOME", "SOCKET", "URL", "TOKEN_FILE", "ORIGIN", "AUTOSTART"):
        monkeypatch.delenv(f"TFJSD_{name}", raising=False)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def meant(target=None, **options):
    session = open_session(target, **{**NOTHING, **options})
    return session.link.target, session.origin


def test_by_default_the_users_home_is_meant_and_no_other_may_answer(tmp_path):
    target, origin = meant()
    assert target.home.startswith(str(tmp_path))
    assert target.only_home
    assert target.autostart
    assert target.address() == str(default_socket(Path(target.home), os.environ))
    assert origin == "http://localhost"


def test_a_home_of_its_own(tmp_path, monkeypatch):
    assert meant(home=tmp_path / "x")[0].home == str(tmp_path / "x")
    monkeypatch.setenv("TFJSD_HOME", str(tmp_path / "y"))
    assert meant()[0].home == str(tmp_path / "y")
    assert meant(home=tmp_path / "x")[0].home == str(tmp_path / "x")


def test_a_socket_alone_may_be_of_any_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TFJSD_SOCKET", str(tmp_path / "s.sock"))
    target, _ = meant()
    assert target.address() == str(tmp_path / "s.sock")
    assert not target.only_home
    monkeypatch.setenv("TFJSD_HOME", str(tmp_path))
    assert meant()[0].only_home


def test_the_daemons_own_record_says_where_it_listens(tmp_path):
    (tmp_path / "daemon.json").write_text('{"socket": "/run/elsewhere.sock"}')
    target, _ = meant(home=tmp_path)
    assert target.address() == "/run/elsewhere.sock"
    (tmp_path / "daemon.json").unlink()
    assert target.address() == str(default_socket(tmp_path, os.environ))


@pytest.mark.parametrize("form", ["{}/s.sock", "unix:{}/s.sock", "unix://{}/s.sock"])
def test_a_socket_that_the_command_line_names_counts_for_more_than_the_environment(tmp_path, monkeypatch, form):
    monkeypatch.setenv("TFJSD_URL", "http://127.0.0.1:1")
    configuration = Configuration.load({"home": tmp_path, "socket": form.format(tmp_path)}, files=())
    target = configured_session(configuration, autostart=True, timeout=None).link.target
    assert (target.address(), target.autostart) == (str(tmp_path / "s.sock"), True)
    configuration = Configuration.load({"home": tmp_path}, files=())
    target = configured_session(configuration, autostart=True, timeout=None).link.target
    assert (target.address(), target.autostart) == (("127.0.0.1", 1), False)


@pytest.mark.parametrize("form", ["{}/s.sock", "unix:{}/s.sock", "unix://{}/s.sock"])
def test_a_socket_that_is_named_is_never_started(tmp_path, form):
    target, _ = meant(form.format(tmp_path))
    assert target.address() == str(tmp_path / "s.sock")
    assert not target.autostart
    assert not target.only_home
    assert meant(form.format(tmp_path), home=tmp_path)[0].only_home


def test_a_daemon_on_tcp(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("secret\n")
    monkeypatch.setenv("TFJSD_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("TFJSD_URL", "http://127.0.0.1:8123/")
    target, _ = meant()
    assert target.address() == ("127.0.0.1", 8123)
    assert target.token == "secret"
    assert str(target) == "http://127.0.0.1:8123"
    by_six, _ = meant("http://[::1]:1", token="other")
    assert (by_six.token, by_six.address(), str(by_six)) == ("other", ("::1", 1), "http://[::1]:1")
    assert "`tfjsd serve --http [::1]:1`" in str(DaemonLink(by_six).unavailable(ConnectionRefusedError()).hint)


@pytest.mark.parametrize(
    "url",
    [
        *("http://localhost", "http://:1", "http://a:b", "http://a:1/path", "http://", "http://a:65536", "http://a:٣"),
        *("http://a b:1", "http://a..b:1", f"http://{'a' * 64}:1", "http://::1:1", "http://[a]b:1"),
    ],
)
def test_an_address_of_another_form_is_refused(url):
    with pytest.raises(tfjsd.ConfigurationError):
        meant(url)


def test_a_token_file_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("TFJSD_TOKEN_FILE", "/no/such/file")
    with pytest.raises(tfjsd.ConfigurationError, match=r"^TFJSD_TOKEN_FILE=/no/such/file: No such file or directory$"):
        meant("http://127.0.0.1:1")


def test_the_origin(monkeypatch):
    monkeypatch.setenv("TFJSD_ORIGIN", "https://env.example")
    assert meant()[1] == "https://env.example"
    assert meant(origin="https://app.example")[1] == "https://app.example"


@pytest.mark.parametrize("flavour", ["blocking", "on a loop"])
async def test_requests_over_tcp_carry_the_token_and_map_nothing(flavour):
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve() -> None:
        connected, _ = listener.accept()
        with connected, connected.makefile("rb") as file:
            for _ in range(2):
                seen.append([line.strip() for line in iter(file.readline, b"\r\n")])
                connected.sendall(
                    b"HTTP/1.1 200 OK\r\ntfjsd-version: " + tfjsd.__version__.encode() + b"\r\ntfjsd-home: /h\r\n"
                    b"content-type: application/vnd.tfjsd.model\r\ncontent-length: 6\r\n\r\n\x02\0\0\0{}"
                )

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if flavour == "blocking":
        with tfjsd.connect(url, token="secret") as store:
            for _ in range(2):
                store.load("indexeddb://a")
    else:
        async with tfjsd.aconnect(url, token="secret") as store:
            for _ in range(2):
                await store.load("indexeddb://a")
    thread.join()
    listener.close()
    assert all(b"authorization: Bearer secret" in head for head in seen)
    assert all(b"accept: application/vnd.tfjsd.model" in head for head in seen)
    assert f"host: {url[7:]}".encode() in seen[0]


def test_a_strangers_socket_in_a_directory_of_everybodys_is_refused(tmp_path, monkeypatch):
    tmp_path.chmod(0o1777)
    monkeypatch.chdir(tmp_path)
    user = os.geteuid()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        listening.listen()
        monkeypatch.setattr("tfjsd.client.connection.Connection.peer_user", lambda _: user + 1)
        with pytest.raises(tfjsd.AccessDeniedError, match=f"belongs to user {user + 1}, in a directory that anybody"):
            tfjsd.connect(f"unix:{tmp_path}/s")
        tmp_path.chmod(0o700)
        session = open_session(f"unix:{tmp_path}/s", **NOTHING)
        session.link.accept_user(open_connection(f"{tmp_path}/s", 1.0))
        assert session.link.same_user is False


@pytest.mark.parametrize("address", ["https://example.com", "ftp://x", "HTTP://127.0.0.1:1", "tcp://127.0.0.1:80"])
@pytest.mark.parametrize("how", ["argument", "variable"])
def test_the_address_of_something_else_is_refused(monkeypatch, address, how):
    if how == "variable":
        monkeypatch.setenv("TFJSD_URL", address)
    with pytest.raises(tfjsd.ConfigurationError, match="is no address of a daemon") as caught:
        meant(address if how == "argument" else None)
    assert "http://HOST:PORT" in caught.value.hint


def test_a_url_is_no_socket(monkeypatch):
    monkeypatch.setenv("TFJSD_SOCKET", "https://example.com")
    with pytest.raises(tfjsd.ConfigurationError, match="a socket's path is expected"):
        meant()
