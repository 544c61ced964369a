"""What the daemon says of itself, and what it says where there is nothing."""

import os
import re
from urllib.parse import unquote

import pytest

import tfjsd
from tfjsd.daemon.app import ROUTES
from tfjsd.daemon.openapi import OPERATIONS, document


def test_every_answer_names_version_protocol_and_home(daemon):
    answers = [daemon.get("/v1/status"), daemon.get("/nowhere"), daemon.get("/v1/models/indexeddb/none")]
    answers.append(daemon.request("POST", "/v1/local-storage", b"{"))
    for answer in answers:
        assert answer.headers["tfjsd-version"] == tfjsd.__version__
        assert answer.headers["tfjsd-protocol"] == "1"
        assert unquote(answer.headers["tfjsd-home"]) == str(daemon.home)
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_status_says_who_and_where(daemon):
    status = daemon.get("/v1/status").json
    assert status["pid"] == os.getpid()
    assert (status["home"], status["socket"]) == (str(daemon.home), str(daemon.socket))
    assert (status["version"], status["protocol"], status["browser"]) == (tfjsd.__version__, 1, "chrome")
    assert status["idle"] is True
    assert status["autostarted"] is False


def test_health_and_metrics(daemon):
    assert daemon.get("/healthz").json == {"status": "ok"}
    text = daemon.get("/metrics").body.decode()
    assert re.search(r'^tfjsd_answers_total\{route="GET /healthz",status="200"\} \d+$', text, re.MULTILINE)
    assert re.search(r"^tfjsd_connections 1$", text, re.MULTILINE)
    for line in text.splitlines():
        assert re.fullmatch(
            r'# HELP \w+ \S.*|# TYPE \w+ (gauge|counter)|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.]+', line
        ), line


def test_usage_of_an_origin(daemon):
    daemon.save("/v1/models/indexeddb/used?origin=http%3A%2F%2Fused.example", bytes(200_000))
    estimate = daemon.get("/v1/estimate?origin=http%3A%2F%2Fused.example").json
    assert 200_000 < estimate["usage"] < 210_000
    assert estimate["quota"] > estimate["usage"]
    assert daemon.get("/v1/origins").json["http://used.example"] == estimate
    assert daemon.get("/v1/estimate?origin=http%3A%2F%2Funused.example").json["usage"] == 0


@pytest.mark.parametrize("target", ["/v1", "/v2/models", "/v1/models/", "/v1/nothing", "/%00", "/v1/models/../status"])
def test_where_nothing_is_the_answer_is_an_error_in_json(daemon, target):
    answer = daemon.get(target)
    assert answer.status in (400, 404)
    assert answer.error["message"]


@pytest.mark.parametrize(
    "target", ["/v1/models", "/v1/origins", "/v1/estimate", "/v1/sync", "/openapi.json", "/healthz"]
)
def test_head_has_the_headers_of_get_and_no_body(daemon, target):
    whole, head = daemon.get(target), daemon.request("HEAD", target)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length"):
        assert head.headers[name] == whole.headers[name]


def test_one_malformed_operation_refuses_the_whole_batch(daemon):
    answer = daemon.local_storage({"op": "setItem", "key": "first", "value": "1"}, {"op": "setItem", "key": "second"})
    assert (answer.status, answer.error["name"]) == (400, "BadRequestError")
    assert daemon.local_storage({"op": "getItem", "key": "first"}).json == {"result": None}


def test_a_wrong_method_names_the_right_ones(daemon):
    answer = daemon.request("DELETE", "/v1/models")
    assert (answer.status, answer.headers["allow"]) == (405, "GET,HEAD")


def test_the_websocket_names_its_protocol_to_others(daemon):
    answer = daemon.get("/v1/indexeddb")
    assert (answer.status, answer.error["name"]) == (400, "BadRequestError")
    assert "tfjsd.indexeddb.1" in answer.error["message"]


def test_the_document_describes_exactly_the_routes():
    patterns = {(route.method, re.sub(r"\{(\w+):[^}]*(\{[^}]*\}[^}]*)*\}", r"{\1}", route.path)) for route in ROUTES}
    documented = {(operation.method, operation.path) for operation in OPERATIONS}
    assert documented == patterns


def test_the_document_is_served_and_refers_to_what_it_has(daemon):
    served = daemon.get("/openapi.json").json
    assert served == document()
    assert served["openapi"].startswith("3.1.")

    def references(node):
        if isinstance(node, dict):
            for key, value in node.items():
                yield from [value] if key == "$ref" else references(value)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    for reference in references(served):
        _, section, kind, name = reference.split("/")
        assert name in served[section][kind], reference
    for path, operations in served["paths"].items():
        for operation in operations.values():
            names = {parameter["$ref"].rpartition("/")[2] for parameter in operation["parameters"]}
            assert set(re.findall(r"\{(\w+)\}", path)) <= names, path


def test_a_failure_inside_tells_no_details(daemon, monkeypatch, caplog):
    from tfjsd.model_io.model_management import Models

    def broken(self, url):
        raise RuntimeError("secret")

    monkeypatch.setattr(Models, "info", broken)
    answer = daemon.get("/v1/models/indexeddb/x")
    assert (answer.status, answer.error["name"]) == (500, "InternalError")
    assert "secret" not in answer.body.decode()
    assert "secret" in caplog.text
