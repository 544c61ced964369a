"""Requests of the http handler: bounded, within their origin, and honest about what was not received."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib

import pytest

from tfjsd.errors import HTTPStatusError, OutcomeUnknownError, TooLargeError, UnsupportedURLError
from tfjsd.model_io import http_transport
from tfjsd.model_io.http_transport import MAX_REDIRECTS, HTTPTransport, Upload
from tfjsd.model_io.response_body import PIECE
from tfjsd.model_io.web_url import WebURL

BODY = bytes(range(256)) * 16
UPLOAD = Upload("text/plain", (b"first ", bytearray(b"second "), memoryview(b"third")))


def get(url: str, *, limit: int = 1 << 20, **options):
    target = WebURL.parse(url)
    return HTTPTransport(target, **options).get(target, limit=limit)


def send(method: str, url: str, upload: Upload = UPLOAD, **options):
    target = WebURL.parse(url)
    return HTTPTransport(target, **options).send(method, target, upload, limit=1 << 20)


def test_a_body_arrives_whole(web_server):
    response = get(web_server.serve("/w.bin", BODY, ETag="x"))
    assert (response.status, response.ok, bytes(response.body)) == (200, True, BODY)
    assert response.header("etag") == "x"


def test_a_large_body_arrives_whole_and_is_counted(web_server):
    body = BODY * 1024
    url = WebURL.parse(web_server.serve("/w.bin", body))
    counts: list[int] = []
    response = HTTPTransport(url).get(url, limit=len(body), on_bytes=counts.append)
    assert bytes(response.body) == body
    assert sum(counts) == len(body)
    assert len(counts) >= len(body) // PIECE


def test_a_body_of_unannounced_length_arrives_whole(web_server):
    assert bytes(get(web_server.serve("/w.bin", BODY, sized=False)).body) == BODY


@pytest.mark.parametrize("status", [201, 204, 299])
def test_every_2xx_is_ok(web_server, status: int):
    assert get(web_server.serve("/a", b"", status)).ok


@pytest.mark.parametrize("status", [300, 304, 400, 404, 500, 503])
def test_any_other_status_is_not_and_its_body_is_not_read(web_server, status: int):
    response = get(web_server.serve("/a", b"x" * 1000, status), limit=10)
    assert (response.ok, response.status, response.body) == (False, status, b"")


@pytest.mark.parametrize("sized", [True, False])
def test_more_than_the_limit_is_refused(web_server, sized: bool):
    with pytest.raises(TooLargeError):
        get(web_server.serve("/a", BODY, sized=sized), limit=len(BODY) - 1)


def test_an_announced_size_beyond_the_limit_is_refused_before_it_is_received(web_server):
    with pytest.raises(TooLargeError, match="1099511627776 bytes where 10 are expected"):
        get(web_server.serve("/a", b"", sized=False, Content_Length=str(1 << 40)), limit=10)


def test_a_body_that_ends_early_is_an_error(web_server):
    with pytest.raises(HTTPStatusError, match=f"ended after 2048 of {len(BODY)} bytes"):
        get(web_server.serve("/a", BODY, close_early=True))


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "GZIP"])
def test_a_compressed_body_is_decoded(web_server, coding: str):
    data = zlib.compress(BODY) if coding == "deflate" else gzip.compress(BODY)
    assert bytes(get(web_server.serve("/a", data, Content_Encoding=coding), limit=len(BODY)).body) == BODY


def test_a_compression_bomb_stops_at_the_limit(web_server):
    bomb = gzip.compress(bytes(64 << 20))
    with pytest.raises(TooLargeError):
        get(web_server.serve("/a", bomb, Content_Encoding="gzip"), limit=1 << 20)


@pytest.mark.parametrize("data", [gzip.compress(BODY)[:-9], b"no gzip at all"])
def test_a_damaged_compressed_body_is_an_error(web_server, data: bytes):
    with pytest.raises(HTTPStatusError, match="compressed answer"):
        get(web_server.serve("/a", data, Content_Encoding="gzip"))


def test_an_unknown_coding_is_an_error(web_server):
    with pytest.raises(HTTPStatusError, match="unknown Content-Encoding 'br'"):
        get(web_server.serve("/a", BODY, Content_Encoding="br"))


def test_headers_and_auth_are_sent(web_server):
    get(web_server.serve("/a"), headers={"X-Key": "v", "user-agent": "mine"}, auth=("user", "pässword"))
    headers = web_server.received[0].headers
    assert headers["x-key"] == "v"
    assert headers["user-agent"] == "mine"
    assert headers["authorization"] == "Basic dXNlcjpww6Rzc3dvcmQ="
    assert headers["host"] == web_server.url.removeprefix("http://")


def test_a_bearer_token_is_sent(web_server):
    get(web_server.serve("/a"), auth="token")
    assert web_server.received[0].headers["authorization"] == "Bearer token"


def test_a_header_cannot_smuggle_another(web_server):
    with pytest.raises(ValueError, match="Invalid header value"):
        get(web_server.serve("/a"), headers={"X": "a\r\nY: b"})


def test_an_upload_is_sent_piece_by_piece_with_its_length(web_server):
    response = send("PUT", web_server.serve("/a", "stored"))
    (received,) = web_server.received
    assert (received.method, received.body) == ("PUT", b"first second third")
    assert received.headers["content-type"] == "text/plain"
    assert received.headers["content-length"] == "18"
    assert bytes(response.body) == b"stored"


def test_content_headers_of_an_upload_are_not_the_callers(web_server):
    send("POST", web_server.serve("/a"), headers={"content-type": "x/y", "Content-Length": "1"})
    assert web_server.received[0].headers["content-type"] == "text/plain"
    assert web_server.received[0].body == b"first second third"


# -- Redirects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_get_is_followed(web_server, status: int):
    web_server.serve("/there/b", BODY)
    response = get(web_server.serve("/here/a", b"", status, Location="../there/b"))
    assert bytes(response.body) == BODY
    assert response.url == web_server.url + "/there/b"


def test_a_loop_ends(web_server):
    with pytest.raises(HTTPStatusError, match=f"more than {MAX_REDIRECTS} redirects"):
        get(web_server.serve("/a", b"", 302, Location="/a"))
    assert len(web_server.received) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://host/x", "gopher://127.0.0.1:1/x", "data:,x"])
def test_a_redirect_cannot_leave_the_web(web_server, location: str):
    with pytest.raises(UnsupportedURLError):
        get(web_server.serve("/a", b"", 302, Location=location))


@pytest.mark.parametrize("status", [307, 308])
def test_an_upload_is_sent_again_where_the_redirect_says_so(web_server, status: int):
    web_server.serve("/b", "stored")
    assert bytes(send("POST", web_server.serve("/a", b"", status, Location="/b")).body) == b"stored"
    assert [(r.method, r.path, r.body) for r in web_server.received] == [
        ("POST", "/a", b"first second third"),
        ("POST", "/b", b"first second third"),
    ]


@pytest.mark.parametrize("status", [301, 302])
def test_an_upload_never_turns_into_a_get_unnoticed(web_server, status: int):
    web_server.serve("/login", "please log in")
    response = send("POST", web_server.serve("/a", b"", status, Location="/login"))
    assert (response.status, response.ok) == (status, False)
    assert web_server.paths == ["/a"]


def test_see_other_after_an_upload_shows_its_result(web_server):
    web_server.serve("/result", "stored")
    assert bytes(send("POST", web_server.serve("/a", b"", 303, Location="/result")).body) == b"stored"
    assert [r.method for r in web_server.received] == ["POST", "GET"]


def test_credentials_stay_with_their_origin(make_web_server):
    first, second = make_web_server(), make_web_server()
    second.serve("/b", BODY)
    url = first.serve("/a", b"", 302, Location=second.url + "/b")
    get(url, auth="token", headers={"Cookie": "c", "Proxy-Authorization": "p", "X-Other": "kept"})
    assert {"authorization", "cookie", "proxy-authorization"} <= set(first.received[0].headers)
    assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(second.received[0].headers)
    assert second.received[0].headers["x-other"] == "kept"


def test_https_never_falls_back_to_http():
    with pytest.raises(HTTPStatusError, match="redirects from https to http"):
        http_transport._next_hop(WebURL.parse("https://a/x"), "http://a/x")


def test_the_internet_does_not_lead_into_the_private_network(make_web_server, monkeypatch):
    first, second = make_web_server(), make_web_server()
    second.serve("/metadata", "secret")
    url = first.serve("/a", b"", 302, Location=second.url + "/metadata")
    kinds = iter([True, False])
    monkeypatch.setattr(http_transport, "_is_public", lambda address: next(kinds))
    with pytest.raises(HTTPStatusError, match="private network"):
        get(url)
    assert second.received == []


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("127.0.0.1", False), ("169.254.169.254", False), ("10.0.0.1", False), ("fe80::1%eth0", False)],
)
def test_private_addresses_are_known(address: str, public: bool):
    assert http_transport._is_public(address) is public


# -- Broken connections ------------------------------------------------------------------------------------------------


@pytest.fixture
def raw_server():
    """Accepts one connection and does with it what the test says."""
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def start(serve):
            def run():
                connection, _ = listener.accept()
                with connection:
                    serve(connection)

            thread = threading.Thread(target=run)
            thread.start()
            threads.append(thread)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/a"

        yield start
        for thread in threads:
            thread.join()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_nobody_listens():
    url = f"http://127.0.0.1:{closed_port()}/a"
    with pytest.raises(HTTPStatusError, match="refused") as caught:
        get(url)
    assert caught.value.status == 0
    with pytest.raises(HTTPStatusError, match="refused"):
        send("POST", url)


def test_a_connection_without_an_answer(raw_server):
    with pytest.raises(HTTPStatusError, match="failed"):
        get(raw_server(lambda connection: connection.recv(100)))


def test_an_upload_without_an_answer_may_have_been_carried_out(raw_server):
    with pytest.raises(OutcomeUnknownError, match="lost during the save"):
        send("POST", raw_server(lambda connection: connection.recv(1000)))


def test_an_answer_that_is_no_http(raw_server):
    with pytest.raises(HTTPStatusError):
        get(raw_server(lambda connection: (connection.recv(1000), connection.sendall(b"SSH-2.0-x\r\n"))))


def test_a_silent_server_meets_the_timeout(raw_server):
    with pytest.raises(HTTPStatusError, match="timed out"):
        get(raw_server(lambda connection: (connection.recv(1000), connection.recv(1))), timeout=0.05)


def test_a_refusal_sent_before_the_upload_was_read_is_seen(raw_server):
    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    response = send("POST", raw_server(refuse), Upload("x/y", (bytes(8 << 20),)))
    assert response.status == 413


@pytest.mark.parametrize("close_early", [True, False])
def test_a_long_or_broken_answer_to_an_upload_does_not_undo_it(web_server, close_early: bool):
    url = WebURL.parse(web_server.serve("/a", BODY, close_early=close_early))
    response = HTTPTransport(url).send("POST", url, UPLOAD, limit=10)
    assert response.ok
    assert bytes(response.body) in (BODY[:10], b"")
