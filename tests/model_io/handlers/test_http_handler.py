"""``http(s)://``: tfjs's requests, texts and URL arithmetic (restates tfjs-core's http_test), but its blind spots."""

from __future__ import annotations

import json
import socket
import struct
import threading
from datetime import UTC, datetime

import pytest

from tfjsd.errors import HTTPStatusError, InvalidArtifactsError, TooLargeError, UnsupportedURLError
from tfjsd.model_io.http import http_request, http_router, parse_url
from tfjsd.model_io.types import ModelArtifacts

KERNEL = {"name": "dense/kernel", "shape": [3, 1], "dtype": "float32"}
BIAS = {"name": "dense/bias", "shape": [2], "dtype": "float32"}
TOPOLOGY = {"class_name": "Sequential"}
FLOATS = struct.pack("<5f", 1, 3, 3, 7, 4)


def raw(model: ModelArtifacts) -> bytes:
    """All weight bytes."""
    data = model.joined_weight_data()
    assert data is not None
    return bytes(data)


def publish(server, path: str, groups: list[dict] | None, files: dict[str, bytes], **fields) -> str:
    """Serves a model.json and its weights; returns the URL of the model.json."""
    document = {"modelTopology": TOPOLOGY, **fields}
    if groups is not None:
        document["weightsManifest"] = groups
    for name, data in files.items():
        server.serve(path.rpartition("/")[0] + "/" + name, data)
    return server.serve(path, json.dumps(document))


def group(paths: list[str], *specs: dict) -> dict:
    return {"paths": paths, "weights": list(specs)}


# -- Construction and routing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["", None])
def test_an_empty_url_is_refused(url):
    with pytest.raises(InvalidArtifactsError) as caught:
        http_request(url)
    assert str(caught.value) == "URL path for http must not be null, undefined or empty."


@pytest.mark.parametrize("urls", [["http://a"], ["http://a", "http://b", "http://c"]])
def test_a_list_has_two_urls(urls: list[str]):
    with pytest.raises(InvalidArtifactsError) as caught:
        http_request(urls)  # type: ignore[arg-type]
    assert str(caught.value) == f"URL paths for http must have a length of 2, (actual length is {len(urls)})."


def test_a_relative_url_is_refused():
    with pytest.raises(UnsupportedURLError):
        http_request("./model.json")


def test_the_router():
    assert http_router("http://bar/foo", {}) is not None
    assert http_router("https://localhost:5000/upload", {}) is not None
    assert http_router("localhost://foo", {}) is None
    assert http_router("foo:5000/bar", {}) is None
    assert http_router(["http://a", "http://b"], {}) is None


@pytest.mark.parametrize(
    ("url", "prefix", "suffix"),
    [
        ("http://google.com/file", "http://google.com/", ""),
        ("http://google.com/file?param=1", "http://google.com/", "?param=1"),
        ("http://google.com/a?x=1/file?param=1", "http://google.com/a?x=1/", "?param=1"),
        ("http://o/m/model.json?x=a/b", "http://o/m/model.json?x=a/", ""),
        ("http://o/m/model.json?a?b", "http://o/m/", "?b"),
        ("model.json", "/", ""),
        ("http://o", "http://", ""),
        ("http://o/m/", "http://o/m/", ""),
    ],
)
def test_url_arithmetic(url: str, prefix: str, suffix: str):
    assert parse_url(url) == (prefix, suffix)


# -- Save --------------------------------------------------------------------------------------------------------------


def test_a_save_posts_topology_and_weights(web_server, artifacts: ModelArtifacts):
    start = datetime.now(UTC).replace(microsecond=0)
    result = http_request(web_server.serve("/upload", "thanks", 201)).save(artifacts)
    (request,) = web_server.received
    assert (request.method, request.path) == ("POST", "/upload")
    received = ModelArtifacts.from_multipart(request.headers["content-type"], request.body)
    assert received == artifacts
    info = result.model_artifacts_info
    assert info.date_saved is not None
    assert info.date_saved >= start
    assert info.model_topology_bytes == len(json.dumps(artifacts.model_topology, separators=(",", ":")))
    assert info.weight_specs_bytes == len(json.dumps(artifacts.weight_specs, separators=(",", ":")))
    assert info.weight_data_bytes == 16
    (response,) = result.responses
    assert (response.status, bytes(response.body)) == (201, b"thanks")


