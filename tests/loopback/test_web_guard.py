"""Over TCP nothing passes that does not name the listener, come from a listed page or a program, and bring the token."""

import base64
import errno
import random
import re
import stat

import pytest

from tfjsd.daemon.loopback import bind_loopback
from tfjsd.errors import ConfigurationError
from tfjsd.wire.token_file import TOKEN_FILE, ensure_token, read_token, rotate_token
from tfjsd.wire.web_address import loopback_address, web_origins

LISTED = "https://app.example"
MODELS = "/v1/models"


def foreign_hosts(port):
    return [
        f"evil.example:{port}",
        "evil.example",
        f"localhost.evil.example:{port}",
        f"127.0.0.1.nip.io:{port}",
        f"127.0.0.1.evil.example:{port}",
        f"evil127.0.0.1:{port}",
        f"127.0.0.1:{port}.evil.example",
        f"127.0.0.1:{port}@evil.example",
        f"evil.example@127.0.0.1:{port}",
        f"evil.example#127.0.0.1:{port}",
        f"127.0.0.1:{port},evil.example",
        f"127.0.0.1.:{port}",
        f"localhost.:{port}",
        f"LOCALHOST:{port}",
        f"Localhost:{port}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:",
        "127.0.0.1:80",
        f"127.0.0.1:{port + 1}",
        f"127.0.0.1:0{port}",
        f"127.0.0.1:+{port}",
        f"127.0.0.1:{port}0",
        f"127.0.0.1::{port}",
        f"127.0.0.1:{port}/",
        f"127.0.0.1:{port}:{port}",
        f"127.1:{port}",
        f"127.0.0.2:{port}",
        f"0.0.0.0:{port}",
        f"0:{port}",
        f"2130706433:{port}",
        f"0x7f000001:{port}",
        f"0177.0.0.1:{port}",
        f"[::1]:{port}",
        f"[::ffff:127.0.0.1]:{port}",
        f"::1:{port}",
        f"[127.0.0.1]:{port}",
        f"tfjsd.local:{port}",
        f"tfjsd.internal:{port}",
        f"192.168.0.1:{port}",
        f"http://127.0.0.1:{port}",
        "null",
        "*",
        "",
    ]


def test_forty_forms_of_a_foreign_host_are_refused(loopback):
    hosts = foreign_hosts(loopback.port)
    assert len(hosts) >= 40
    for host in hosts:
        for path in (MODELS, "/healthz", "/"):
            status, _, body = loopback.request("GET", path, headers={"Host": host, **loopback.authorization})
            assert status in (400, 421), (host, path, body)
            assert b"indexeddb" not in body


@pytest.mark.parametrize(
    "head",
    [
        "GET /v1/models HTTP/1.1\r\n",
        "GET /v1/models HTTP/1.0\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nHost: 127.0.0.1:{port}\r\n",
        "GET http://evil.example/v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n",
        "GET http://127.0.0.1:{port}/v1/models HTTP/1.1\r\nHost: evil.example\r\n",
        "GET //evil.example/v1/models HTTP/1.1\r\nHost: evil.example\r\n",
        "GET /v1/models HTTP/1.1\r\nX: y\r\n Host: 127.0.0.1:{port}\r\n",
        "GET /v1/models HTTP/1.1\r\nHost : 127.0.0.1:{port}\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: 127.0.0.1:{port}\r\n",
        "CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n",
    ],
)
def test_a_missing_doubled_or_contradicted_host_is_refused(loopback, head):
    answer = loopback.raw(
        (head.format(port=loopback.port) + f"Authorization: Bearer {loopback.token}\r\n\r\n").encode()
    )
    assert re.match(rb"HTTP/1\.[01] (400|403|404|421) ", answer), answer[:200]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_program_with_the_token_is_served(loopback, name):
    headers = {"Host": f"{name}:{loopback.port}", **loopback.authorization}
    assert loopback.request("GET", MODELS, headers=headers)[0] == 200


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer {short}",
        "Bearer {token} {token}",
        "Bearer {upper}",
        "Bearer ü",
    ],
)
def test_without_the_token_nothing_is_served(loopback, value):
    token = loopback.token
    headers = {}
    if value is not None:
        headers["Authorization"] = value.format(token=token, short=token[:-1], upper=token.swapcase())
    for method, path in (("GET", MODELS), ("POST", "/v1/local-storage"), ("GET", "/nothing"), ("GET", "/v1/events")):
        status, _, body = loopback.request(method, path, headers=headers)
        assert status == 401, (value, path)
        assert token.encode() not in body


