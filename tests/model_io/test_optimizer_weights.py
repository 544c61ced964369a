"""``include_optimizer=False``: what only training needs stays behind."""

from __future__ import annotations

import pytest

from tfjsd.model_io.optimizer_weights import without_optimizer
from tfjsd.model_io.types import ModelArtifacts


def spec(name: str, size: int, **more: str) -> dict[str, object]:
    return {"name": name, "shape": [size], "dtype": "bool", **more}


def test_the_optimizers_weights_go_wherever_they_lie():
    artifacts = ModelArtifacts(
        {"class_name": "Sequential"},
        [
            spec("a", 2, group="model"),
            spec("m", 3, group="optimizer"),
            spec("b", 1),
            spec("v", 2, group="optimizer"),
        ],
        [b"\1\2\3", b"\4\5\6\7\10"],
        training_config={"loss": "mse"},
        format="layers-model",
    )
    kept = without_optimizer(artifacts)
    assert [entry["name"] for entry in kept.weight_specs or []] == ["a", "b"]
    assert bytes(kept.joined_weight_data() or b"") == b"\1\2\6"
    assert not kept.has("trainingConfig")
    assert kept.format == "layers-model"
    assert artifacts.has("trainingConfig"), "the caller's artifacts are not changed"


def test_a_model_without_optimizer_only_loses_its_training_configuration():
    artifacts = ModelArtifacts({}, [spec("a", 2)], b"\1\2", training_config={})
    kept = without_optimizer(artifacts)
    assert kept.weight_data == artifacts.weight_data
    assert not kept.has("trainingConfig")


def test_artifacts_without_weights():
    assert without_optimizer(ModelArtifacts({})).weight_data is None


OPTIMIZED = ["jsmlp_opt", "opt_adadelta", "opt_adagrad", "opt_momentum", "opt_rmsprop", "opt_sgd"]


def load(fixtures, name):
    directory = fixtures / "tfjs-models" / name
    weights = (directory / "weights.bin").read_bytes()
    return ModelArtifacts.from_model_json((directory / "model.json").read_bytes(), weights)


@pytest.mark.parametrize("name", OPTIMIZED)
def test_optimizer_weights_and_training_configuration_go(fixtures, name):
    artifacts = load(fixtures, name)
    assert artifacts.has("trainingConfig")
    lean = without_optimizer(artifacts)
    lean.check()
    assert not lean.has("trainingConfig")
    assert {spec.get("group") for spec in lean.weight_specs or []} <= {None, "model"}
    full = artifacts.weights()
    assert 0 < len(lean.weights()) < len(full)
    assert all((array == full[name]).all() for name, array in lean.weights().items())
    assert lean.model_topology == artifacts.model_topology


def test_the_model_saved_without_an_optimizer_is_the_same(fixtures):
    lean, plain = without_optimizer(load(fixtures, "jsmlp_opt")), load(fixtures, "jsmlp")
    assert {entry["name"] for entry in lean.weight_specs or []} == {entry["name"] for entry in plain.weight_specs or []}
    assert lean.weight_data_bytes == plain.weight_data_bytes


def test_what_stays_is_not_copied_even_between_optimizer_weights():
    specs = [
        {"name": name, "shape": [size], "dtype": "bool"} | ({"group": "optimizer"} if size == 3 else {})
        for name, size in (("a", 1), ("b", 2), ("c", 3), ("d", 1))
    ]
    data = bytearray(b"abbcccd")
    lean = without_optimizer(ModelArtifacts({}, specs, data))
    assert [bytes(piece) for piece in lean.weight_pieces.parts] == [b"abb", b"d"]
    assert all(piece.obj is data for piece in lean.weight_pieces.parts)
    assert bytes(lean.weight_data) == b"abbd"
    only = without_optimizer(ModelArtifacts({}, specs[2:3], b"ccc"))
    assert (only.weight_specs, only.weight_data_bytes) == ([], 0)
    assert without_optimizer(ModelArtifacts({}, specs)).weight_data is None


def test_a_model_without_optimizer_comes_back_as_it_is(fixtures):
    artifacts = load(fixtures, "jsmlp")
    assert without_optimizer(artifacts) is artifacts
    assert not without_optimizer(artifacts.replace(training_config={"loss": "x"})).has("trainingConfig")
