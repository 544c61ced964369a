"""Schemathesis reads the OpenAPI document and finds nothing where the daemon does something else than it says."""

import contextlib
import re
import socket
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from loopback.conftest import running

import tfjsd

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
ENDLESS = ("/v1/events", "/v1/indexeddb")


class Forwarder(socketserver.BaseRequestHandler):
    """One connection, passed on to the unix socket that the server names."""

    def handle(self):
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(self.server.unix_socket)
            asking = threading.Thread(target=self._pump, args=(self.request, there))
            asking.start()
            self._pump(there, self.request)
            asking.join()

    @staticmethod
    def _pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def over_unix(daemon):
    """The daemon's unix socket, where its own user calls, at an address that schemathesis can call. It takes neither
    token nor Host, and has what the listener refuses: sync pairs, ingest, codes for the page."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forwarder) as server:
        server.unix_socket = str(daemon.socket)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_address[1]}", token="none")
        finally:
            server.shutdown()
            thread.join()


def findings(daemon, directory, examples, seed, document=None, options=()):
    """How many requests it sent, and what it says where it has a finding. ``document``: instead of the served one."""
    words = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION), "run"]
    words += [document or f"{daemon.url}/openapi.json", "--url", daemon.url]
    words += ["-H", f"Authorization: Bearer {daemon.token}", "-n", str(examples), "--seed", str(seed), "--no-color"]
    words += ["--generation-database", "none", "--continue-on-failure", "--warnings", "off", "--request-timeout", "20"]
    for path in ENDLESS:
        words += ["--exclude-path", path]
    words += options
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    sent = re.search(r"([\d,]+) generated", done.stdout)
    assert sent, done.stdout + done.stderr
    return int(sent[1].replace(",", "")), done.stdout if done.returncode else ""


def test_schemathesis_finds_nothing(loopback, tmp_path):
    sent, said = findings(loopback, tmp_path, 10, seed=1)
    assert (said, sent > 1_000) == ("", True)


def test_schemathesis_finds_nothing_over_the_unix_socket(tmp_path):
    with running() as daemon, over_unix(daemon) as proxy:
        (tmp_path / "pair").mkdir()
        with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as store:
            store.sync_pairs().add(tmp_path / "pair", "indexeddb://synced/", name="0")
        # A pair that is added makes its directory, wherever the example says: not here.
        sent, said = findings(proxy, tmp_path, 10, seed=1, options=["--exclude-name", "POST /v1/sync"])
        assert (said, sent > 1_000) == ("", True)


def test_a_document_that_promises_something_else_is_found(loopback, tmp_path):
    """The negative control."""
    _, _, body = loopback.request("GET", "/openapi.json", headers=loopback.authorization)
    changed = tmp_path / "openapi.json"
    changed.write_bytes(body.replace(b'"usage":{"type":"integer"}', b'"usage":{"type":"boolean"}'))
    _, said = findings(loopback, tmp_path, 1, seed=1, document=str(changed), options=["--include-path", "/v1/estimate"])
    assert "/v1/estimate" in said


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_schemathesis_finds_nothing_in_thousands_of_requests(tmp_path, seed):
    with running() as daemon:
        sent, said = findings(daemon, tmp_path, 300, seed)
        assert (said, sent > 5_000) == ("", True)
        assert daemon.request("GET", "/v1/models", headers=daemon.authorization)[0] == 200
