"""``/v1/models``: every verb, every error."""

import hashlib
import json
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from blake3 import blake3

BIG = os.urandom(1 << 20)
MODEL = "application/vnd.tfjsd.model"
MEDIA = ("localstorage", "indexeddb")


def put(daemon, target, body, kind=MODEL, **headers):
    return daemon.request("PUT", target, body, {"Content-Type": kind, **headers})


def expecting(info):
    return f"expected={quote(json.dumps(info))}"


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("size", [0, 1, 1000, 200_000, 1 << 20])
def test_a_saved_model_comes_back_byte_for_byte(daemon, medium, size):
    target, weights = f"/v1/models/{medium}/whole-{size}", BIG[:size]
    saved = daemon.save(target, weights, convertedBy=None, userDefinedMetadata={"a": "\ud800"})
    assert saved.status == 200, saved.body
    info = saved.json["modelArtifactsInfo"]
    assert (info["weightDataBytes"], info["modelTopologyType"]) == (size, "JSON")
    header, loaded = daemon.load(target)
    assert loaded == weights
    assert header["modelTopology"] == {"class_name": "Sequential"}
    assert header["convertedBy"] is None
    assert header["userDefinedMetadata"] == {"a": "\ud800"}
    assert header["modelArtifactsInfo"] == info == daemon.get(target).json
    assert daemon.get("/v1/models").json[f"{medium}://whole-{size}"] == info


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("path", ["a/b/c", "ü ✓", "%2F", "?#", "..", ".", "😀", "\ud800", "x" * 4096, "model.json"])
def test_any_path_is_a_name(daemon, medium, path):
    from tfjsd.wire.model_path import model_target

    url = f"{medium}://p-{path}" if path not in (".", "..") else f"{medium}://{path}"
    assert daemon.save(model_target(url), b"12").status == 200
    assert daemon.load(model_target(url))[1] == b"12"
    assert url in daemon.get("/v1/models").json
    assert daemon.get(model_target(url, artifact="weights.bin")).body == b"12"
    assert daemon.request("DELETE", model_target(url)).status == 200
    assert daemon.get(model_target(url)).status == 404


def test_topology_text_is_canonical_and_sizes_are_those_of_tfjs(daemon):
    topology = b'{ "b": 1.0, "1": 1e-7, "a": "\\u00e9" }'
    header = b'{"modelTopology":' + topology + b',"weightSpecs":[],"weightDataBytes":0}'
    assert put(daemon, "/v1/models/indexeddb/canonical", struct.pack("<I", len(header)) + header).status == 200
    body = daemon.get("/v1/models/indexeddb/canonical", Accept=MODEL).body
    assert '"modelTopology":{"1":1e-7,"b":1,"a":"é"}'.encode() in body
    assert daemon.get("/v1/models/indexeddb/canonical").json["modelTopologyBytes"] == len(
        '{"1":1e-7,"b":1,"a":"é"}'.encode()
    )


def test_copy_and_move_between_the_media(daemon):
    daemon.save("/v1/models/indexeddb/first", BIG[:300_000])
    copied = daemon.request("POST", "/v1/models/copy", {"source": "indexeddb://first", "dest": "localstorage://second"})
    assert copied.status == 200, copied.body
    moved = daemon.request("POST", "/v1/models/move", {"source": "localstorage://second", "dest": "indexeddb://third"})
    assert moved.json["weightDataBytes"] == 300_000
    assert daemon.get("/v1/models/localstorage/second").status == 404
    assert daemon.load("/v1/models/indexeddb/third")[1] == BIG[:300_000]
    assert daemon.load("/v1/models/indexeddb/first")[1] == BIG[:300_000]


