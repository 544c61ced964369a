"""``downloads://``: the two files of a browser's download (restates tfjs-core's browser_files_test)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.browser_downloads import downloads, downloads_router
from tfjsd.model_io.chosen_files import browser_files
from tfjsd.model_io.types import ModelArtifacts


def test_an_explicit_prefix_names_both_files(tmp_path: Path, artifacts: ModelArtifacts):
    result = downloads("test-model", tmp_path).save(artifacts)
    info = result.model_artifacts_info
    assert info.model_topology_bytes == len(json.dumps(artifacts.model_topology, separators=(",", ":")))
    assert info.weight_specs_bytes == len(json.dumps(artifacts.weight_specs, separators=(",", ":")))
    assert info.weight_data_bytes == 16
    assert result.responses == ()
    assert sorted(os.listdir(tmp_path)) == ["test-model.json", "test-model.weights.bin"]
    model_json = json.loads((tmp_path / "test-model.json").read_text(encoding="utf-8"))
    assert list(model_json) == [
        "modelTopology", "format", "generatedBy", "convertedBy", "weightsManifest", "signature", "userDefinedMetadata",
        "modelInitializer", "initializerSignature", "trainingConfig",
    ]  # fmt: skip
    assert model_json["convertedBy"] is None
    assert model_json["weightsManifest"] == [{"paths": ["./test-model.weights.bin"], "weights": artifacts.weight_specs}]
    assert (tmp_path / "test-model.weights.bin").read_bytes() == bytes(artifacts.joined_weight_data() or b"")


@pytest.mark.parametrize("prefix", ["downloads://test-model", "test-model"])
def test_a_scheme_in_the_prefix_is_dropped(tmp_path: Path, artifacts: ModelArtifacts, prefix: str):
    downloads(prefix, tmp_path).save(artifacts)
    assert sorted(os.listdir(tmp_path)) == ["test-model.json", "test-model.weights.bin"]


@pytest.mark.parametrize("prefix", ["", "downloads://"])
def test_no_prefix_is_model(tmp_path: Path, artifacts: ModelArtifacts, prefix: str):
    downloads(prefix, tmp_path).save(artifacts)
    assert sorted(os.listdir(tmp_path)) == ["model.json", "model.weights.bin"]


def test_a_topology_alone_is_one_file(tmp_path: Path, bare: ModelArtifacts):
    info = downloads(directory=tmp_path).save(bare).model_artifacts_info
    assert (info.weight_specs_bytes, info.weight_data_bytes) == (0, 0)
    assert os.listdir(tmp_path) == ["model.json"]
    assert json.loads((tmp_path / "model.json").read_text())["weightsManifest"] == [{"paths": ["./model.weights.bin"]}]


def test_what_was_downloaded_can_be_chosen_again(tmp_path: Path, artifacts: ModelArtifacts):
    downloads("my/model", tmp_path).save(artifacts)
    files = [tmp_path / "my_model.json", tmp_path / "my_model.weights.bin"]
    assert browser_files(files).load() == artifacts


def test_files_of_the_same_names_are_replaced_together(tmp_path: Path, artifacts: ModelArtifacts):
    (tmp_path / "notes.txt").write_text("mine")
    downloads("m", tmp_path).save(artifacts)
    other = artifacts.replace(weight_data=bytes(16))
    downloads("m", tmp_path).save(other)
    assert browser_files([tmp_path / "m.json", tmp_path / "m.weights.bin"]).load() == other
    assert sorted(os.listdir(tmp_path)) == ["m.json", "m.weights.bin", "notes.txt"]


@pytest.mark.parametrize("prefix", ["../../escape", "/etc/escape", "a/../../b", ".."])
def test_nothing_is_written_outside_of_the_directory(tmp_path: Path, artifacts: ModelArtifacts, prefix: str):
    directory = tmp_path / "downloads"
    downloads(prefix, directory).save(artifacts)
    assert os.listdir(tmp_path) == ["downloads"]
    assert len(os.listdir(directory)) == 2


@pytest.mark.parametrize("prefix", ["\0", "\ud800", "x" * 250])
def test_a_name_that_no_file_can_have(tmp_path: Path, artifacts: ModelArtifacts, prefix: str):
    with pytest.raises(InvalidArtifactsError, match="no file can be named"):
        downloads(prefix, tmp_path).save(artifacts)
    assert os.listdir(tmp_path) == []


def test_a_binary_topology_is_refused(tmp_path: Path, artifacts: ModelArtifacts):
    with pytest.raises(InvalidArtifactsError) as caught:
        downloads("m", tmp_path).save(artifacts.replace(model_topology=b"\0"))
    assert str(caught.value) == "BrowserDownloads.save() does not support saving model topology in binary formats yet."
    assert os.listdir(tmp_path) == []


def test_the_router():
    handler = downloads_router("downloads://foo", {})
    assert handler is not None
    assert handler.prefix == "foo"
    assert downloads_router("invaliddownloads://foo", {}) is None
    assert downloads_router("foo", {}) is None
