"""Schemathesis reads the OpenAPI document and finds nothing where the daemon does something else than it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from loopback.conftest import running

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ENDLESS = ("/v1/events", "/v1/indexeddb")


def findings(daemon, directory, examples, seed, document=None):
    """How many requests it sent, and what it says where it has a finding. ``document``: instead of the served one."""
    words = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION), "run"]
    words += [document or f"{daemon.url}/openapi.json", "--url", daemon.url]
    words += ["-H", f"Authorization: Bearer {daemon.token}", "-n", str(examples), "--seed", str(seed), "--no-color"]
    words += ["--generation-database", "none", "--continue-on-failure", "--warnings", "off", "--request-timeout", "20"]
    for path in ENDLESS:
        words += ["--exclude-path", path]
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    sent = re.search(r"([\d,]+) generated", done.stdout)
    assert sent, done.stdout + done.stderr
    return int(sent[1].replace(",", "")), done.stdout if done.returncode else ""


def test_schemathesis_finds_nothing(loopback, tmp_path):
    sent, said = findings(loopback, tmp_path, 10, seed=1)
    assert (said, sent > 1_000) == ("", True)


def test_a_document_that_promises_something_else_is_found(loopback, tmp_path):
    """The negative control."""
    _, _, body = loopback.request("GET", "/openapi.json", headers=loopback.authorization)
    changed = tmp_path / "openapi.json"
    changed.write_bytes(body.replace(b'"usage":{"type":"integer"}', b'"usage":{"type":"boolean"}'))
    _, said = findings(loopback, tmp_path, 1, seed=1, document=str(changed))
    assert "/v1/estimate" in said


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_schemathesis_finds_nothing_in_thousands_of_requests(tmp_path, seed):
    with running() as daemon:
        sent, said = findings(daemon, tmp_path, 300, seed)
        assert (said, sent > 5_000) == ("", True)
        assert daemon.request("GET", "/v1/models", headers=daemon.authorization)[0] == 200