def test_without_overwrite_an_existing_model_stays(daemon):
    daemon.save("/v1/models/indexeddb/kept", b"old")
    refused = daemon.save("/v1/models/indexeddb/kept?overwrite=0", b"new")
    assert (refused.status, refused.error["name"]) == (409, "ModelExistsError")
    assert daemon.load("/v1/models/indexeddb/kept")[1] == b"old"
    transfer = {"source": "indexeddb://kept", "dest": "indexeddb://kept2"}
    daemon.save("/v1/models/indexeddb/kept2", b"xyz")
    assert daemon.request("POST", "/v1/models/copy?overwrite=0", transfer).status == 409
    assert daemon.save("/v1/models/indexeddb/kept", b"new").status == 200
    assert daemon.load("/v1/models/indexeddb/kept")[1] == b"new"


@pytest.mark.parametrize("medium", MEDIA)
def test_a_save_that_expects_a_model_replaces_that_one_only(daemon, medium):
    target = f"/v1/models/{medium}/expected"
    first = daemon.save(target, b"1").json["modelArtifactsInfo"]
    second = daemon.save(f"{target}?{expecting(first)}", b"22")
    assert second.status == 200, second.body
    late = daemon.save(f"{target}?{expecting(first)}", b"333")
    assert (late.status, late.error["name"]) == (409, "ModelChangedError")
    assert daemon.load(target)[1] == b"22"
    assert daemon.request("DELETE", target).status == 200
    gone = daemon.save(f"{target}?{expecting(second.json['modelArtifactsInfo'])}", b"4444")
    assert (gone.status, gone.error["name"]) == (409, "ModelChangedError")
    assert gone.error["message"].endswith("was removed meanwhile; nothing was saved.")
    assert daemon.get(target).status == 404


def test_of_many_saves_that_expect_one_model_one_is_done(daemon):
    target = "/v1/models/indexeddb/contested"
    info = daemon.save(target, bytes(100)).json["modelArtifactsInfo"]
    with ThreadPoolExecutor(8) as threads:
        saves = [threads.submit(daemon.save, f"{target}?{expecting(info)}", bytes(size)) for size in range(101, 117)]
        answers = [save.result() for save in saves]
    done = [answer.json["modelArtifactsInfo"] for answer in answers if answer.status == 200]
    assert sorted(answer.status for answer in answers) == [200] + 15 * [409]
    assert daemon.get(target).json == done[0]


def test_a_model_that_is_not_there_is_404_with_the_text_of_tfjs(daemon):
    for answer in (
        daemon.get("/v1/models/indexeddb/none"),
        daemon.get("/v1/models/indexeddb/none", Accept=MODEL),
        daemon.get("/v1/models/indexeddb/none/model.json"),
        daemon.get("/v1/models/indexeddb/none/weights.bin"),
        daemon.request("DELETE", "/v1/models/indexeddb/none"),
    ):
        assert (answer.status, answer.error["name"]) == (404, "ModelNotFoundError")
        assert answer.error["message"] == "Cannot find model with path 'none' in IndexedDB."


def test_a_save_past_the_quota_is_507_and_the_old_model_stays(daemon):
    daemon.save("/v1/models/localstorage/quota", b"small")
    refused = daemon.save("/v1/models/localstorage/quota", bytes(4 << 20))
    assert refused.status == 507
    error = refused.error
    assert error["name"] == "QuotaExceededError"
    assert error["message"].startswith("Failed to save model 'quota' to local storage: size quota being exceeded")
    assert (error["code"], error["unit"], error["cause"]["name"]) == (22, "utf16", "QuotaExceededError")
    assert daemon.load("/v1/models/localstorage/quota")[1] == b"small"


def test_origins_are_apart(daemon):
    daemon.save("/v1/models/indexeddb/apart?origin=https%3A%2F%2Fa.example", b"a")
    assert daemon.get("/v1/models/indexeddb/apart").status == 404
    assert list(daemon.get("/v1/models?origin=https%3A%2F%2Fa.example").json) == ["indexeddb://apart"]
    assert "https://a.example" in daemon.get("/v1/origins").json
    assert daemon.get("/v1/models?origin=nonsense").status == 400


