"""Request bodies are checked member by member."""

import pytest

from tfjsd.errors import BadRequestError, TooLargeError
from tfjsd.wire.events import Event, EventDecoder
from tfjsd.wire.json_text import dump_json, parse_json
from tfjsd.wire.schemas import LocalStorageOperation, LocalStorageRequest, parse_local_storage, parse_transfer

GET = LocalStorageOperation("getItem", "k")
SET = LocalStorageOperation("setItem", "k\ud800", "v")


@pytest.mark.parametrize(
    "request_",
    [
        LocalStorageRequest((GET,)),
        LocalStorageRequest((SET, GET), True, True),
        LocalStorageRequest((), True),
        LocalStorageRequest((LocalStorageOperation("key", index=3),)),
        LocalStorageRequest((LocalStorageOperation("clear"), LocalStorageOperation("keys")), True),
    ],
)
def test_what_a_client_builds_the_daemon_reads(request_):
    assert parse_local_storage(parse_json(dump_json(request_.to_json())), operations_limit=10) == request_


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"op": "drop"},
        {"op": ["getItem"]},
        {"op": "getItem"},
        {"op": "getItem", "key": 1},
        {"op": "setItem", "key": "a"},
        {"op": "setItem", "key": "a", "value": None},
        {"op": "key"},
        {"op": "key", "index": True},
        {"op": "key", "index": 1.5},
        {"op": "getItem", "key": "a", "extra": 1},
        {"ops": {}},
        {"ops": [1]},
        {"ops": [], "atomic": 1},
        {"ops": [], "key": "a"},
    ],
)
def test_a_malformed_local_storage_request_is_a_bad_request(body):
    with pytest.raises(BadRequestError):
        parse_local_storage(body, operations_limit=10)


def test_too_many_operations_are_too_large():
    with pytest.raises(TooLargeError):
        parse_local_storage({"ops": [{"op": "clear"}] * 11}, operations_limit=10)


@pytest.mark.parametrize(
    "body", [{}, {"source": "a"}, {"source": "a", "dest": 1}, {"source": "a", "dest": "b", "c": 1}]
)
def test_a_malformed_transfer_is_a_bad_request(body):
    with pytest.raises(BadRequestError):
        parse_transfer(body)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[1,Infinity]", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_a_bad_request(text):
    with pytest.raises(BadRequestError):
        parse_json(text)


def test_two_halves_of_a_character_are_one_in_keys_and_values():
    assert parse_local_storage({"op": "getItem", "key": "\ud83d\ude00"}, operations_limit=1).operations[0].key == "😀"


def test_events_cut_anywhere_come_out_whole():
    events = [Event("storage", {"key": "a\n\n\ud800", "newValue": None}, 7), Event("ready", {})]
    stream = b":\n\n" + b"".join(event.encode() for event in events)
    decoder = EventDecoder()
    assert [event for i in range(len(stream)) for event in decoder.feed(stream[i : i + 1])] == events
