"""A model has one digest wherever it lies: what comes across is equal, and nothing goes back and forth."""

import shutil
from pathlib import Path

import pytest

from tfjsd.daemon.sync.memory import Memory
from tfjsd.model_io.node_file_system import file_system
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.model_io.types import ModelArtifacts

MODELS = Path(__file__).parents[2] / "fixtures" / "tfjs-models"
KINDS = sorted(path.parent.name for path in MODELS.glob("*/model.json"))
SPECS = [{"name": "w", "shape": [2], "dtype": "float32"}]


def same(a: ModelArtifacts, b: ModelArtifacts) -> bool:
    def content(artifacts):
        texts = {name: text for name, text in artifacts.texts().items() if text not in ("null", "[]")}
        return texts, bytes(artifacts.joined_weight_data() or b"")

    return content(a) == content(b)


@pytest.mark.parametrize("prefix", ["indexeddb://", "localstorage://p/"])
def test_every_kind_of_model_comes_across_and_back(make_pairing, prefix):
    pairing = make_pairing(prefix=prefix)
    for kind in KINDS:
        shutil.copytree(MODELS / kind, pairing.directory / kind)
    result = pairing.settle()
    assert result.clean, result.problems
    models = pairing.origin.models
    for kind in KINDS:
        assert same(models.artifacts(f"{prefix}{kind}"), file_system(MODELS / kind / "model.json").load()), kind
        models.copy(f"{prefix}{kind}", f"{prefix}back/{kind}").result()
    assert pairing.settle().clean
    for kind in KINDS:
        back = file_system(pairing.directory / "back" / kind / "model.json").load()
        assert same(back, models.artifacts(f"{prefix}{kind}")), kind
    pairing.memory = Memory()
    assert set(pairing.run().applied) == {"adopt"}
    assert not pairing.run().plan.steps


@pytest.mark.parametrize("prefix", ["indexeddb://", "localstorage://"])
@pytest.mark.parametrize(
    "artifacts",
    [
        ModelArtifacts({"a": 1}),
        ModelArtifacts({"a": 1}, [], b""),
        ModelArtifacts({"a": 1}, SPECS, bytes(8), format=None, generated_by=None, converted_by=None),
        ModelArtifacts({"a": 1}, SPECS, bytes(8), user_defined_metadata=None, training_config=None, signature=None),
        ModelArtifacts({"a": "\ud800 ✓"}, SPECS, [bytes(4), bytes(4)], user_defined_metadata={"x": [1.5, None]}),
        ModelArtifacts({"1": 1, "0": 2, "b": {}}, None, None, model_initializer={}, initializer_signature={}),
        ModelArtifacts({"a": 1}, [{"name": "s", "shape": [2], "dtype": "string"}], b"\1\0\0\0x\0\0\0\0"),
    ],
)
def test_every_shape_of_artifacts_comes_to_rest(make_pairing, prefix, artifacts):
    pairing = make_pairing(prefix=prefix)
    pairing.origin.models.save(f"{prefix}m", StoredModel.of(artifacts)).result()
    result = pairing.settle()
    assert result.clean, result.problems
    assert not pairing.run().plan.steps
    assert same(file_system(pairing.directory / "m" / "model.json").load(), artifacts)
    pairing.memory = Memory()
    assert set(pairing.run().applied) == {"adopt"}


def test_what_no_file_can_hold_is_a_problem(pairing):
    weightless = ModelArtifacts({"a": 1}, None, b"12345678")
    pairing.origin.models.save("indexeddb://m", StoredModel.of(weightless)).result()
    assert "could not be loaded again" in pairing.settle().problems["m"]
    assert not (pairing.directory / "m" / "model.json").exists()
