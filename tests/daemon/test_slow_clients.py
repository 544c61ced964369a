"""Clients that say nothing, or say it slowly, or do not listen."""

import contextlib
import re
import socket
import time

import pytest

import tfjsd

QUICK = {"pause_seconds": 0.4}


@pytest.fixture
def impatient(daemons):
    return daemons.in_process(limits=QUICK)


def connect(daemon):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(20)
    client.connect(str(daemon.socket))
    return client


def rest(client):
    """Everything until the daemon cuts the connection."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(1 << 16):
            data += piece
    return data


def test_a_header_that_never_ends_is_cut_off(impatient):
    with connect(impatient) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost:")
        assert rest(client) == b""


def test_a_client_that_never_says_anything_is_cut_off(impatient):
    with connect(impatient) as client:
        assert rest(client) == b""


def test_one_that_was_answered_may_rest_longer_than_one_that_says_nothing(impatient):
    with connect(impatient) as client:
        for _ in range(2):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            time.sleep(1)  # two and a half pauses


def test_a_header_that_drips_is_cut_off(impatient):
    with connect(impatient) as client:
        for byte in b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 1000:
            try:
                client.sendall(bytes([byte]))
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(0.02)
        else:
            pytest.fail("the connection lived on")


def test_a_body_that_stops_is_refused_and_leaves_no_trace(impatient):
    with connect(impatient) as client:
        head = b"PUT /v1/models/indexeddb/m HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.tfjsd.model\r\n"
        client.sendall(head + b"Content-Length: 1000\r\n\r\n\x10\x00")
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"stopped coming" in answer
    assert impatient.get("/v1/models").json == {}


def test_a_client_that_does_not_read_is_cut_off(impatient, eventually):
    impatient.save("/v1/models/indexeddb/big", bytes(16 << 20), userDefinedMetadata={"text": "x" * (16 << 20)})
    clients = [connect(impatient) for _ in range(4)]
    model = "/v1/models/indexeddb/big"
    targets = (f"{model}/weights.bin", "/v1/backup", model, f"{model}/model.json")
    for client, target in zip(clients, targets, strict=True):
        accept = b"Accept: application/vnd.tfjsd.model\r\n"
        client.sendall(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: x\r\n" + accept + b"\r\n")
    eventually(lambda: impatient.get("/v1/status").json["connections"] == 1, 0.1)
    for client in clients:
        assert len(rest(client)) < 16 << 20
        client.close()


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(impatient, eventually):
    for _ in range(20):
        with connect(impatient) as client:
            head = b"PUT /v1/models/indexeddb/m HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.tfjsd.model\r\n"
            client.sendall(head + b"Content-Length: 1000000\r\n\r\n\x10\x00")
        with connect(impatient) as client:
            client.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")

    def alone():
        status = impatient.get("/v1/status").json
        return (status["connections"], status["running"], status["subscribers"]) == (1, 1, 0)

    eventually(alone)


def test_half_open_clients_make_room_for_those_that_speak(daemons):
    daemon = daemons.in_process(limits={"connections": 32})
    silent = [connect(daemon) for _ in range(100)]
    for client in silent[::2]:
        with contextlib.suppress(OSError):
            client.sendall(b"GET")
    for number in range(20):
        assert daemon.save(f"/v1/models/indexeddb/m{number}", b"1").status == 200
    assert daemon.get("/v1/status").json["connections"] <= 32
    for client in silent:
        client.close()


def test_a_connection_is_used_again_and_pipelined_requests_are_answered_in_order(impatient):
    with connect(impatient) as client:
        for _ in range(3):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            time.sleep(0.3)
        client.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        answers = rest(client)
    assert answers.index(b"HTTP/1.1 200") < answers.index(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "request_",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"POST /v1/local-storage HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /v1/local-storage HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/local-storage HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/local-storage HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
    ],
)
def test_a_malformed_request_is_400_in_json_and_ends_its_connection(impatient, request_):
    with connect(impatient) as client:
        client.sendall(request_)
        answer = rest(client)
    assert re.match(rb"HTTP/1\.[01] 400 ", answer), answer[:200]
    assert b'{"error":{"name":"BadRequestError"' in answer
    assert f"\r\ntfjsd-version: {tfjsd.__version__}\r\ntfjsd-protocol: 1\r\n".encode() in answer
    assert f"\r\nServer: tfjsd/{tfjsd.__version__}\r\n".encode() in answer
    assert b"\r\ntfjsd-home: " in answer
    assert impatient.get("/healthz").status == 200


def test_a_request_line_that_is_too_long_is_414_and_names_the_limit(impatient):
    with connect(impatient) as client:
        client.sendall(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = rest(client)
    assert re.match(rb"HTTP/1\.[01] 414 ", answer), answer[:200]
    assert b'{"error":{"name":"TooLargeError","message":"The request line passes the limit of 65536 bytes."' in answer
    assert b"\r\ntfjsd-version: " in answer


@pytest.mark.parametrize("expectation", [b"x", b"100-continue, x", b""])
def test_an_unknown_expectation_changes_nothing(impatient, expectation):
    body = b'{"op":"length"}'
    head = b"POST /v1/local-storage HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: " + expectation
    with connect(impatient) as client:
        client.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        answer = rest(client)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"result":0}')


def test_100_continue_is_told_before_the_body_is_sent(impatient):
    head = b"POST /v1/local-storage HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
    with connect(impatient) as client:
        client.sendall(head + b"Content-Length: 15\r\n\r\n")
        assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b'{"op":"length"}')
        assert rest(client).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("kind", ["application/vnd.tfjsd.model", "multipart/form-data; boundary=x"])
def test_a_model_that_is_declared_too_large_is_refused_without_asking_for_it(impatient, kind):
    head = f"PUT /v1/models/indexeddb/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {kind}\r\n"
    with connect(impatient) as client:
        client.sendall(f"{head}Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n".encode())
        answer = client.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'{"error":{"name":"TooLargeError","message":"A body of 99999999999 bytes passes the limit of ' in answer
