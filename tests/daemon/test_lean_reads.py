"""A plain ``getItem`` and a load that was answered just now go without the HTTP server's machinery, and nobody can tell
but by the clock."""

import json
import os
import shutil
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import tfjsd
from tfjsd.daemon.lean_reads import LONGEST_REQUEST, LeanReads
from tfjsd.daemon.mapped_answers import MappedAnswers
from tfjsd.daemon.peer import Peer
from tfjsd.daemon.routes import loading
from tfjsd.wire.model_body import MappedBlob

HEADERS = {"Host": "localhost", "Content-Type": "application/json"}
GET_ITEM = {"op": "getItem", "key": "k"}
MAPPED = "application/vnd.tfjsd.mapped"
MODEL = "/v1/models/indexeddb/m"
WEIGHTS = os.urandom(300_000)
MOVE = {"source": "indexeddb://m", "dest": "localstorage://m"}


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


# -- Loads that are mapped --


def load(target=MODEL, **changed):
    """Bytes of a request for a mapped load, as clients of this package send it."""
    headers = {"Accept": f"{MAPPED}, application/vnd.tfjsd.model"} | changed
    return request(b"", target=target, method="GET", **{"Content_Type": None, "Content_Length": None} | headers)


@pytest.fixture
def model(daemon, caller):
    """Saved, and loaded once."""
    daemon.save(MODEL, WEIGHTS)
    return caller.ask(load())


def test_a_load_of_what_has_not_changed_is_answered_leanly_and_the_same(caller, model, lean):
    status, headers, body = model
    assert (status, headers["content-type"]) == (200, MAPPED)
    assert Path(json.loads(body)["blob"]["path"]).read_bytes() == WEIGHTS
    assert [caller.ask(load()), caller.ask(load(X_Odd="1")), caller.ask(load())] == [model] * 3
    assert lean == [True, False, True]


def test_the_loads_of_this_packages_clients_are_answered_leanly(daemon, model, lean):
    with tfjsd.connect(f"unix:{daemon.socket}", autostart=False) as store:
        for _ in range(3):
            assert bytes(store.load("indexeddb://m").weight_data) == WEIGHTS
        assert lean[-1]


@pytest.mark.parametrize(
    "change",
    [
        lambda daemon: daemon.save(MODEL, WEIGHTS[::-1]),
        lambda daemon: daemon.save(MODEL, b"abc"),
        lambda daemon: daemon.save("/v1/models/indexeddb/another", WEIGHTS),
        lambda daemon: daemon.request("DELETE", MODEL),
        lambda daemon: daemon.request("POST", "/v1/models/move", MOVE),
        lambda daemon: daemon.local_storage({"op": "setItem", "key": "k", "value": "other"}),
    ],
)
def test_after_any_change_the_model_is_looked_up(daemon, caller, model, lean, change):
    assert change(daemon).status in (200, 204)
    lean.clear()
    found = caller.ask(load())
    assert not any(lean)
    assert caller.ask(load(X_Odd="1")) == found
    assert caller.ask(load()) == found


def test_what_was_read_before_a_change_is_not_kept(daemon, caller, lean, monkeypatch):
    daemon.save(MODEL, WEIGHTS)
    opened = loading.open_model

    def replaced_meanwhile(*args, **kwargs):
        found = opened(*args, **kwargs)
        daemon.save(MODEL, WEIGHTS[::-1])
        return found

    with monkeypatch.context() as patched:
        patched.setattr(loading, "open_model", replaced_meanwhile)
        caller.ask(load())
    assert Path(json.loads(caller.ask(load())[2])["blob"]["path"]).read_bytes() == WEIGHTS[::-1]


def test_a_file_that_is_another_now_is_looked_up(daemon, caller, model, lean):
    path = Path(json.loads(model[2])["blob"]["path"])
    shutil.copy2(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)
    assert json.loads(caller.ask(load())[2])["blob"]["inode"] == path.stat().st_ino
    path.unlink()
    assert json.loads(caller.ask(load())[2])["error"]["name"] == "CorruptionError"
    assert not any(lean)


@pytest.mark.parametrize(
    "sent",
    [
        load(Accept="application/vnd.tfjsd.model"),
        load(Accept="*/*"),
        load(Accept=None),
        load(Range="bytes=0-1"),
        load(Content_Length="0"),
        load(f"{MODEL}/weights.bin"),
        load("/v1/models/indexeddb/%6D"),
        load("/v1/models/indexeddb?path=m"),
        load(f"{MODEL}?durability=strict"),
        load(f"{MODEL}?origin=nonsense"),
        load("/v1/models/indexeddb/missing"),
        load("/v1/models/indexeddb/.."),
        load("/v1/models/nothing/m"),
        load("/v1/models/%ff/m"),
    ],
)
def test_a_load_that_is_not_plain_goes_the_ordinary_way(caller, model, lean, sent):
    first_line, rest = sent.split(b"\r\n", 1)
    ordinary = caller.ask(first_line + b"\r\nX-Odd: 1\r\n" + rest)
    assert caller.ask(sent) == ordinary
    assert not any(lean)


def test_a_file_is_named_to_the_daemons_own_user_alone(daemon, caller, model):
    connections = daemon.server._service.connections
    other = Peer(os.getuid() + 1, frozenset())
    connections.lean._guard.users = frozenset({other.uid})
    assert connections.lean.answer(load(), other) is None
    assert connections.lean.answer(load(), Peer(os.getuid(), frozenset())) is not None


def test_the_answers_that_are_kept_are_few_megabytes(tmp_path):
    (tmp_path / "blob").touch()
    status = (tmp_path / "blob").stat()
    blob = MappedBlob(str(tmp_path / "blob"), status.st_dev, status.st_ino, 0, "")
    answers, origin = MappedAnswers(), SimpleNamespace(name="o", bucket=SimpleNamespace(generation=1))
    for number in range(1_000):
        answers.keep(origin, f"indexeddb://{number % 100}", 1, blob, bytes(100_000))
    known = [answer for number in range(100) if (answer := answers.get(origin, f"indexeddb://{number}"))]
    assert 0 < sum(map(len, known)) <= 4 << 20
    answers.keep(origin, "indexeddb://huge", 1, blob, bytes(300_000))
    assert answers.get(origin, "indexeddb://huge") is None
