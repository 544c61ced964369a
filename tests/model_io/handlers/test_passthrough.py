"""Handlers without a medium (restates tfjs-core's passthrough_test)."""

from __future__ import annotations

import warnings

import pytest

from tfjsd.model_io.passthrough import from_memory, with_save_handler
from tfjsd.model_io.router_registry import LoadHandler, SaveHandler
from tfjsd.model_io.types import ModelArtifacts, SaveResult

TOPOLOGY = {"class_name": "Sequential"}
SPECS = [{"name": "a", "shape": [4], "dtype": "uint8"}]


def test_a_save_hands_the_artifacts_to_the_function(artifacts: ModelArtifacts):
    received: list[ModelArtifacts] = []

    def keep(saved: ModelArtifacts) -> SaveResult:
        received.append(saved)
        return SaveResult(saved.info(), ("answer",))

    result = with_save_handler(keep).save(artifacts)
    assert received[0] is artifacts
    assert result.model_artifacts_info.weight_data_bytes == 16
    assert result.responses == ("answer",)


def test_a_load_returns_the_very_artifacts(artifacts: ModelArtifacts):
    assert from_memory(artifacts).load() is artifacts


def test_a_mapping_has_the_names_of_tfjs():
    fields = {"modelTopology": TOPOLOGY, "weightSpecs": SPECS, "weightData": b"abcd", "userDefinedMetadata": {"f": "v"}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = from_memory(fields).load()
    assert loaded.model_topology == TOPOLOGY
    assert loaded.weight_specs == SPECS
    assert loaded == ModelArtifacts(TOPOLOGY, SPECS, b"abcd", user_defined_metadata={"f": "v"})
    assert loaded.user_defined_metadata == {"f": "v"}


def test_specs_alone_are_artifacts():
    assert from_memory({"weightSpecs": SPECS}).load().weight_specs == SPECS


def test_several_arguments_are_the_legacy_form():
    with pytest.warns(DeprecationWarning, match="with only one argument"):
        loaded = from_memory(TOPOLOGY, SPECS, b"abcd", {"loss": "x"}).load()
    assert loaded == ModelArtifacts(TOPOLOGY, SPECS, b"abcd", training_config={"loss": "x"})


def test_a_bare_topology_is_the_legacy_form():
    with pytest.warns(DeprecationWarning, match="with only one argument"):
        loaded = from_memory(TOPOLOGY).load()
    assert loaded == ModelArtifacts(TOPOLOGY)


def test_they_are_handlers(artifacts: ModelArtifacts):
    loader, saver = from_memory(artifacts), with_save_handler(lambda saved: SaveResult(saved.info()))
    assert isinstance(loader, LoadHandler)
    assert not isinstance(loader, SaveHandler)
    assert isinstance(saver, SaveHandler)
    assert not isinstance(saver, LoadHandler)