def test_the_parts_are_named_as_tfjs_names_them(web_server, artifacts: ModelArtifacts):
    http_request(web_server.serve("/upload")).save(artifacts)
    body = web_server.received[0].body
    assert b'name="model.json"; filename="model.json"\r\nContent-Type: application/json\r\n' in body
    assert (
        b'name="model.weights.bin"; filename="model.weights.bin"\r\nContent-Type: application/octet-stream\r\n' in body
    )
    assert b'"paths":["./model.weights.bin"]' in body


def test_a_topology_alone_has_no_weights_part(web_server, bare: ModelArtifacts):
    result = http_request(web_server.serve("/upload")).save(bare)
    assert b"octet-stream" not in web_server.received[0].body
    assert result.model_artifacts_info.weight_data_bytes == 0
    assert result.model_artifacts_info.weight_specs_bytes == 0


def test_method_headers_and_auth_are_the_callers(web_server, artifacts: ModelArtifacts):
    url = web_server.serve("/upload")
    http_request(url, method="PUT", headers={"header_key_1": "header_value_1"}, auth=("u", "p")).save(artifacts)
    (request,) = web_server.received
    assert request.method == "PUT"
    assert request.headers["header_key_1"] == "header_value_1"
    assert request.headers["authorization"] == "Basic dTpw"


@pytest.mark.parametrize("status", [302, 400, 404, 413, 500])
def test_a_refused_save_is_an_error_with_its_status(web_server, artifacts: ModelArtifacts, status: int):
    with pytest.raises(HTTPStatusError) as caught:
        http_request(web_server.serve("/upload", b"", status, Location="/elsewhere")).save(artifacts)
    assert str(caught.value) == f"BrowserHTTPRequest.save() failed due to HTTP response status {status}."
    assert caught.value.status == status


@pytest.mark.parametrize("changes", [{"model_topology": b"\0"}, {"weight_data": bytes(15)}])
def test_what_cannot_be_saved_is_not_sent(web_server, artifacts: ModelArtifacts, changes):
    with pytest.raises(InvalidArtifactsError):
        http_request(web_server.serve("/upload")).save(artifacts.replace(**changes))
    assert web_server.received == []


def test_progress_of_a_save_ends_at_the_size_of_the_body(web_server, artifacts: ModelArtifacts):
    big = artifacts.replace(
        weight_specs=[{"name": "w", "shape": [3 << 20], "dtype": "uint8"}], weight_data=[bytes(1 << 20), bytes(2 << 20)]
    )
    steps: list[tuple[int, int | None]] = []
    url = web_server.serve("/upload")
    http_request(url, on_progress=lambda done, total: steps.append((done, total))).save(big)
    size = len(web_server.received[0].body)
    assert steps[-1] == (size, size)
    assert [done for done, _ in steps] == sorted({done for done, _ in steps})
    assert len(steps) >= 3


# -- Load --------------------------------------------------------------------------------------------------------------


def test_one_group_one_file(web_server):
    fields = {"format": "tfjs-graph-model", "generatedBy": "1.15", "convertedBy": "1.3.1", "userDefinedMetadata": {}}
    url = publish(
        web_server,
        "/m/model.json",
        [group(["weightfile0"], KERNEL, BIAS)],
        {"weightfile0": FLOATS},
        signature=None,
        **fields,
    )
    loaded = http_request(url).load()
    assert loaded.model_topology == TOPOLOGY
    assert loaded.weight_specs == [KERNEL, BIAS]
    assert (loaded.format, loaded.generated_by, loaded.converted_by) == ("tfjs-graph-model", "1.15", "1.3.1")
    assert loaded.user_defined_metadata == {}
    assert raw(loaded) == FLOATS
    assert web_server.paths == ["/m/model.json", "/m/weightfile0"]