def test_model_json_and_weights_are_what_tfjs_loads(daemon):
    daemon.save("/v1/models/indexeddb/served", BIG, signature={"s": 1})
    served = daemon.get("/v1/models/indexeddb/served/model.json")
    assert served.headers["content-type"].startswith("application/json")
    assert list(served.json) == ["modelTopology", "format", "weightsManifest", "signature"]
    (group,) = served.json["weightsManifest"]
    assert group["paths"] == [f"weights.{blake3(BIG).hexdigest()}.bin"]
    assert daemon.get(f"/v1/models/indexeddb/served/{group['paths'][0]}").body == BIG
    assert group["weights"] == [{"name": "w", "shape": [1 << 20], "dtype": "bool"}]
    whole = daemon.get("/v1/models/indexeddb/served/weights.bin")
    assert whole.body == BIG
    for artifact, answer in (("weights.bin", whole), ("model.json", served)):
        known = daemon.get(f"/v1/models/indexeddb/served/{artifact}", If_None_Match=answer.headers["etag"])
        assert known.status == 304
        assert known.headers["cache-control"] == answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("size", [0, 1000, 1 << 20])
@pytest.mark.parametrize("then", ["replaced", "removed"])
def test_weights_that_a_model_json_has_named_are_those_of_that_moment(daemon, medium, size, then):
    target = f"/v1/models/{medium}/moment-{size}-{then}"
    daemon.save(target, BIG[:size])
    (group,) = daemon.get(f"{target}/model.json").json["weightsManifest"]
    (name,) = group["paths"]
    if then == "replaced":
        daemon.save(target, bytes(size + 1))
    else:
        daemon.request("DELETE", target)
    weights = daemon.get(f"{target}/{name}")
    assert (weights.status, weights.body) == (200, BIG[:size])
    if size:
        part = daemon.get(f"{target}/{name}", Range="bytes=-3")
        assert (part.status, part.body) == (206, BIG[size - 3 : size])
    now = daemon.get(f"{target}/weights.bin")
    assert (now.status, now.body) == (200, bytes(size + 1)) if then == "replaced" else now.status == 404


def damage(path):
    """Flips a bit in the middle of a file."""
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def named_weights(daemon, target):
    (group,) = daemon.get(f"{target}/model.json").json["weightsManifest"]
    return f"{target}/{group['paths'][0]}"


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("spoil", [damage, Path.unlink])
def test_a_damaged_newer_model_does_not_hide_the_weights_that_were_named(daemons, medium, spoil):
    daemon, target = daemons.in_process(), f"/v1/models/{medium}/m"
    daemon.save(target, BIG[:200_000])
    named = named_weights(daemon, target)
    before = set(daemon.home.rglob("blobs/**/*"))
    daemon.save(target, BIG[-200_000:])
    (newer,) = [path for path in set(daemon.home.rglob("blobs/**/*")) - before if path.is_file()]
    spoil(newer)
    assert daemon.get(f"{target}/weights.bin").error["name"] == "CorruptionError"
    weights = daemon.get(named)
    assert (weights.status, weights.body) == (200, BIG[:200_000])


def test_named_weights_that_are_damaged_are_not_sent(daemon):
    target = "/v1/models/indexeddb/named-damaged"
    daemon.save(target, BIG[:300_000])
    named = named_weights(daemon, target)
    mapped = daemon.get(target, Accept="application/vnd.tfjsd.mapped")
    damage(Path(mapped.json["blob"]["path"]))
    assert (daemon.get(named).status, daemon.get(named).error["name"]) == (503, "CorruptionError")
    assert daemon.request("DELETE", target).status == 200


def test_newer_weights_are_not_read_to_say_that_the_named_ones_are_gone(daemon, monkeypatch):
    target = "/v1/models/indexeddb/named-gone"
    daemon.save(target, BIG[:400_000])
    blobs = daemon.server._service.origins.get("http://localhost").bucket.blobs
    monkeypatch.setattr(blobs, "verify", lambda blob: pytest.fail("was read"))
    assert daemon.get(f"{target}/weights.{64 * '0'}.bin").status == 409


