"""The documents say what there is, all of it and nothing else."""

import re
from pathlib import Path

from tfjsd.daemon.openapi import OPERATIONS
from tfjsd.wire.configuration_keys import KEYS
from tfjsd.wire.limits import DEFAULT_LIMITS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_http_reference_has_exactly_the_routes():
    headings = [line for line in (DOCS / "http.md").read_text().splitlines() if line.startswith("### `")]
    documented = {tuple(item.split(" ")) for line in headings for item in re.findall(r"`([A-Z]+ [^`]+)`", line)}
    assert documented == {(operation.method, operation.path) for operation in OPERATIONS}


def test_the_http_reference_names_every_status_of_the_document():
    text = (DOCS / "http.md").read_text()
    for status in {status for operation in OPERATIONS for status in operation.errors}:
        assert f"| {status} |" in text


def test_the_http_reference_names_the_limits():
    text = (DOCS / "http.md").read_text()
    for said, limit in (
        ("A header of a model 64 MiB", DEFAULT_LIMITS.header_bytes == 64 << 20),
        ("any other JSON 64 MiB", DEFAULT_LIMITS.json_bytes == 64 << 20),
        ("500,000 objects", DEFAULT_LIMITS.json_objects == 500_000),
        ("weights 8 GiB", DEFAULT_LIMITS.weights_bytes == 8 << 30),
        ("100,000 operations", DEFAULT_LIMITS.operations == 100_000),
        ("request line 64 KiB", DEFAULT_LIMITS.request_line_bytes == 64 << 10),
        ("header line 32 KiB", DEFAULT_LIMITS.request_headers_bytes == 32 << 10),
        ("256 connections", DEFAULT_LIMITS.connections == 256),
        ("30 seconds", DEFAULT_LIMITS.pause_seconds == 30),
    ):
        assert said in text, said
        assert limit, said


def test_the_configuration_reference_has_exactly_the_keys():
    rows = re.findall(r"^\| `([\w.]+)` \| (?:`(\w+)`)? ?\|", (DOCS / "configuration.md").read_text(), re.MULTILINE)
    assert rows == [(key.name, key.variable or "") for key in KEYS]


def test_the_configuration_reference_explains_keys_as_the_program_does():
    text = (DOCS / "configuration.md").read_text()
    for key in KEYS:
        assert key.meaning.split(";")[0].split(":")[-1].strip(" `") in text, key.name