def test_headers_go_with_every_request(web_server):
    url = publish(web_server, "/m/model.json", [group(["w"], KERNEL, BIAS)], {"w": FLOATS})
    http_request(url, headers={"header_key_1": "header_value_1"}, auth="token").load()
    assert [request.headers["header_key_1"] for request in web_server.received] == ["header_value_1"] * 2
    assert [request.headers["authorization"] for request in web_server.received] == ["Bearer token"] * 2


@pytest.mark.parametrize(
    "groups",
    [[group(["a", "b"], KERNEL, BIAS)], [group(["a"], KERNEL), group(["b"], BIAS)]],
    ids=["one group", "two groups"],
)
def test_several_files_stay_in_the_manifests_order(web_server, groups):
    url = publish(web_server, "/m/model.json", groups, {"a": FLOATS[:12], "b": FLOATS[12:]})
    loaded = http_request(url).load()
    assert loaded.weight_specs == [KERNEL, BIAS]
    assert [bytes(part) for part in loaded.weight_pieces.parts] == [FLOATS[:12], FLOATS[12:]]
    assert bytes(loaded.weight_data) == FLOATS


def test_int32_and_bool(web_server):
    specs = [{"name": "foo", "shape": [3, 1], "dtype": "int32"}, {"name": "bar", "shape": [2], "dtype": "bool"}]
    data = {"a": struct.pack("<3i", 1, 3, 3), "b": bytes([7, 4])}
    url = publish(web_server, "/p/model.json", [group(["a"], specs[0]), group(["b"], specs[1])], data)
    assert http_request(url).load().weights()["foo"].tolist() == [[1], [3], [3]]


def test_many_files_arrive_in_order_whatever_the_order_of_the_answers(web_server):
    names = [f"group1-shard{number}of40.bin" for number in range(1, 41)]
    files = {name: bytes([index]) * 1000 for index, name in enumerate(names)}
    specs = {"name": "w", "shape": [40_000], "dtype": "uint8"}
    url = publish(web_server, "/m/model.json", [group(names, specs)], files)
    assert raw(http_request(url).load()) == b"".join(files.values())


def test_topology_only(web_server):
    loaded = http_request(publish(web_server, "/model.json", None, {})).load()
    assert loaded.model_topology == TOPOLOGY
    assert loaded.weight_specs is None
    assert loaded.weight_data is None


def test_weights_only(web_server):
    web_server.serve("/m/w", FLOATS)
    url = web_server.serve("/m/model.json", json.dumps({"weightsManifest": [group(["w"], KERNEL, BIAS)]}))
    loaded = http_request(url).load()
    assert loaded.model_topology is None
    assert loaded.weight_specs == [KERNEL, BIAS]


@pytest.mark.parametrize("text", ["{}", '{"modelTopology": null, "weightsManifest": null}'])
def test_neither_topology_nor_manifest(web_server, text: str):
    url = web_server.serve("/m/model.json", text)
    with pytest.raises(InvalidArtifactsError) as caught:
        http_request(url).load()
    assert (
        str(caught.value) == f"The JSON from HTTP path {url} contains neither model topology or manifest for weights."
    )


@pytest.mark.parametrize("status", [304, 404, 500])
def test_a_missing_model_json(web_server, status: int):
    url = web_server.serve("/m/model.json", "{}", status)
    with pytest.raises(HTTPStatusError) as caught:
        http_request(url).load()
    assert str(caught.value) == (
        f"Request to {url} failed with status code {status}. Please verify this URL points to the model JSON of the "
        "model to load."
    )
    assert caught.value.status == status


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b"[]", b'"text"', b"\xff{}", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_json_object(web_server, body: bytes):
    url = web_server.serve("/m/model.json", body)
    with pytest.raises(InvalidArtifactsError) as caught:
        http_request(url).load()
    assert str(caught.value) == (
        f"Failed to parse model JSON of response from {url}. Please make sure the server is serving valid JSON for "
        "this request."
    )
    assert caught.value.hint


def test_a_pb_path_gets_the_long_advice(web_server):
    url = web_server.serve("/m/web_model.pb", b"\x08\x01")
    with pytest.raises(InvalidArtifactsError) as caught:
        http_request(url).load()
    assert str(caught.value) == (
        f"Failed to parse model JSON of response from {url}. Your path contains a .pb file extension. Support for .pb "
        "models have been removed in TensorFlow.js 1.0 in favor of .json models. You can re-convert your Python "
        "TensorFlow model using the TensorFlow.js 1.0 conversion scripts or you can convert your.pb models with the "
        "'pb2json'NPM script in the tensorflow/tfjs-converter repository."
    )