def test_weights_that_nobody_has_named_are_gone_without_a_body(daemon):
    daemon.save("/v1/models/indexeddb/never", b"old")
    daemon.save("/v1/models/indexeddb/other", b"other")
    daemon.get("/v1/models/indexeddb/other/model.json")
    daemon.save("/v1/models/indexeddb/never", b"new")
    for digest in (blake3(b"old").hexdigest(), blake3(b"other").hexdigest(), 64 * "0"):
        gone = daemon.get(f"/v1/models/indexeddb/never/weights.{digest}.bin")
        assert (gone.status, gone.body) == (409, b"")
    assert daemon.get("/v1/models/indexeddb/none/weights.bin").status == 404
    assert daemon.get(f"/v1/models/indexeddb/never/weights.{63 * '0'}.bin").status == 400


def test_a_model_json_whose_weights_are_lost_says_so(daemon):
    daemon.save("/v1/models/indexeddb/lost", BIG[::-1])
    mapped = daemon.get("/v1/models/indexeddb/lost", Accept="application/vnd.tfjsd.mapped")
    Path(mapped.json["blob"]["path"]).unlink()
    for artifact in ("model.json", "weights.bin"):
        lost = daemon.get(f"/v1/models/indexeddb/lost/{artifact}")
        assert (lost.status, lost.error["name"]) == (503, "CorruptionError")
    assert daemon.request("DELETE", "/v1/models/indexeddb/lost").status == 200


def test_of_a_hundred_model_jsons_the_last_weights_are_kept(daemon):
    named = {}
    for number in range(100):
        target = f"/v1/models/indexeddb/many-{number}"
        daemon.save(target, bytes([number]))
        (group,) = daemon.get(f"{target}/model.json").json["weightsManifest"]
        named[number] = f"{target}/{group['paths'][0]}"
        daemon.request("DELETE", target)
    kept = [number for number, target in named.items() if daemon.get(target).status == 200]
    assert kept == list(range(36, 100))


@pytest.mark.parametrize("size", [1000, 1 << 20])
@pytest.mark.parametrize(
    ("range_", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=990-", 990, None),
        ("bytes=-10", -10, None),
        ("bytes=900-99999999", 900, None),
        (f"bytes=900-{(1 << 64) - 1}", 900, None),
    ],
)
def test_a_range_of_the_weights(daemon, size, range_, start, stop):
    target = f"/v1/models/indexeddb/ranged-{size}"
    daemon.save(target, BIG[:size])
    answer = daemon.get(f"{target}/weights.bin", Range=range_)
    expected = BIG[:size][start:stop]
    assert (answer.status, answer.body) == (206, expected)
    first = start % size
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(expected) - 1}/{size}"


def test_a_range_that_is_not_there_or_outdated(daemon):
    daemon.save("/v1/models/indexeddb/ranged", b"0123456789")
    target = "/v1/models/indexeddb/ranged/weights.bin"
    outside = daemon.get(target, Range="bytes=10-")
    assert (outside.status, outside.headers["content-range"]) == (416, "bytes */10")
    assert outside.error["message"] == "There is no such range: 10 bytes are there."
    for range_ in ("bytes=2-3", "bytes=10-"):  # RFC 9110 knows them for GET only
        head = daemon.request("HEAD", target, headers={"Range": range_})
        assert (head.status, head.headers["content-length"]) == (200, "10")
    assert daemon.get(target, Range="bytes=2-3", If_Range='"other"').body == b"0123456789"
    assert daemon.get(target, Range="bytes=2-3", If_Range=daemon.get(target).headers["etag"]).body == b"23"
    for no_range in ("lines=1-2", f"bytes={'9' * 5000}-", f"bytes=-{'9' * 5000}", "bytes=٣-"):
        whole = daemon.get(target, Range=no_range.encode().decode("latin-1"))
        assert (whole.status, whole.body) == (200, b"0123456789")


@pytest.mark.parametrize("suffix", ["", "/model.json", "/weights.bin"])
def test_head_has_the_headers_and_no_body(daemon, suffix):
    daemon.save("/v1/models/indexeddb/headed", BIG)
    head = daemon.request("HEAD", f"/v1/models/indexeddb/headed{suffix}")
    got = daemon.get(f"/v1/models/indexeddb/headed{suffix}")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"] == str(len(got.body))


