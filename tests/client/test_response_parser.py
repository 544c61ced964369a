"""The parser takes an answer in pieces of any size, and nothing that is not HTTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfjsd.client.response_parser import LARGE_BODY, ProtocolError, ResponseParser

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def parse(data: bytes, sizes: list[int], *, streamed: bool = False, end: bool = False, method: str = "GET"):
    parser = ResponseParser(memoryview(bytearray(1 << 12)), method=method, streamed=streamed)
    at, turn = 0, 0
    while at < len(data) and not parser.complete:
        space = parser.space()
        assert len(space)
        count = min(len(space), sizes[turn % len(sizes)], len(data) - at)
        space[:count] = data[at : at + count]
        parser.received(count)
        at, turn = at + count, turn + 1
    if end and not parser.complete:
        parser.received(0)
    return parser, data[at:]


def chunked(pieces: list[bytes]) -> bytes:
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\nTrailer: 1\r\n\r\n"


sizes = st.lists(st.integers(1, 300), min_size=1, max_size=8)


@given(st.binary(max_size=5000), sizes, st.booleans())
def test_a_body_with_its_length_arrives_whole_in_pieces_of_any_size(body, sizes, streamed):
    parser, rest = parse(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body, sizes, streamed=streamed)
    assert parser.complete
    assert parser.keep_alive
    assert rest == b""
    assert (b"".join(parser.pieces) if streamed else bytes(parser.body())) == body


@given(st.lists(st.binary(max_size=2000), max_size=6), sizes, st.booleans())
def test_chunks_arrive_whole_in_pieces_of_any_size(pieces, sizes, streamed):
    parser, _ = parse(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(pieces), sizes, streamed=streamed)
    assert parser.complete
    assert (b"".join(parser.pieces) if streamed else bytes(parser.body())) == b"".join(pieces)


@given(st.binary(max_size=2000), sizes)
def test_a_body_without_a_length_ends_with_the_connection(body, sizes):
    parser, _ = parse(HEAD + b"\r\n" + body, sizes, end=True)
    assert parser.complete
    assert not parser.keep_alive
    assert bytes(parser.body()) == body


def test_a_large_body_is_received_into_its_final_place():
    body = bytes(range(256)) * (LARGE_BODY // 256)
    parser, _ = parse(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body, [1 << 16])
    assert parser.body() == body
    assert parser.body().readonly


def test_interim_answers_are_passed_over():
    parser, _ = parse(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", [7])
    assert (parser.status, bytes(parser.body())) == (200, b"hi")


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body_end_with_their_head(status):
    parser, _ = parse(b"HTTP/1.1 %d X\r\nContent-Length: 10\r\n\r\n" % status, [100])
    assert parser.complete


def test_the_answer_to_head_has_no_body():
    parser, _ = parse(HEAD + b"Content-Length: 10\r\n\r\n", [100], method="HEAD")
    assert parser.complete


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True),
    ],
)
def test_whether_the_connection_is_kept(head, kept):
    parser, _ = parse(head + b"Content-Length: 0\r\n\r\n", [100])
    assert parser.keep_alive is kept


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 2000,
        b"x" * 5000,
    ],
    ids=lambda data: repr(data[-24:]),
)
def test_what_is_not_http_is_refused(data):
    with pytest.raises(ProtocolError):
        parse(data, [1000])


@pytest.mark.parametrize("cut", [1, 30, 60, 65])
def test_a_connection_that_ends_inside_the_answer_is_an_error(cut):
    data = HEAD + b"Content-Length: 4\r\n\r\nfour"
    with pytest.raises(ProtocolError, match="closed"):
        parse(data[:cut], [100], end=True)