SOURCES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://app.example.evil.example"},
    {"Origin": "https://APP.example"},
    {"Origin": "https://app.example:443"},
    {"Origin": "https://app.example/"},
    {"Origin": "http://app.example"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
]


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_pages_of_other_origins_are_refused_even_with_the_token(loopback, source):
    for method, path in (("GET", MODELS), ("POST", "/v1/local-storage"), ("GET", "/"), ("GET", "/tfjsd.js")):
        status, headers, _ = loopback.request(method, path, headers={**source, **loopback.authorization})
        assert status == 403, (method, path)
        assert "access-control-allow-origin" not in headers
        assert headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": LISTED, "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_listed_pages_the_own_page_and_programs_are_served_with_the_token(loopback, source):
    source = {name: value.format(port=loopback.port) for name, value in source.items()}
    assert loopback.request("GET", MODELS, headers={**source, **loopback.authorization})[0] == 200
    assert loopback.request("GET", MODELS, headers=source)[0] == 401


def test_only_the_listed_origin_is_named(loopback):
    for target, authorization in ((MODELS, loopback.authorization), (MODELS, {}), ("/none", loopback.authorization)):
        _, headers, _ = loopback.request("GET", target, headers={"Origin": LISTED, **authorization})
        assert headers["access-control-allow-origin"] == LISTED
        assert headers["vary"] == "Origin"
        assert "set-cookie" not in headers
    for origin in ({}, {"Origin": f"http://127.0.0.1:{loopback.port}"}, {"Origin": "https://evil.example"}):
        _, headers, _ = loopback.request("GET", MODELS, headers={**origin, **loopback.authorization})
        assert not [name for name in headers if name.startswith("access-control-allow")]


@pytest.mark.parametrize("cookie", ["token={token}", "Authorization=Bearer {token}", "a=b"])
def test_what_a_browser_adds_by_itself_admits_nobody(loopback, cookie):
    """A listed page may fetch with credentials: they are worth nothing here."""
    added = {"Cookie": cookie.format(token=loopback.token)}
    basic = base64.b64encode(f"tfjsd:{loopback.token}".encode()).decode()
    for headers in (added, {**added, "Authorization": f"Basic {basic}"}):
        status, answered, _ = loopback.request("GET", MODELS, headers={"Origin": LISTED, **headers})
        assert (status, answered["access-control-allow-credentials"]) == (401, "true")
        assert "www-authenticate" not in answered


def test_preflights_are_answered_for_listed_origins_only(loopback):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    private = {"Access-Control-Request-Private-Network": "true"}
    status, headers, _ = loopback.request("OPTIONS", MODELS, headers={"Origin": LISTED, **asked, **private})
    assert status == 204
    assert headers["access-control-allow-origin"] == LISTED
    assert headers["access-control-allow-private-network"] == "true"
    assert headers["access-control-allow-headers"] == "authorization"
    status, headers, _ = loopback.request("OPTIONS", MODELS, headers={"Origin": LISTED, **asked})
    assert "access-control-allow-private-network" not in headers
    for source in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
        status, headers, _ = loopback.request("OPTIONS", MODELS, headers={**source, **asked, **private})
        assert status == 403
        assert not [name for name in headers if name.startswith("access-control-allow")]


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        ("authorization,x-trace", "authorization,x-trace"),
        ("range", "range"),
        ("", "Authorization"),
        ("a b", "Authorization"),
        ("a,,b", "Authorization"),
        ("ü", "Authorization"),
        ("x" * 3000, "Authorization"),
    ],
)
def test_a_listed_page_may_send_headers_of_its_own(loopback, wanted, allowed):
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": wanted, "Origin": LISTED}
    _, headers, _ = loopback.request("OPTIONS", MODELS, headers=asked)
    assert headers["access-control-allow-headers"] == allowed


