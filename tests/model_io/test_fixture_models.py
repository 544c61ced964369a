"""Models that TensorFlow.js and its converter wrote: read, measured and written again without a change."""

import hashlib
import json

import numpy as np
import pytest

from tfjsd.model_io import base64
from tfjsd.model_io.ecma_json import canonicalize, parse, stringify
from tfjsd.model_io.types import ModelArtifacts, ModelArtifactsInfo

MODELS = [
    "jsfunc", "jsmlp", "jsmlp_opt", "jsrnn", "k2_cnn_h5_graph", "k2_cnn_h5_layers_quantize_uint8",
    "k2_cnn_h5_layers_shard64", "k2_mlp_h5_layers_meta", "k2_mlp_h5_layers_quantize_float16",
    "opt_adadelta", "opt_adagrad", "opt_momentum", "opt_rmsprop", "opt_sgd",
]  # fmt: skip
DUMPS = ["tfjs_localstorage_dump_chromium", "tfjs_localstorage_dump_all_chromium"]
DATABASE_DUMPS = ["tfjs_indexeddb_dump_chromium", "tfjs_indexeddb_dump_all_chromium"]


@pytest.fixture(params=MODELS)
def directory(request, fixtures):
    return fixtures / "tfjs-models" / request.param


@pytest.fixture
def artifacts(directory):
    shards = {path.name: path.read_bytes() for path in directory.glob("*.bin")}
    return ModelArtifacts.from_model_json((directory / "model.json").read_bytes(), shards)


def test_every_directory_is_tested(fixtures):
    found = [path.name for path in sorted((fixtures / "tfjs-models").iterdir()) if path.is_dir()]
    assert found == MODELS


def test_the_weights_are_the_bytes_of_the_shards_in_the_manifests_order(directory, artifacts):
    manifest = json.loads((directory / "model.json").read_text())["weightsManifest"]
    digest = hashlib.sha256()
    for path in (path for group in manifest for path in group["paths"]):
        digest.update((directory / path).read_bytes())
    assert hashlib.sha256(artifacts.joined_weight_data()).hexdigest() == digest.hexdigest()
    assert artifacts.weight_specs == [entry for group in manifest for entry in group["weights"]]


def test_every_weight_decodes(artifacts):
    weights = artifacts.weights()
    assert len(weights) == len(artifacts.weight_specs)
    for spec in artifacts.weight_specs:
        array = weights[spec["name"]]
        assert array.shape == tuple(spec["shape"])
        assert array.dtype == spec["dtype"]
        assert np.isfinite(array).all()


def test_model_json_of_tfjs_node_is_written_byte_for_byte(directory, artifacts):
    text, files = artifacts.to_model_json()
    original = (directory / "model.json").read_text()
    if directory.name.startswith(("js", "opt")):
        assert text == original
        assert files == {"weights.bin": (directory / "weights.bin").read_bytes()}
    assert parse(text)["modelTopology"] == json.loads(original)["modelTopology"]


def test_the_converters_shards_are_cut_again_alike(fixtures):
    directory = fixtures / "tfjs-models" / "k2_cnn_h5_layers_shard64"
    model_json = (directory / "model.json").read_bytes()
    shards = {path.name: path.read_bytes() for path in directory.glob("*.bin")}
    text, files = ModelArtifacts.from_model_json(model_json, shards).to_model_json(shard_bytes=64)
    assert files == shards
    assert parse(text)["weightsManifest"] == json.loads(model_json)["weightsManifest"]


def test_every_form_gives_the_same_model_back(artifacts):
    assert ModelArtifacts.from_multipart(*artifacts.to_multipart()) == artifacts
    assert ModelArtifacts.from_model_json(*artifacts.to_model_json(shard_bytes=100)) == artifacts
    assert ModelArtifacts.from_texts(artifacts.texts(), artifacts.weight_data) == artifacts


def test_dequantized_weights_are_near_the_originals(fixtures):
    def weights(name):
        directory = fixtures / "tfjs-models" / name
        shards = {path.name: path.read_bytes() for path in directory.glob("*.bin")}
        return ModelArtifacts.from_model_json((directory / "model.json").read_bytes(), shards).weights()

    for exact, rounded, tolerance in (
        ("k2_cnn_h5_layers_shard64", "k2_cnn_h5_layers_quantize_uint8", 0.01),
        ("k2_mlp_h5_layers_meta", "k2_mlp_h5_layers_quantize_float16", 0.001),
    ):
        expected, actual = weights(exact), weights(rounded)
        assert list(expected) == list(actual)
        for name in expected:
            np.testing.assert_allclose(actual[name], expected[name], atol=tolerance)


@pytest.mark.parametrize("dump", DUMPS)
def test_infos_that_tfjs_left_in_local_storage_are_computed_alike(fixtures, dump):
    items = json.loads((fixtures / "tfjs-in-browser" / f"{dump}.json").read_text())["items"]
    prefixes = [key.removesuffix("info") for key in items if key.endswith("/info")]
    assert prefixes
    for prefix in prefixes:
        info = ModelArtifactsInfo.from_json(items[f"{prefix}info"])
        texts = {"modelTopology": items[f"{prefix}model_topology"], "weightSpecs": items[f"{prefix}weight_specs"]}
        weights = base64.decode(items[f"{prefix}weight_data"])
        artifacts = ModelArtifacts.from_texts(texts, weights)
        artifacts.check()
        assert artifacts.info(info.date_saved).to_json() == items[f"{prefix}info"]
        assert base64.encode(weights) == items[f"{prefix}weight_data"]
        for suffix in ("info", "model_topology", "weight_specs", "model_metadata"):
            text = items[prefix + suffix]
            assert canonicalize(text) == text
            assert stringify(parse(text)) == text


@pytest.mark.parametrize("dump", DATABASE_DUMPS)
def test_infos_that_tfjs_left_in_indexed_db_are_computed_alike(fixtures, dump):
    content = json.loads((fixtures / "tfjs-in-browser" / f"{dump}.json").read_text())["content"]
    records = content["tensorflowjs"]["stores"]["models_store"]["records"]
    assert records
    for record in records:
        stored, info = record["value"]["modelArtifacts"], record["value"]["modelArtifactsInfo"]
        artifacts = ModelArtifacts(stored["modelTopology"], stored["weightSpecs"])
        computed = artifacts.info().to_json()
        expected = {**info, "dateSaved": None, "weightDataBytes": None}
        assert {**parse(computed), "dateSaved": None, "weightDataBytes": None} == expected
