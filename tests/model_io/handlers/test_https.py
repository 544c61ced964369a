"""``https://``: certificates are checked, by the trust store that OpenSSL is told to use."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tfjsd.errors import HTTPStatusError
from tfjsd.model_io import http_request
from tfjsd.model_io.types import ModelArtifacts


class Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests read no log."""

    def do_GET(self) -> None:
        body = b'{"modelTopology": {"served": "safely"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate breaks off."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh self-signed certificate for 127.0.0.1, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    directory = tmp_path_factory.mktemp("tls")
    key, cert, both = directory / "key.pem", directory / "cert.pem", directory / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=elsewhere"
    extension = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *extension], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture
def url(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"https://127.0.0.1:{server.server_port}/model.json"
        server.shutdown()
        thread.join()


def test_a_trusted_certificate(url: str, certificate: Path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert http_request(url, timeout=30).load().model_topology == {"served": "safely"}
    assert http_request(url, timeout=30).save(ModelArtifacts({})).responses[0].status == 204


def test_a_certificate_that_nobody_vouches_for(url: str):
    with pytest.raises(HTTPStatusError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        http_request(url, timeout=30).load()
    assert caught.value.status == 0
    with pytest.raises(HTTPStatusError, match="CERTIFICATE_VERIFY_FAILED"):
        http_request(url, timeout=30).save(ModelArtifacts({}))


def test_a_certificate_for_another_name(url: str, certificate: Path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with pytest.raises(HTTPStatusError, match="CERTIFICATE_VERIFY_FAILED"):
        http_request(url.replace("127.0.0.1", "localhost"), timeout=30).load()
