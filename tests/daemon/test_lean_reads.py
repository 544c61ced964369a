"""A plain ``getItem`` is answered without the HTTP server's machinery, and nobody can tell but by the clock."""

import json
import os
import socket
import threading

import pytest

import tfjsd
from tfjsd.daemon.lean_reads import LONGEST_REQUEST, LeanReads
from tfjsd.daemon.peer import Peer

HEADERS = {"Host": "localhost", "Content-Type": "application/json"}
GET_ITEM = {"op": "getItem", "key": "k"}
ODD = {"X-Odd": "1"}


def request(body=GET_ITEM, *, target="/v1/local-storage", method="POST", version="HTTP/1.1", **changed):
    """Bytes of a request; a header that is None is left out."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = (
        HEADERS | {"Content-Length": len(body)} | {name.replace("_", "-"): value for name, value in changed.items()}
    )
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode() + body


class Caller:
    """One connection that has had an answer already."""

    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(daemon.socket))
        self._file = self.socket.makefile("rb")
        self.ask(request(X_Odd="1"))

    def ask(self, *pieces):
        for piece in pieces:
            self.socket.sendall(piece)
        return self.answer()

    def answer(self):
        """Status, headers but for the date, body."""
        if not (first := self._file.readline()):
            raise ConnectionResetError("the daemon has closed the connection")
        lines = list(iter(self._file.readline, b"\r\n"))
        headers = dict(line.decode().strip().lower().split(": ", 1) for line in lines)
        del headers["date"]
        return int(first.split()[1]), headers, self._file.read(int(headers["content-length"]))

    def close(self):
        self._file.close()
        self.socket.close()


@pytest.fixture
def caller(daemon):
    daemon.local_storage({"op": "setItem", "key": "k", "value": "value"})
    caller = Caller(daemon)
    yield caller
    caller.close()


@pytest.fixture
def lean(monkeypatch):
    """Whether each request so far was answered leanly."""
    taken, answer = [], LeanReads.answer

    def watched(self, data, peer):
        found = answer(self, data, peer)
        taken.append(found is not None)
        return found

    monkeypatch.setattr(LeanReads, "answer", watched)
    return taken


def test_a_plain_read_is_answered_leanly_and_with_the_same_headers(caller, lean):
    ordinary = caller.ask(request(X_Odd="1"))
    assert caller.ask(request()) == ordinary == (200, ordinary[1], b'{"result":"value"}')
    assert lean == [False, True]


@pytest.mark.parametrize("key", ["missing", "", "k", "\ud800", "k\u20ac", "__proto__"])
def test_every_key_reads_the_same_both_ways(daemon, caller, lean, key):
    daemon.local_storage({"op": "setItem", "key": "k\u20ac", "value": "\udfff \u20ac"})
    body = {"op": "getItem", "key": key}
    assert caller.ask(request(body)) == caller.ask(request(body, X_Odd="1"))
    assert lean[-2:] == [True, False]


def test_origins_are_apart(daemon, caller, lean):
    target = "/v1/local-storage?origin=https%3A%2F%2Fother.example"
    daemon.request("POST", target, {"op": "setItem", "key": "k", "value": "other"})
    assert caller.ask(request(target=target))[2] == b'{"result":"other"}'
    assert caller.ask(request())[2] == b'{"result":"value"}'
    assert lean[-2:] == [True, True]


def test_the_clients_of_this_package_are_served_leanly(daemon, caller, lean):
    with tfjsd.connect(f"unix:{daemon.socket}", autostart=False) as store:
        storage = store.local_storage()
        assert [storage.get_item("k"), storage.get_item("k")] == ["value", "value"]
    assert lean[-1]
    long_name = {"tfjsd_client": "x" * 101}
    assert caller.ask(request(**long_name)) == caller.ask(request(**long_name, X_Odd="1"))
    assert not any(lean[-2:])


def test_a_write_is_seen_by_the_next_read(caller, lean):
    for number in range(20):
        caller.ask(request({"op": "setItem", "key": "k", "value": str(number)}))
        assert caller.ask(request())[2] == b'{"result":"%d"}' % number
    assert lean == [False, True] * 20


@pytest.mark.parametrize(
    "sent",
    [
        request({"op": "getItem"}),
        request({"op": "getItem", "key": 1}),
        request({"op": "getItem", "key": "k", "more": 1}),
        request({"op": "length"}),
        request({"ops": [GET_ITEM]}),
        request({"ops": [GET_ITEM], "atomic": True}),
        request({"op": "getItem", "key": "k" * 5000}),
        request(b"[]"),
        request(b"{"),
        request(b""),
        request(b'{"op": "getItem", "key": "\xff"}'),
        request(Content_Type="text/plain"),
        request(Content_Encoding="gzip"),
        request(Accept_Encoding="gzip"),
        request(Connection="keep-alive"),
        request(target="/v1/local-storage?origin=nonsense"),
        request(target="/v1/local-storage?durability=never"),
        request(target="/v1/local-storage?origin=a&origin=b"),
        request(target="/v1/local-storage/more"),
        request(target="/v1/local-storages"),
        request(method="PUT"),
        request(b"1d\r\n" + json.dumps(GET_ITEM).encode() + b"\r\n0\r\n\r\n", Content_Length=None, Transfer_Encoding="chunked"),
    ],
)  # fmt: skip
def test_what_is_not_plain_goes_the_ordinary_way(caller, lean, sent):
    first_line, rest = sent.split(b"\r\n", 1)
    ordinary = caller.ask(first_line + b"\r\nX-Odd: 1\r\n" + rest)
    assert caller.ask(sent) == ordinary
    assert not any(lean)


@pytest.mark.parametrize(
    "sent",
    [
        request(Content_Length="9" * 5000),
        request(User_Agent="x\ncontent-length: 3"),
        request(Accept="a\rb"),
        request(User_Agent="\0"),
        request(Accept="\ntransfer-encoding: chunked"),
    ],
)
def test_what_is_no_http_is_refused_as_ever(caller, lean, sent):
    assert caller.ask(sent)[0] == 400
    assert not any(lean)


def test_a_request_in_pieces_and_two_in_one_piece_are_answered(caller, lean):
    whole = request()
    for at in (1, 30, len(whole) - 1):
        assert caller.ask(whole[:at], whole[at:])[2] == b'{"result":"value"}'
    caller.socket.sendall(whole + whole)
    assert caller.answer() == caller.answer()
    assert caller.ask(whole)[0] == 200


def test_what_follows_a_refused_body_is_not_taken_for_a_request(daemon, caller):
    caller.socket.sendall(request(b"", target="/v1/models/indexeddb/m", method="PUT", Content_Length=10_000))
    assert caller.answer()[0] == 400

    def ask_often():
        for _ in range(100):
            caller.ask(request())

    with pytest.raises(ConnectionError):
        ask_often()


def test_a_daemon_that_refuses_or_a_peer_without_rights_is_not_served_leanly(daemon, caller, lean):
    connections = daemon.server._service.connections
    assert connections.lean.answer(request(), None) is None
    daemon.server._service.activity.refusing = True
    assert caller.ask(request())[0] == 503
    daemon.server._service.activity.refusing = False


def test_nothing_is_kept_of_what_is_too_long_or_comes_from_a_peer_without_rights(daemon, caller):
    lean, peer = daemon.server._service.connections.lean, Peer(os.getuid(), frozenset())
    known = set(lean._heads)
    assert lean.answer(request(User_Agent="strange"), None) is None
    assert lean.answer(request(User_Agent="x" * LONGEST_REQUEST), peer) is None
    assert set(lean._heads) == known
    lean.answer(request(User_Agent="own"), peer)
    assert set(lean._heads) > known


def test_the_server_gets_a_request_before_it_takes_the_connection_for_unused(daemon, caller, lean, monkeypatch):
    monkeypatch.setattr(daemon.server._service.connections, "lean_seconds", -1.0)
    assert caller.ask(request()) == caller.ask(request(X_Odd="1"))
    assert not any(lean)


@pytest.fixture
def bucket(daemon):
    return daemon.server._service.origins.get("http://localhost").bucket


def test_lean_reads_keep_the_engine_open(caller, lean, bucket, monkeypatch):
    monkeypatch.setattr(bucket._upkeep, "used_at", 0.0)
    caller.ask(request())
    assert lean[-1]
    assert bucket._upkeep.close_idle() > 0
    assert bucket.is_ready


def test_an_engine_that_was_closed_is_not_opened_on_the_loop(caller, lean, bucket, monkeypatch):
    engine_of, threads = bucket._slot._place.open, []

    def watched():
        threads.append(threading.current_thread().name)
        return engine_of()

    monkeypatch.setattr(bucket._slot._place, "open", watched)
    monkeypatch.setattr(bucket._upkeep, "used_at", 0.0)
    bucket._upkeep.close_idle()
    assert not bucket.is_ready
    assert [caller.ask(request())[2] for _ in range(2)] == [b'{"result":"value"}'] * 2
    assert lean == [False, True]
    assert bucket.is_ready
    assert [name.startswith("tfjsd-short") for name in threads] == [True]


def test_an_origin_that_holds_nothing_is_read_leanly(caller, lean):
    target = "/v1/local-storage?origin=https%3A%2F%2Fempty.example"
    assert [caller.ask(request(target=target))[2] for _ in range(2)] == [b'{"result":null}'] * 2
    assert lean == [False, True]


def test_lean_answers_are_counted(daemon, caller, lean):
    def count():
        line = 'tfjsd_answers_total{route="POST /v1/local-storage",status="200"}'
        return next(int(text.split()[-1]) for text in daemon.get("/metrics").body.decode().splitlines() if line in text)

    before = count()
    caller.ask(request())
    assert count() == before + 1
    assert lean == [True]
