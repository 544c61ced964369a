"""The models that TensorFlow.js saved, sent as TensorFlow.js sends them, loaded as it loads them."""

import hashlib
import json
from pathlib import Path

import pytest
from blake3 import blake3

MODELS = Path(__file__).parents[1] / "fixtures" / "tfjs-models"
NAMES = sorted(path.parent.name for path in MODELS.glob("*/model.json"))


def read(name):
    """The model.json and the weights of a fixture."""
    content = json.loads((MODELS / name / "model.json").read_text())
    paths = [path for group in content["weightsManifest"] for path in group["paths"]]
    return content, b"".join((MODELS / name / path).read_bytes() for path in paths)


def form(content, weights):
    parts = [("model.json", "application/json", json.dumps(content).encode())]
    parts.append(("model.weights.bin", "application/octet-stream", weights))
    body = b"".join(
        f'--tfjs\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\nContent-Type: {kind}'.encode()
        + b"\r\n\r\n"
        + data
        + b"\r\n"
        for name, kind, data in parts
    )
    return body + b"--tfjs--\r\n"


@pytest.mark.parametrize("medium", ["localstorage", "indexeddb"])
@pytest.mark.parametrize("name", NAMES)
def test_a_real_model_comes_back_as_it_was(daemon, name, medium):
    content, weights = read(name)
    target = f"/v1/models/{medium}/{name}"
    saved = daemon.request(
        "POST", target, form(content, weights), {"Content-Type": "multipart/form-data; boundary=tfjs"}
    )
    assert saved.status == 200, saved.body
    assert saved.json["modelArtifactsInfo"]["weightDataBytes"] == len(weights)
    served = daemon.get(f"{target}/model.json").json
    assert served["modelTopology"] == content["modelTopology"]
    specs = [entry for group in content["weightsManifest"] for entry in group["weights"]]
    name = f"weights.{blake3(weights).hexdigest()}.bin"
    assert served["weightsManifest"] == [{"paths": [name], "weights": specs}]
    assert daemon.get(f"{target}/{name}").body == weights
    for field in ("format", "generatedBy", "convertedBy", "signature", "userDefinedMetadata", "trainingConfig"):
        assert served.get(field) == content.get(field), field
    loaded = daemon.get(f"{target}/weights.bin").body
    assert hashlib.sha256(loaded).hexdigest() == hashlib.sha256(weights).hexdigest()


def test_there_are_real_models():
    assert len(NAMES) >= 12
