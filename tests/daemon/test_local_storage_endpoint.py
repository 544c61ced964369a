"""``POST /v1/local-storage``."""

import json

import pytest

from tfjsd.wire.model_path import encode_text


@pytest.fixture
def ask(daemon, request):
    """Asks in an origin of the test's own."""
    origin = encode_text(f"http://{abs(hash(request.node.name)):x}.example")

    def send(*operations, **members):
        body = {"ops": list(operations), **members} if members or len(operations) != 1 else operations[0]
        return daemon.request("POST", f"/v1/local-storage?origin={origin}", body)

    return send


def op(name, **members):
    return {"op": name, **members}


def put(key, value):
    return op("setItem", key=key, value=value)


def test_a_storage_object_over_http(ask):
    assert ask(op("length")).json == {"result": 0}
    assert ask(op("getItem", key="a")).json == {"result": None}
    assert ask(put("a", "1")).json == {"result": None}
    assert ask(op("getItem", key="a")).json == {"result": "1"}
    assert ask(op("length")).json == {"result": 1}
    assert ask(op("key", index=0)).json == {"result": "a"}
    assert ask(op("key", index=1)).json == {"result": None}
    assert ask(op("keys")).json == {"result": ["a"]}
    assert ask(op("items")).json == {"result": [["a", "1"]]}
    assert ask(op("length")).json == {"result": 1}
    assert ask(op("removeItem", key="a")).json == {"result": None}
    ask(put("b", "2"))
    assert ask(op("clear")).json == {"result": None}
    assert ask(op("keys")).json == {"result": []}


@pytest.mark.parametrize("text", ["", "\ud800", "\udc00\ud800", "😀", "\x00", "ü", "x" * 200_000, "✓" * 200_000])
def test_any_string_is_a_key_and_a_value(ask, text):
    assert ask(put(text, text)).status == 200
    answer = ask(op("getItem", key=text))
    assert answer.body.isascii()
    assert answer.json == {"result": text}


def test_a_batch_reads_its_own_writes(ask):
    answer = ask(put("a", "1"), op("getItem", key="a"), put("a", "2"), op("getItem", key="a"), op("length"))
    assert answer.json == {"results": [None, "1", None, "2", 1]}


def test_an_operation_that_fails_in_a_batch_leaves_the_others(ask):
    results = ask(put("a", "1"), put("big", "x" * 6_000_000), put("b", "2")).json["results"]
    assert (results[0], results[2]) == (None, None)
    assert results[1]["error"]["name"] == "QuotaExceededError"
    assert ask(op("getItem", key="b")).json == {"result": "2"}
    assert ask(op("getItem", key="big")).json == {"result": None}


def test_an_atomic_batch_is_all_or_nothing(ask):
    ask(put("kept", "1"))
    refused = ask(op("removeItem", key="kept"), put("a", "1"), put("big", "x" * 6_000_000), atomic=True)
    assert (refused.status, refused.error["name"], refused.error["unit"]) == (507, "QuotaExceededError", "utf16")
    assert ask(op("keys")).json == {"result": ["kept"]}
    done = ask(put("a", "1"), op("getItem", key="a"), op("clear"), put("c", "3"), op("items"), atomic=True)
    assert done.json == {"results": [None, "1", None, None, [["c", "3"]]]}


def test_the_quota_is_exact_to_the_unit(ask):
    fits = ask(put("k", "x" * 5_242_879))
    assert fits.status == 200
    refused = ask(put("k", "x" * 5_242_880))
    assert refused.status == 507
    assert (refused.error["limit"], refused.error["needed"]) == (5_242_880, 5_242_881)
    assert len(ask(op("getItem", key="k")).json["result"]) == 5_242_879


def test_what_a_model_save_wrote_is_there_raw(daemon):
    daemon.save("/v1/models/localstorage/raw", b"\x00\x01\x02")
    answer = daemon.local_storage(op("getItem", key="tensorflowjs_models/raw/weight_data"))
    assert answer.json == {"result": "AAEC"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"op": "drop"}', b'{"op": "getItem"}', b'{"ops": [{"op": "getItem"}]}', b"\xff"],
)
def test_a_malformed_request_is_400(daemon, body):
    answer = daemon.request("POST", "/v1/local-storage", body)
    assert (answer.status, answer.error["name"]) == (400, "BadRequestError")


def test_too_many_operations_are_413(daemon):
    body = json.dumps({"ops": [{"op": "length"}] * 100_001}).encode()
    assert daemon.request("POST", "/v1/local-storage", body).status == 413


def test_a_relaxed_write_is_there_at_once(daemon):
    body = put("relaxed", "1")
    assert daemon.request("POST", "/v1/local-storage?durability=relaxed", body).status == 200
    assert daemon.local_storage(op("getItem", key="relaxed")).json == {"result": "1"}
