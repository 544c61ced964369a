"""The client's half of RFC 6455, and the messages that it carries."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.client.indexed_db.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    FrameReader,
    encode_frame,
    masked,
)
from tfjsd.client.response_parser import ProtocolError, ResponseParser
from tfjsd.errors import BadRequestError
from tfjsd.wire.indexed_db import Message

LIMIT = 1 << 20


def served(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """A frame as a server sends it."""
    first = (0x80 if final else 0) | opcode
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + struct.pack(">H", size) + payload
    return bytes((first, 127)) + struct.pack(">Q", size) + payload


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=70_000), max_size=4), st.integers(1, 5000))
def test_messages_come_whole_however_they_are_cut(payloads, step):
    stream = b"".join(served(BINARY, payload) for payload in payloads)
    reader, found = FrameReader(LIMIT), []
    for start in range(0, len(stream), step):
        found += reader.feed(stream[start : start + step])
    assert found == [(BINARY, payload) for payload in payloads]


def test_pieces_are_joined_around_control_frames():
    stream = served(BINARY, b"ab", final=False) + served(PING, b"?") + served(CONTINUATION, b"cd")
    assert list(FrameReader(LIMIT).feed(stream)) == [(PING, b"?"), (BINARY, b"abcd")]


@pytest.mark.parametrize(
    "stream",
    [
        served(CONTINUATION, b"x"),
        served(BINARY, b"x", final=False) + served(BINARY, b"y"),
        served(PING, b"x" * 126),
        served(CLOSE, b"", final=False),
        b"\xc2\x00",
        b"\x82\x81mask!",
        served(BINARY, b"x" * (LIMIT + 1)),
        served(BINARY, b"x" * LIMIT, final=False) + served(CONTINUATION, b"y"),
    ],
)
def test_what_rfc_6455_forbids_is_refused(stream):
    with pytest.raises(ProtocolError):
        list(FrameReader(LIMIT).feed(stream))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_frames_leave_masked(size):
    payload = bytes(range(256)) * (size // 256 + 1)
    payload = payload[:size]
    frame = encode_frame(BINARY, payload)
    assert frame[0] == 0x82
    assert frame[1] & 0x80
    mask, content = frame[-size - 4 : len(frame) - size], frame[len(frame) - size :]
    assert masked(content, mask) == payload


def test_a_switch_of_protocols_ends_the_answer_and_keeps_what_follows():
    parser = ResponseParser(memoryview(bytearray(1000)))
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x82\x01x"
    parser.space()[: len(answer)] = answer
    parser.received(len(answer))
    assert parser.complete
    assert (parser.status, b"".join(parser.pieces)) == (101, b"\x82\x01x")


@settings(deadline=None, max_examples=100)
@given(
    st.dictionaries(st.text(max_size=5).filter(lambda name: name not in ("type", "sizes")), st.integers(), max_size=3),
    st.lists(st.none() | st.binary(max_size=20), max_size=5),
)
def test_a_message_comes_back_as_it_was(fields, parts):
    found = Message.decode(Message("kind", fields, parts).encode())
    assert (found.type, found.fields, list(found.parts)) == ("kind", fields, parts)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda data: struct.pack("<I", len(data) // 2) + data))
def test_other_bytes_are_refused_as_bad_requests(data):
    try:
        Message.decode(data)
    except BadRequestError:
        return


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        (b'{"type":1}', b""),
        (b'{"type":"x","sizes":[2]}', b"a"),
        (b'{"type":"x","sizes":[1]}', b"ab"),
        (b'{"type":"x","sizes":[-2]}', b""),
        (b'{"type":"x","sizes":["a"]}', b"a"),
        (b"[]", b""),
        (b"[" * 100_000, b""),
    ],
)
def test_a_header_of_another_form_is_refused(header, rest):
    with pytest.raises(BadRequestError):
        Message.decode(struct.pack("<I", len(header)) + header + rest)