def test_a_byte_order_mark_is_dropped(web_server):
    assert http_request(web_server.serve("/m.json", b'\xef\xbb\xbf{"modelTopology": {}}')).load().model_topology == {}


def test_the_query_of_the_model_goes_with_its_weights(web_server):
    web_server.serve("/m/w?key=1", FLOATS)
    url = publish(web_server, "/m/model.json?key=1", [group(["w"], KERNEL, BIAS)], {})
    http_request(url).load()
    assert web_server.paths == ["/m/model.json?key=1", "/m/w?key=1"]


def test_names_are_encoded_and_dots_resolved_as_fetch_does(web_server):
    web_server.serve("/m/my%20w%C3%BC.bin", FLOATS)
    http_request(publish(web_server, "/m/model.json", [group(["./my wü.bin"], KERNEL, BIAS)], {})).load()
    assert web_server.paths[1] == "/m/my%20w%C3%BC.bin"


def test_weight_path_prefix_gets_no_slash(web_server):
    web_server.serve("/alta", FLOATS)
    url = publish(web_server, "/m/model.json?q", [group(["a"], KERNEL, BIAS)], {})
    web_server.serve("/alta?q", FLOATS)
    http_request(url, weight_path_prefix=web_server.url + "/alt").load()
    assert web_server.paths == ["/m/model.json?q", "/alta?q"]


def test_weight_url_converter_gives_the_whole_url(web_server):
    web_server.serve("/auth_w", FLOATS)
    url = publish(web_server, "/m/model.json?q", [group(["w"], KERNEL, BIAS)], {})
    http_request(url, weight_url_converter=lambda path: f"{web_server.url}/auth_{path}").load()
    assert web_server.paths == ["/m/model.json?q", "/auth_w"]


def test_credentials_do_not_go_to_weights_of_another_origin(make_web_server):
    models, weights = make_web_server(), make_web_server()
    weights.serve("/w", FLOATS)
    url = publish(models, "/m/model.json", [group(["w"], KERNEL, BIAS)], {})
    http_request(url, auth="token", weight_path_prefix=weights.url + "/").load()
    assert "authorization" in models.received[0].headers
    assert "authorization" not in weights.received[0].headers


def test_a_manifest_cannot_lead_a_bare_host_elsewhere_with_credentials(make_web_server):
    """The prefix of ``http://host`` is ``http://``: the manifest then names the host."""
    models, evil = make_web_server(), make_web_server()
    evil.serve("/w", FLOATS)
    name = evil.url.removeprefix("http://") + "/w"
    publish(models, "/", [group([name], KERNEL, BIAS)], {})
    http_request(models.url, auth="token").load()
    assert "authorization" not in evil.received[0].headers


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_a_weight_response_other_than_2xx_or_empty_is_an_error(web_server, status: int):
    url = publish(web_server, "/m/model.json", [group(["w"], KERNEL, BIAS)], {})
    web_server.serve("/m/w", FLOATS if status != 204 else b"", status)
    with pytest.raises((HTTPStatusError, InvalidArtifactsError)) as caught:
        http_request(url).load()
    if isinstance(caught.value, HTTPStatusError):
        assert str(caught.value) == (
            f"Request to {web_server.url}/m/w failed with status code {status}. Please verify this URL points to "
            "weights of the model to load."
        )


def test_a_404_page_is_not_taken_for_weights(web_server):
    page = b"<!DOCTYPE html>x....".ljust(20)
    url = publish(web_server, "/m/model.json", [group(["w"], KERNEL, BIAS)], {})
    web_server.serve("/m/w", page, 404)
    with pytest.raises(HTTPStatusError, match="404"):
        http_request(url).load()


