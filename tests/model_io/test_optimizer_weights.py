"""``include_optimizer=False``: what only training needs stays behind."""

from __future__ import annotations

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