def test_no_path_of_the_home_is_told_to_strangers(loopback):
    assert "tfjsd-home" in loopback.request("GET", MODELS, headers=loopback.authorization)[1]
    for path, headers in ((MODELS, {}), ("/healthz", {}), (MODELS, {"Origin": "https://evil.example"})):
        status, answered, body = loopback.request("GET", path, headers=headers)
        assert "tfjsd-home" not in answered, status
        assert str(loopback.home).encode() not in body
    refusal = loopback.raw(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert b"\r\ntfjsd-version: " in refusal
    assert b"tfjsd-home" not in refusal


def test_compressed_bodies_are_refused(loopback):
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", **loopback.authorization}
    status, _, body = loopback.request("POST", "/v1/local-storage", b"\x1f\x8b" + bytes(100), headers)
    assert (status, b"Compressed" in body) == (400, True)


def test_another_user_cannot_leave_files_over_tcp(loopback):
    assert loopback.request("POST", "/v1/ingest", headers=loopback.authorization)[0] == 403


def test_a_rotated_token_locks_out_from_the_next_request_on(loopback_daemon):
    with loopback_daemon() as daemon:
        old = daemon.authorization
        assert daemon.request("GET", MODELS, headers=old)[0] == 200
        rotate_token(daemon.home)
        assert daemon.request("GET", MODELS, headers=old)[0] == 401
        assert daemon.request("GET", MODELS, headers=daemon.authorization)[0] == 200


def test_the_token_has_256_bits_and_only_its_owner_reads_it(tmp_path):
    assert read_token(tmp_path) is None
    token = ensure_token(tmp_path)
    assert ensure_token(tmp_path) == token
    assert len(token) == 43
    assert rotate_token(tmp_path) != token
    file = tmp_path / TOKEN_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="other users"):
        read_token(tmp_path)
    rotate_token(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("short")
    with pytest.raises(ConfigurationError, match="does not hold a token"):
        read_token(tmp_path)
    file.unlink()
    file.symlink_to("/etc/passwd")
    with pytest.raises(ConfigurationError):
        read_token(tmp_path)


def test_no_token_is_logged(loopback_daemon, caplog):
    caplog.set_level("DEBUG")
    with loopback_daemon() as daemon:
        token = daemon.token
        daemon.request("GET", MODELS, headers=daemon.authorization)
        daemon.request("GET", MODELS, headers={"Authorization": f"Basic {token}"})
        daemon.raw(f"GET / HTTP/1.1\r\nHost : x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert caplog.records
    assert not [record for record in caplog.records if token in str(record.__dict__)]


@pytest.mark.parametrize(
    "address", ["0.0.0.0:1", "192.168.0.1:80", "127.0.0.1", "127.0.0.1:99999", "evil.example:1", "[::]:1", ":1", 8765]
)
def test_no_other_address_is_listened_on(address):
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:PORT"):
        loopback_address(address)


@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://*.example", "https://a.example/", "https://A.example", "https://a.example:443", "a"],
)
def test_origins_are_exact(origin):
    with pytest.raises(ValueError, match="is not an origin"):
        web_origins([origin])


def test_a_taken_port_is_named(loopback):
    with pytest.raises(ConfigurationError, match=f"http://127.0.0.1:{loopback.port}") as caught:
        bind_loopback("127.0.0.1", loopback.port)
    assert "another port" in str(caught.value.hint)


def test_a_process_without_tcp_is_told_what_to_do(monkeypatch):
    def refuse(family):
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr("tfjsd.daemon.loopback.socket.socket", refuse)
    with pytest.raises(ConfigurationError, match=re.escape("http://127.0.0.1:8765")) as caught:
        bind_loopback("127.0.0.1", 8765)
    assert "tfjsd service install" in str(caught.value.hint)


def mutated(rng, request):
    data = bytearray(request)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                del data[place : place + rng.randint(1, 8)]
            case 2:
                data[place:place] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
            case 3:
                data[place:place] = rng.choice([b"\r\n", b"\n", b"\0", b": ", b" ", b"\r\n\r\n", b"0\r\n\r\n", b"\t"])
            case 4:
                other = rng.randrange(len(data))
                data[place:place] = data[other : other + rng.randint(1, 40)]
    return bytes(data)


def mutations(daemon, count):
    """Every answer to ``count`` mutated requests is no 5xx, and the daemon goes on."""
    rng = random.Random(count)
    bases = [
        f"GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nAuthorization: Bearer {daemon.token}\r\n\r\n",
        f"POST /v1/local-storage HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nOrigin: {LISTED}\r\n"
        f'Authorization: Bearer {daemon.token}\r\nContent-Length: 15\r\n\r\n{{"op":"length"}}',
        f"POST /v1/local-storage HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nTransfer-Encoding: chunked\r\n"
        f'Authorization: Bearer {daemon.token}\r\n\r\nf\r\n{{"op":"length"}}\r\n0\r\n\r\n',
        f"OPTIONS /v1/models HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nOrigin: {LISTED}\r\n"
        "Access-Control-Request-Method: POST\r\nSec-Fetch-Site: cross-site\r\n\r\n",
        f"POST /v1/models/copy HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nAuthorization: Bearer {daemon.token}\r\n"
        'Content-Length: 44\r\n\r\n{"source":"indexeddb://a","dest":"indexeddb://b"}'[:-5],
    ]
    for number in range(count):
        request = mutated(rng, bases[number % len(bases)].encode())
        answer = daemon.raw(request, timeout=0.02)
        assert not re.search(rb"^HTTP/1\.[01] 5(?!0[137])", answer, re.MULTILINE), (request, answer)
    assert daemon.request("GET", MODELS, headers=daemon.authorization)[0] == 200


def test_a_thousand_mutated_requests_break_nothing(loopback):
    mutations(loopback, 1_000)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_a_hundred_thousand_mutated_requests_break_nothing(loopback):
    mutations(loopback, 100_000)


def test_a_slow_client_is_cut_and_many_leave_the_socket_alone(loopback_daemon):
    with loopback_daemon({"pause_seconds": 0.3, "connections": 8}) as daemon:
        import socket

        slow = socket.create_connection(("127.0.0.1", daemon.port), timeout=10)
        slow.sendall(b"GET /v1/models HTTP/1.1\r\nHost: 127")
        assert slow.recv(100) == b""
        slow.close()
        idle = socket.socket(socket.AF_UNIX)
        idle.connect(str(daemon.socket))
        many = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(20)]
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.settimeout(10)
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        for connection in (idle, *many):
            connection.close()