@pytest.mark.parametrize("size", [0, 19, 21, 100_000])
def test_weights_of_another_size_than_the_specs(web_server, size: int):
    url = publish(web_server, "/m/model.json", [group(["w"], KERNEL, BIAS)], {"w": bytes(size)})
    with pytest.raises(InvalidArtifactsError, match=f"weightSpecs describe 20 bytes, but the weights have {size}"):
        http_request(url).load()


def test_a_start_page_in_place_of_weights_is_named(web_server):
    page = b"\n<!DOCTYPE html><title>My app</title>"
    url = publish(web_server, "/m/model.json", [group(["w"], KERNEL, BIAS)], {"w": page})
    with pytest.raises(InvalidArtifactsError) as caught:
        http_request(url).load()
    assert caught.value.hint == f"{web_server.url}/m/w is a web page, not weights."


def test_far_too_many_bytes_are_not_received(web_server):
    url = publish(web_server, "/m/model.json", [group(["w"], KERNEL, BIAS)], {"w": bytes(2 << 20)})
    with pytest.raises(TooLargeError):
        http_request(url).load()


@pytest.mark.parametrize("shape", [[1 << 40], [-3], [1 << 30, 1 << 30, 1 << 30]])
def test_an_impossible_manifest_is_refused_before_a_weight_is_requested(web_server, shape):
    specs = {"name": "w", "shape": shape, "dtype": "float32"}
    url = publish(web_server, "/m/model.json", [group(["w"], specs)], {"w": FLOATS})
    with pytest.raises((InvalidArtifactsError, TooLargeError)):
        http_request(url).load()
    assert web_server.paths == ["/m/model.json"]


def test_string_weights_are_loaded(web_server):
    data = b"".join(struct.pack("<I", len(text)) + text for text in (b"ab", b"", b"\xc3\xbc"))
    specs = {"name": "s", "shape": [3], "dtype": "string"}
    url = publish(web_server, "/m/model.json", [group(["w"], specs)], {"w": data})
    steps: list[tuple[int, int | None]] = []
    loaded = http_request(url, on_progress=lambda done, total: steps.append((done, total))).load()
    assert raw(loaded) == data
    assert steps == [(len(data), None)]


def test_a_model_of_no_weights_is_loaded(web_server):
    steps: list[tuple[int, int | None]] = []
    url = publish(web_server, "/m/model.json", [group([])], {})
    loaded = http_request(url, on_progress=lambda done, total: steps.append((done, total))).load()
    assert loaded.weight_specs == []
    assert not loaded.weight_data_bytes
    assert steps == []


def test_progress_counts_bytes_up_to_the_total(web_server):
    files = {str(index): bytes(300_000) for index in range(5)}
    specs = {"name": "w", "shape": [1_500_000], "dtype": "uint8"}
    url = publish(web_server, "/m/model.json", [group(list(files), specs)], files)
    steps: list[tuple[int, int | None]] = []
    http_request(url, on_progress=lambda done, total: steps.append((done, total))).load()
    assert steps[-1] == (1_500_000, 1_500_000)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_an_exception_of_on_progress_ends_the_load(web_server):
    def stop(done: int, total: int | None) -> None:
        raise KeyError("enough")

    url = publish(web_server, "/m/model.json", [group(["a", "b"], KERNEL, BIAS)], {"a": FLOATS[:12], "b": FLOATS[12:]})
    with pytest.raises(KeyError, match="enough"):
        http_request(url, on_progress=stop).load()


def test_a_failure_breaks_the_other_transfers_off(web_server):
    """One file is missing while the server of another never finishes its answer."""
    arrived = threading.Event()

    def stall(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nabc")
            arrived.set()
            connection.recv(1)  # until the client gives up

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=stall, args=(listener,))
        thread.start()
        slow = f"http://127.0.0.1:{listener.getsockname()[1]}/a"

        def missing(request):
            arrived.wait(10)
            return type(web_server.answers["/m/model.json"])(404)

        url = publish(web_server, "/m/model.json", [group(["a", "b"], KERNEL, BIAS)], {})
        web_server.answers["/b"] = missing
        urls = {"a": slow, "b": web_server.url + "/b"}
        with pytest.raises(HTTPStatusError, match="404"):
            http_request(url, weight_url_converter=urls.__getitem__).load()
        thread.join(10)
        assert not thread.is_alive()
