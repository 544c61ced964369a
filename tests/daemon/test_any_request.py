"""Whatever is asked, the daemon answers as its document says, and never fails inside."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfjsd.daemon.openapi import OPERATIONS
from tfjsd.wire.model_path import encode_text

DELIBERATE = {501, 503, 507}

segments = st.one_of(
    st.sampled_from(
        ["a", "model.json", "weights.bin", "..", ".", "", "%", "%ff", "%2F", "%ED%A0%80", "copy", "indexeddb"]
    ),
    st.text(max_size=8).map(encode_text),
)
LONG = "9" * 5000
"""A number of more digits than Python reads."""
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
urls = st.sampled_from(["indexeddb://a", "localstorage://a", "indexeddb://", "http://x/y", "a", "file:///etc/passwd"])
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["getItem", "setItem", "removeItem", "clear", "key", "length", "keys", "x"])},
    optional={"key": st.text(max_size=3), "value": st.text(max_size=3), "index": st.integers(-3, 3), "more": values},
)
bodies = st.one_of(
    st.binary(max_size=40),
    values.map(lambda value: json.dumps(value).encode()),
    operations.map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda ops, atomic: json.dumps({"ops": ops, "atomic": atomic}).encode(),
        st.lists(operations, max_size=3),
        st.booleans(),
    ),
    st.builds(lambda source, dest: json.dumps({"source": source, "dest": dest}).encode(), urls, urls),
    st.builds(
        lambda header, weights: len(header := json.dumps(header).encode()).to_bytes(4, "little") + header + weights,
        st.dictionaries(
            st.sampled_from(["modelTopology", "weightSpecs", "weightDataBytes", "ingest", "format", "x"]),
            values,
            max_size=4,
        ),
        st.binary(max_size=4),
    ),
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            [
                "application/json",
                "application/vnd.tfjsd.model",
                "multipart/form-data",
                "multipart/form-data; boundary=x",
                "x",
            ]
        ),
        "Accept": st.sampled_from(["*/*", "application/vnd.tfjsd.model", "application/vnd.tfjsd.mapped"]),
        "Range": st.sampled_from(
            ["bytes=0-", "bytes=-1", "bytes=9-1", "bytes=-", "x", "bytes=0-1,2-3", "bytes=5-9999", f"bytes={LONG}-"]
        ),
        "If-None-Match": st.sampled_from(["*", '"x"', "W/x", ""]),
        "If-Range": st.sampled_from(['"x"', "Fri, 20 Nov 2026 23:13:34 GMT"]),
        "Content-Encoding": st.sampled_from(["gzip", "identity"]),
    },
)
queries = st.dictionaries(
    st.sampled_from(["origin", "path", "overwrite", "durability", "transaction", "size", "x"]),
    st.sampled_from(["", "0", "1", "a", "http://a.example", "relaxed", "..", "%00", "%ff", LONG]),
    max_size=3,
)
targets = st.one_of(
    st.sampled_from([operation.path for operation in OPERATIONS]),
    st.lists(segments, max_size=4).map("/".join),
)


@pytest.fixture(scope="module")
def filled(daemon):
    daemon.save("/v1/models/indexeddb/a", b"0123456789")
    return daemon


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]),
    target=targets,
    fill=st.tuples(st.sampled_from(["indexeddb", "localstorage", "http", ""]), segments),
    query=queries,
    header=headers,
    body=bodies,
)
def test_any_request_is_answered_and_none_fails_inside(filled, method, target, fill, query, header, body):
    path = target.replace("{medium}", fill[0]).replace("{path}", fill[1]).replace("{artifact}", "weights.bin")
    if not path.startswith("/"):
        path = f"/v1/models/{path}"
    if path in ("/v1/events", "/v1/restore"):
        return
    if query:
        path += "?" + "&".join(f"{name}={value}" for name, value in query.items())
    answer = filled.request(method, path, body if method in ("PUT", "POST", "PATCH") else None, header)
    assert answer.status < 500 or answer.status in DELIBERATE, (answer.status, answer.body)
    if answer.status >= 400 and method != "HEAD" and answer.status != 416:
        assert set(answer.error) >= {"name", "message"}
        assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["tfjsd-protocol"] == "1"