def test_the_daemons_own_user_is_told_where_the_blob_lies(daemon):
    daemon.save("/v1/models/indexeddb/mapped", BIG)
    answer = daemon.get("/v1/models/indexeddb/mapped", Accept="application/vnd.tfjsd.mapped")
    assert answer.headers["content-type"] == "application/vnd.tfjsd.mapped"
    blob = answer.json["blob"]
    status = os.stat(blob["path"])
    assert (status.st_dev, status.st_ino, status.st_size) == (blob["device"], blob["inode"], blob["size"])
    assert status.st_mode & 0o777 == 0o400
    assert Path(blob["path"]).read_bytes() == BIG
    assert answer.json["weightDataBytes"] == len(BIG)


def test_small_weights_are_not_mapped_but_sent(daemon):
    daemon.save("/v1/models/indexeddb/inline", b"abc")
    answer = daemon.get("/v1/models/indexeddb/inline", Accept="application/vnd.tfjsd.mapped")
    assert answer.headers["content-type"] == MODEL
    assert answer.model[1] == b"abc"


def form(*parts):
    boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
    body = b""
    for name, kind, content in parts:
        disposition = f'Content-Disposition: form-data; name="{name}"; filename="{name}"'
        body += f"--{boundary}\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def model_json(size):
    weights = [{"name": "w", "shape": [size], "dtype": "bool"}]
    manifest = [{"paths": ["./model.weights.bin"], "weights": weights}]
    return json.dumps({"modelTopology": {"a": 1}, "format": "layers-model", "weightsManifest": manifest}).encode()


@pytest.mark.parametrize("size", [3, 1 << 20])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_the_form_of_tfjs_is_saved(daemon, size, method):
    parts = [("model.json", "application/json", model_json(size))]
    parts.append(("model.weights.bin", "application/octet-stream", BIG[:size]))
    body, kind = form(*parts)
    target = f"/v1/models/indexeddb/form-{size}-{method}"
    answer = daemon.request(method, target, body, {"Content-Type": kind})
    assert answer.status == 200, answer.body
    assert list(answer.json) == ["modelArtifactsInfo"]
    header, weights = daemon.load(target)
    assert hashlib.sha256(weights).digest() == hashlib.sha256(BIG[:size]).digest()
    assert (header["modelTopology"], header["format"]) == ({"a": 1}, "layers-model")


def test_a_form_without_weights_is_a_model_without_weights(daemon):
    body, kind = form(("model.json", "application/json", b'{"modelTopology":{"a":1}}'))
    assert put(daemon, "/v1/models/indexeddb/topology-only", body, kind).status == 200
    assert daemon.get("/v1/models/indexeddb/topology-only").json["weightDataBytes"] == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-40],
        lambda body: body.replace(b'name="model.json"', b'name="model.jsno"'),
        lambda body: body.replace(b'name="model.weights.bin"', b'name="model.json"'),
        lambda body: body.replace(b'{"modelTopology', b"{modelTopology"),
        lambda body: b"",
    ],
)
def test_a_spoilt_form_changes_nothing(daemon, spoil):
    before = daemon.get("/v1/models").json
    body, kind = form(("model.json", "application/json", model_json(3)), ("model.weights.bin", "x/y", b"abc"))
    assert put(daemon, "/v1/models/indexeddb/spoilt", spoil(body), kind).status == 400
    assert daemon.get("/v1/models").json == before


def test_bytes_that_contradict_the_specs_change_nothing(daemon):
    specs = [{"name": "w", "shape": [3], "dtype": "float32"}]
    before = daemon.get("/v1/models").json
    assert daemon.save("/v1/models/indexeddb/lie", b"1234", weightSpecs=specs).status == 400
    body, kind = form(("model.json", "application/json", model_json(4)), ("model.weights.bin", "x/y", b"abc"))
    assert put(daemon, "/v1/models/indexeddb/lie", body, kind).status == 400
    assert daemon.get("/v1/models").json == before


