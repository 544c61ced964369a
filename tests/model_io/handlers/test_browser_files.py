"""``browserFiles``: a model from chosen files (restates tfjs-core's browser_files_test)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.chosen_files import browser_files
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.testing import make_artifacts

TOPOLOGY = {"class_name": "Sequential"}


def spec(name: str, size: int = 4) -> dict[str, object]:
    return {"name": name, "shape": [size], "dtype": "uint8"}


def model_json(*groups: dict[str, object], **fields: object) -> tuple[str, bytes]:
    document = {"modelTopology": TOPOLOGY, "weightsManifest": list(groups), **fields}
    return "model.json", json.dumps({k: v for k, v in document.items() if v is not ...}).encode()


def group(paths: list[str], *specs: dict[str, object]) -> dict[str, object]:
    return {"paths": paths, "weights": list(specs)}


def refusal(*files) -> str:
    with pytest.raises(InvalidArtifactsError) as caught:
        browser_files(list(files)).load()
    return str(caught.value)


def raw(model: ModelArtifacts) -> bytes:
    return bytes(model.joined_weight_data() or b"")


def test_one_group_one_file():
    fields = {"format": "layers-model", "generatedBy": "TensorFlow.js v0.0.0", "convertedBy": "1.13.1"}
    json_file = model_json(
        group(["./model.weights.bin"], spec("a")), modelInitializer={}, trainingConfig={"loss": "x"}, **fields
    )
    loaded = browser_files([json_file, ("model.weights.bin", b"abcd")]).load()
    assert loaded.model_topology == TOPOLOGY
    assert loaded.weight_specs == [spec("a")]
    assert (loaded.format, loaded.generated_by, loaded.converted_by) == tuple(fields.values())
    assert (loaded.model_initializer, loaded.training_config) == ({}, {"loss": "x"})
    assert raw(loaded) == b"abcd"


def test_directories_in_the_manifest_are_not_minded():
    json_file = model_json(group(["./dir1/w.1.bin", "./dir2/w.2.bin"], spec("foo"), spec("bar")))
    loaded = browser_files([json_file, ("w.1.bin", b"1234"), ("w.2.bin", b"5678")]).load()
    assert raw(loaded) == b"12345678"


@pytest.mark.parametrize("reverse", [False, True])
def test_two_groups_four_files_in_any_order(reverse: bool):
    json_file = model_json(
        group(["./w.1.bin", "./w.2.bin"], spec("foo"), spec("bar")),
        group(["./w.3.bin", "./w.4.bin"], spec("baz"), spec("qux")),
    )
    files = [(f"w.{number}.bin", bytes([number]) * 4) for number in (1, 2, 3, 4)]
    loaded = browser_files([json_file, *(reversed(files) if reverse else files)]).load()
    assert loaded.weight_specs == [spec("foo"), spec("bar"), spec("baz"), spec("qux")]
    assert raw(loaded) == bytes([1] * 4 + [2] * 4 + [3] * 4 + [4] * 4)


def test_the_json_alone_gives_the_topology_alone():
    loaded = browser_files([model_json(group(["w"], spec("a")), format="layers-model")]).load()
    assert loaded == ModelArtifacts(TOPOLOGY)


def test_paths_are_read(tmp_path: Path, artifacts: ModelArtifacts):
    (tmp_path / "m.json").write_bytes(model_json(group(["x/w.bin"], spec("a", 2 << 20)))[1])
    (tmp_path / "w.bin").write_bytes(bytes(2 << 20))
    assert raw(browser_files([str(tmp_path / "m.json"), tmp_path / "w.bin"]).load()) == bytes(2 << 20)


def test_more_files_than_paths():
    message = refusal(model_json(group(["./w.1.bin"], spec("a"))), ("w.2.bin", b"1234"), ("w.1.bin", b"1234"))
    assert message == (
        "Mismatch in the number of files in weights manifest (1) and the number of weight files provided (2)."
    )


def test_a_file_of_another_name():
    json_file = model_json(group(["./w.1.bin", "./w.2.bin"], spec("a"), spec("b")))
    message = refusal(json_file, ("w.1.bin", b"1234"), ("w.3.bin", b"1234"))
    assert message == "Weight file with basename 'w.2.bin' is not provided."


def test_equal_base_names():
    json_file = model_json(group(["./dir1/w.1.bin", "./dir2/w.1.bin"], spec("a"), spec("b")))
    message = refusal(json_file, ("w.1.bin", b"1234"), ("w.2.bin", b"1234"))
    assert message == "Duplicate file basename found in weights manifest: 'w.1.bin'"


def test_no_topology():
    message = refusal(model_json(group(["w"], spec("a")), modelTopology=...), ("w", b"1234"))
    assert message == "modelTopology field is missing from file model.json"


@pytest.mark.parametrize("manifest", [None, ...])
def test_no_manifest(manifest):
    assert refusal(model_json(weightsManifest=manifest)) == "weightManifest field is missing from file model.json"


@pytest.mark.parametrize("files", [[], None])
def test_no_files(files):
    with pytest.raises(InvalidArtifactsError) as caught:
        browser_files(files)
    assert str(caught.value) == "When calling browserFiles, at least 1 file is required, but received "


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"<html>"])
def test_no_json(data: bytes):
    assert refusal(("model.json", data)).startswith("Failed to parse file model.json: ")


def test_a_byte_order_mark_is_dropped():
    name, data = model_json(group(["w"], spec("a")))
    assert browser_files([(name, b"\xef\xbb\xbf" + data)]).load().model_topology == TOPOLOGY


def test_files_that_cannot_be_read(tmp_path: Path):
    assert refusal(tmp_path / "model.json") == (
        "Failed to read model topology and weights manifest JSON from file 'model.json'. BrowserFiles supports loading "
        "Keras-style tf.Model artifacts only."
    )
    json_file = model_json(group(["./d/w.bin"], spec("a")))
    assert refusal(json_file, tmp_path / "w.bin") == "Failed to weights data from file of path './d/w.bin'."


@pytest.mark.parametrize("data", [b"", b"123", b"12345"])
def test_weights_of_another_size_than_the_specs(data: bytes):
    message = refusal(model_json(group(["w"], spec("a"))), ("w", data))
    assert message == f"weightSpecs describe 4 bytes, but the weights have {len(data)}"


def test_bytes_without_names_are_the_manifests_files_in_order():
    artifacts = make_artifacts(weight_bytes=1000)
    text, files = artifacts.to_model_json(shard_bytes=300)
    last = list(files)[-1]
    assert browser_files([text.encode(), *files.values()]).load() == artifacts
    mixed = [text.encode(), (last, files[last]), *(bytes(files[path]) for path in files if path != last)]
    assert browser_files(mixed).load() == artifacts
    with pytest.raises(InvalidArtifactsError, match=f"Weight file with basename '{last}' is not provided"):
        browser_files([text.encode(), *list(files.values())[:-1]]).load()
    with pytest.raises(InvalidArtifactsError, match="Mismatch in the number of files"):
        browser_files([text.encode(), *files.values(), b"more"]).load()
