"""The recipes for a server of one's own receive what TensorFlow.js sends, and serve what it loads."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tfjsd.errors import HTTPStatusError
from tfjsd.model_io import file_system, http_request
from tfjsd.model_io.http_transport import HTTPResponse, HTTPTransport, Upload
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.model_io.web_url import WebURL

pytest.importorskip("flask")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def artifacts() -> ModelArtifacts:
    specs = [{"name": "dense/kernel", "shape": [2, 2], "dtype": "float32"}]
    return ModelArtifacts({"class_name": "Model"}, specs, bytes(range(16)), format="layers-model", converted_by=None)


def post(url: str, content_type: str, body: bytes) -> HTTPResponse:
    """A request as it is, for what no handler would send."""
    target = WebURL.parse(url)
    return HTTPTransport(target).send("POST", target, Upload(content_type, (body,)), limit=1000)


@pytest.fixture
def flask_url(tmp_path: Path) -> Iterator[str]:
    """The Flask recipe behind a real server."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, example("flask_server").create_app(tmp_path))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_flask_receives_a_model_and_serves_it(flask_url: str, tmp_path: Path, artifacts: ModelArtifacts, method: str):
    result = http_request(f"{flask_url}/upload", method=method).save(artifacts)
    assert b'"weightDataBytes":16' in bytes(result.responses[0].body)
    assert file_system(tmp_path / "upload" / "model.json").load() == artifacts
    assert http_request(f"{flask_url}/models/upload/model.json").load() == artifacts


def test_flask_refuses_what_is_no_model(flask_url: str, tmp_path: Path):
    assert post(f"{flask_url}/upload", "text/plain", b"x").status == 400
    assert post(f"{flask_url}/upload", "multipart/form-data; boundary=b", b"--b\r\n").status == 400
    assert list(tmp_path.iterdir()) == []


def test_flask_does_not_serve_what_lies_beside_the_models(flask_url: str, tmp_path: Path):
    (tmp_path.parent / "secret").write_text("secret")
    with pytest.raises(HTTPStatusError, match="404"):
        http_request(f"{flask_url}/models/%2e%2e%2fsecret").load()


@pytest.fixture
def fastapi_url() -> Iterator[str]:
    """The FastAPI recipe behind a real server; connections wait in the socket until it is up."""
    import uvicorn

    app = example("fastapi_server").create_app(None)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_fastapi_receives_a_model_and_serves_it(fastapi_url: str, artifacts: ModelArtifacts, method: str):
    result = http_request(f"{fastapi_url}/models/mnist", method=method).save(artifacts)
    assert b'"weightDataBytes":16' in bytes(result.responses[0].body)
    assert http_request(f"{fastapi_url}/models/mnist/model.json").load() == artifacts


def test_fastapi_refuses_what_is_no_model(fastapi_url: str, artifacts: ModelArtifacts):
    content_type, body = artifacts.to_multipart()
    assert post(f"{fastapi_url}/models/m", content_type, body[:-20]).status == 400
    assert post(f"{fastapi_url}/models/m", "text/plain", b"x").status == 400
    with pytest.raises(HTTPStatusError, match="404"):
        http_request(f"{fastapi_url}/models/m/model.json").load()