@pytest.mark.parametrize(
    "fields",
    [
        {"weightSpecs": [{"name": "w", "shape": [-3], "dtype": "bool"}]},
        {"weightSpecs": [{"name": "w", "shape": [1 << 62, 1 << 62], "dtype": "bool"}]},
        {"weightSpecs": [{"name": "w", "shape": [3], "dtype": "int64"}]},
        {"weightSpecs": {"w": 3}},
        {"unknownField": 1},
        {"weightDataBytes": 4},
        {"weightDataBytes": 2},
        {"weightDataBytes": "3"},
    ],
)
def test_artifacts_that_lie_are_refused_and_nothing_changes(daemon, fields):
    before = daemon.get("/v1/models").json
    answer = daemon.save("/v1/models/indexeddb/lies", b"abc", **fields)
    assert answer.status == 400, answer.body
    assert daemon.get("/v1/models").json == before


def raw_header(text):
    return struct.pack("<I", len(text)) + text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x01",
        struct.pack("<I", 100) + b"{}",
        raw_header(b"{"),
        raw_header(b'{"modelTopology": NaN, "weightDataBytes": 0}'),
        raw_header(b'{"modelTopology": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        raw_header(b'{"modelTopology": {"a": "\xff"}}'),
        raw_header(b'{"modelTopology": {}, "modelTopology": {}}'),
    ],
)
def test_a_malformed_body_is_400_and_nothing_changes(daemon, body):
    before = daemon.get("/v1/models").json
    assert put(daemon, "/v1/models/indexeddb/malformed", body).status == 400
    assert daemon.get("/v1/models").json == before


def test_what_is_too_large_is_413(daemon):
    assert put(daemon, "/v1/models/indexeddb/huge", struct.pack("<I", (64 << 20) + 1) + b"{}").status == 413
    header = b'{"modelTopology":{},"weightDataBytes":%d}' % ((8 << 30) + 1)
    assert put(daemon, "/v1/models/indexeddb/huge", raw_header(header)).status == 413


@pytest.mark.parametrize("kind", ["application/json", "application/octet-stream", "text/plain"])
def test_another_content_type_is_refused_with_the_two_that_are_not(daemon, kind):
    answer = put(daemon, "/v1/models/indexeddb/kind", b"{}", kind)
    assert answer.status == 400
    assert "multipart/form-data" in answer.error["message"]


def test_compressed_bodies_are_refused(daemon):
    answer = put(daemon, "/v1/models/indexeddb/gz", b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert answer.status == 400


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/v1/models/indexeddb/a/weights.bin"),
        ("GET", "/v1/models/indexeddb/a/b/c"),
        ("GET", "/v1/models/indexeddb/%ff"),
        ("GET", "/v1/models/http/x"),
        ("GET", "/v1/models/file/x"),
        ("GET", "/v1/models/indexeddb/"),
        ("DELETE", "/v1/models/indexeddb/a/model.json"),
        ("GET", "/v1/models?origin=a&origin=b"),
        ("PUT", "/v1/models/indexeddb/a?overwrite=yes"),
        ("PUT", "/v1/models/indexeddb/a?durability=lax"),
        ("PUT", "/v1/models/indexeddb/a?expected=1"),
    ],
)
def test_a_target_that_names_no_model_is_an_error_of_the_client(daemon, method, target):
    assert 400 <= daemon.request(method, target, b"", {"Content-Type": MODEL}).status < 500


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": "a"},
        {"source": "indexeddb://x", "dest": "indexeddb://x"},
        {"source": "indexeddb://x", "dest": "nowhere"},
        {"source": "indexeddb://x", "dest": "http://a/b"},
        {"source": "file:///etc/passwd", "dest": "indexeddb://x"},
        [],
    ],
)
def test_a_malformed_transfer_is_refused(daemon, body):
    assert daemon.request("POST", "/v1/models/copy", body).status == 400
    assert daemon.request("POST", "/v1/models/move", body).status == 400
