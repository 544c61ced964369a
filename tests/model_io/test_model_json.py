"""model.json is written with tfjs's keys in tfjs's order and read whoever wrote it."""

import pytest

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.composite_buffer import CompositeBuffer
from tfjsd.model_io.model_json import NODE_ORDER, model_json_text, parse_model_json
from tfjsd.model_io.shards import split
from tfjsd.model_io.types import ModelArtifacts

SPECS = [{"name": "w", "shape": [2], "dtype": "float32"}]
SPECS_TEXT = '[{"name":"w","shape":[2],"dtype":"float32"}]'
FULL = ModelArtifacts(
    {"t": 1}, SPECS, b"12345678", format="layers-model", generated_by="g", converted_by=None,
    training_config={"loss": 1}, signature={"s": 1}, user_defined_metadata={"u": 1}, model_initializer={"m": 1},
    initializer_signature={"i": 1},
)  # fmt: skip


def test_core_order_is_that_of_get_model_json_for_model_artifacts():
    assert model_json_text(FULL.texts(), ["./model.weights.bin"]) == (
        '{"modelTopology":{"t":1},"format":"layers-model","generatedBy":"g","convertedBy":null,'
        '"weightsManifest":[{"paths":["./model.weights.bin"],"weights":' + SPECS_TEXT + "}],"
        '"signature":{"s":1},"userDefinedMetadata":{"u":1},"modelInitializer":{"m":1},"initializerSignature":{"i":1},'
        '"trainingConfig":{"loss":1}}'
    )


def test_node_order_is_that_of_the_file_handler_and_loses_no_initializer():
    text, files = FULL.to_model_json()
    assert text == (
        '{"modelTopology":{"t":1},"weightsManifest":[{"paths":["weights.bin"],"weights":' + SPECS_TEXT + "}],"
        '"format":"layers-model","generatedBy":"g","convertedBy":null,"trainingConfig":{"loss":1},"signature":{"s":1},'
        '"userDefinedMetadata":{"u":1},"modelInitializer":{"m":1},"initializerSignature":{"i":1}}'
    )
    assert files == {"weights.bin": b"12345678"}
    assert ModelArtifacts.from_model_json(text, files) == FULL


def test_absent_fields_are_absent_and_only_the_first_keep_null():
    artifacts = ModelArtifacts(None, format=None, training_config=None, signature=None)
    for order in (NODE_ORDER, None):
        text = model_json_text(artifacts.texts(), [], **({"order": order} if order else {}))
        assert sorted(parse_model_json(text).texts) == ["format", "modelTopology"]
    assert model_json_text({}, ["w"]) == '{"weightsManifest":[{"paths":["w"]}]}'
    assert model_json_text({"weightSpecs": "null"}, []) == '{"weightsManifest":[{"paths":[],"weights":null}]}'


def test_a_model_without_weights_has_no_manifest_and_one_with_specs_only_no_paths():
    assert ModelArtifacts({"a": 1}).to_model_json() == ('{"modelTopology":{"a":1}}', {})
    text, files = ModelArtifacts({}, [], None).to_model_json(shard_bytes=4)
    assert (text, files) == ('{"modelTopology":{},"weightsManifest":[{"paths":[],"weights":[]}]}', {})
    assert ModelArtifacts.from_model_json(text, files).texts() == {"modelTopology": "{}", "weightSpecs": "[]"}


def test_any_model_json_becomes_artifacts_in_canonical_text():
    text = """{ "weightsManifest": [
        {"paths": ["a", "b"], "weights": [{"dtype": "float32", "name": "x", "shape": [1.0]}]},
        {"weights": [], "paths": []}, {"paths": ["c"], "weights": [{"name": "y", "shape": [], "dtype": "int32"}]} ],
        "unknown": 1, "trainingConfig": null, "convertedBy": null, "format": "x",
        "modelTopology": {"b": 1e-05, "1": 2} }"""
    expected = {
        "modelTopology": '{"1":2,"b":0.00001}',
        "format": '"x"',
        "convertedBy": "null",
        "weightSpecs": '[{"dtype":"float32","name":"x","shape":[1]},{"name":"y","shape":[],"dtype":"int32"}]',
    }
    for weights in ({"c": b"5678", "a": b"1", "b": b"234"}, [b"1", b"234", b"5678"], b"12345678"):
        artifacts = ModelArtifacts.from_model_json(text, weights)
        assert artifacts.texts() == expected
        assert bytes(artifacts.joined_weight_data() or b"") == b"12345678"
    assert parse_model_json(text.encode()).paths == ["a", "b", "c"]


def test_a_model_json_may_be_an_object_and_have_no_manifest():
    artifacts = ModelArtifacts.from_model_json({"modelTopology": {"a": 1.0}, "format": None})
    assert artifacts.texts() == {"modelTopology": '{"a":1}', "format": "null"}
    assert artifacts.weight_data is None


@pytest.mark.parametrize(
    ("model_json", "weights", "words"),
    [
        ("[]", b"", "must be an object"),
        ("{", b"", "not valid JSON"),
        ('{"modelTopology": NaN}', b"", "NaN"),
        ('{"weightsManifest": {}}', b"", "must be a list"),
        ('{"weightsManifest": [3]}', b"", "must be an object"),
        ('{"weightsManifest": [{}]}', b"", "paths"),
        ('{"weightsManifest": [{"paths": "a"}]}', b"", "paths"),
        ('{"weightsManifest": [{"paths": [1]}]}', b"", "paths"),
        ('{"weightsManifest": [{"paths": [], "weights": 1}]}', b"", "weights of a"),
        ('{"weightsManifest": [{"paths": ["a"], "weights": []}]}', {}, "^Weight file 'a' is not provided.$"),
        ('{"weightsManifest": []}', None, "^modelJSON has weightsManifest but weightData is null$"),
        ('{"weightsManifest": [{"paths": ["a"], "weights": ' + SPECS_TEXT + "}]}", b"1234567", "describe 8 bytes"),
    ],
)
def test_a_malformed_model_json_is_refused(model_json, weights, words):
    with pytest.raises(InvalidArtifactsError, match=words):
        ModelArtifacts.from_model_json(model_json, weights)


def test_shards_are_named_and_cut_as_the_converter_does():
    data = bytes(range(10))
    shards = split(CompositeBuffer([data[:3], data[3:]]), 4)
    assert {path: bytes(shard.join()) for path, shard in shards.items()} == {
        "group1-shard1of3.bin": bytes([0, 1, 2, 3]),
        "group1-shard2of3.bin": bytes([4, 5, 6, 7]),
        "group1-shard3of3.bin": bytes([8, 9]),
    }
    assert list(split(CompositeBuffer(data), 10, group=2)) == ["group2-shard1of1.bin"]
    assert split(CompositeBuffer(b""), 10) == {}
    assert split(CompositeBuffer(None), 10) == {}
    with pytest.raises(ValueError, match="at least 1"):
        split(CompositeBuffer(data), 0)


def test_a_shard_inside_one_buffer_is_a_view_of_it():
    data = bytearray(b"12345678")
    artifacts = ModelArtifacts({}, SPECS, data)
    _, files = artifacts.to_model_json(shard_bytes=4)
    data[0:1] = b"x"
    assert {path: bytes(file) for path, file in files.items()} == {
        "group1-shard1of2.bin": b"x234",
        "group1-shard2of2.bin": b"5678",
    }
