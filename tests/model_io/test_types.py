"""``ModelArtifacts`` keeps what it was given, as text for as long as nobody saw the object."""

import pickle
from datetime import UTC, datetime

import numpy
import pytest

from tfjsd.errors import InvalidArtifactsError
from tfjsd.model_io.types import ABSENT, ModelArtifacts, ModelArtifactsInfo
from tfjsd.testing import make_artifacts

SPECS = [{"name": "w", "shape": [2], "dtype": "float32"}]


def test_fields_read_none_both_for_absent_and_null_and_only_null_is_saved():
    artifacts = ModelArtifacts({"a": 1}, converted_by=None)
    assert artifacts.converted_by is None
    assert artifacts.generated_by is None
    assert artifacts.texts() == {"modelTopology": '{"a":1}', "convertedBy": "null"}
    assert artifacts.has("convertedBy")
    assert artifacts.text("generatedBy") is None


def test_texts_come_in_the_order_of_tensorflow_js():
    artifacts = ModelArtifacts(
        {}, [], b"", format="f", generated_by="g", converted_by="c", training_config={}, signature={},
        user_defined_metadata={}, model_initializer={}, initializer_signature={},
    )  # fmt: skip
    assert list(artifacts.texts()) == [
        "modelTopology", "format", "generatedBy", "convertedBy", "trainingConfig", "weightSpecs", "signature",
        "userDefinedMetadata", "modelInitializer", "initializerSignature",
    ]  # fmt: skip


def test_text_is_kept_as_it_is_until_the_object_was_handed_out():
    artifacts = ModelArtifacts.from_texts({"modelTopology": '{"b": 1}', "format": '"x"', "unknown": "1"}, b"")
    assert artifacts.texts() == {"modelTopology": '{"b": 1}', "format": '"x"'}
    assert artifacts.model_topology == {"b": 1}
    artifacts.model_topology["c"] = 1.0
    assert artifacts.text("modelTopology") == '{"b":1,"c":1}'


def test_weight_data_is_not_copied():
    data = bytearray(8)
    artifacts = ModelArtifacts({}, SPECS, data)
    data[0] = 7
    assert isinstance(artifacts.weight_data, memoryview)
    assert artifacts.weight_data[0] == 7
    assert artifacts.weight_data.readonly
    joined = artifacts.joined_weight_data()
    assert joined is not None
    assert joined.obj is data
    assert bytes(ModelArtifacts({}, SPECS, [data, b"\x01"]).joined_weight_data() or b"") == bytes(data) + b"\x01"


def test_artifacts_pickle_with_their_weights():
    artifacts = ModelArtifacts({"a": [1]}, SPECS, [bytearray(4), b"abcd"], converted_by=None, format="x")
    assert artifacts.model_topology == {"a": [1]}
    copy = pickle.loads(pickle.dumps(artifacts))
    assert copy == artifacts
    assert copy.texts() == artifacts.texts()
    binary = pickle.loads(pickle.dumps(ModelArtifacts(memoryview(b"graph"))))
    assert binary.model_topology == b"graph"


def test_a_replaced_copy_is_independent():
    artifacts = ModelArtifacts({"a": 1}, SPECS, b"12345678", format="x", signature={"s": 1})
    copy = artifacts.replace(format=None, signature=ABSENT, training_config={"loss": "mse"})
    copy.model_topology["a"] = 2
    assert artifacts.model_topology == {"a": 1}
    assert copy.texts() == {
        "modelTopology": '{"a":2}', "format": "null", "trainingConfig": '{"loss":"mse"}',
        "weightSpecs": '[{"name":"w","shape":[2],"dtype":"float32"}]',
    }  # fmt: skip
    assert copy.joined_weight_data() == memoryview(b"12345678")
    assert artifacts != copy
    with pytest.raises(TypeError, match="no field of a model: weights"):
        artifacts.replace(weights=1)


def test_a_binary_topology_has_no_json():
    artifacts = ModelArtifacts(b"graph")
    assert artifacts.has_binary_topology
    with pytest.raises(InvalidArtifactsError, match=r"^Expected JSON model topology, received ArrayBuffer\.$"):
        artifacts.info()


@pytest.mark.parametrize("data", [object(), 3, "text", [1]])
def test_weight_data_must_be_binary(data):
    with pytest.raises(InvalidArtifactsError, match="buffer"):
        ModelArtifacts({}, [], data)


NOW = datetime(2024, 5, 6, 7, 8, 9, 123_999, UTC)


def test_info_counts_json_texts_and_weight_bytes_only():
    info = ModelArtifacts({"é": "\ud800"}, SPECS, [b"1234", b"5678"], format="layers-model", signature={}).info(NOW)
    assert info.to_json() == (
        '{"dateSaved":"2024-05-06T07:08:09.123Z","modelTopologyType":"JSON","modelTopologyBytes":15,'
        '"weightSpecsBytes":44,"weightDataBytes":8}'
    )
    assert ModelArtifactsInfo.from_json(info.to_json()) == info
    assert info.date_saved == datetime(2024, 5, 6, 7, 8, 9, 123_000, UTC)


def test_info_counts_nothing_where_nothing_is():
    assert ModelArtifacts().info(NOW).to_json() == (
        '{"dateSaved":"2024-05-06T07:08:09.123Z","modelTopologyType":"JSON","modelTopologyBytes":0,'
        '"weightSpecsBytes":0,"weightDataBytes":0}'
    )
    assert ModelArtifacts(None, None, None).info(NOW) == ModelArtifacts().info(NOW)
    empty_list = ModelArtifacts({}, [], []).info(NOW)
    assert empty_list.weight_data_bytes is None
    assert empty_list.to_json().endswith('"modelTopologyBytes":2,"weightSpecsBytes":2}')


def test_infos_of_other_writers_are_read_as_far_as_they_go():
    foreign = ModelArtifactsInfo.from_json('{"dateSaved":null,"modelTopologyType":"JSON","weightDataBytes":3}')
    assert (foreign.date_saved, foreign.model_topology_bytes, foreign.weight_data_bytes) == (None, None, 3)
    for date in ("3", '"x"', '"+010000-01-01T00:00:00.000Z"', "{}"):
        assert ModelArtifactsInfo.from_json(f'{{"dateSaved":{date}}}').date_saved is None
    for size in ("-1", "true", '"3"', "1.5"):
        assert ModelArtifactsInfo.from_json(f'{{"weightDataBytes":{size}}}').weight_data_bytes is None
    for text in ("null", "[]", "3", "{", ""):
        with pytest.raises(InvalidArtifactsError):
            ModelArtifactsInfo.from_json(text)


def test_the_weights_of_arrays_are_one_buffer():
    kernel, bias = numpy.ones((2, 3), numpy.float32), numpy.zeros(3, numpy.float32)
    artifacts = ModelArtifacts.from_weights(topology={"a": 1}, weights={"k": kernel, "b": bias}, format="layers-model")
    assert (artifacts.weight_data_bytes, len(artifacts.weight_data)) == (36, 36)
    assert bytes(artifacts.weight_data) == kernel.tobytes() + bias.tobytes()
    assert artifacts.weight_data is artifacts.weight_data
    assert artifacts.weights("k")["k"].tolist() == kernel.tolist()
    assert list(artifacts.weights("b")) == ["b"]
    assert isinstance(artifacts.replace(weight_data=[b"ab", b"c"]).weight_data, list)
    assert ModelArtifacts.from_weights({}, {"k": kernel}).weight_data.obj is not None
    assert ModelArtifacts.from_weights({}, {}).weight_data == b""


def test_fields_go_by_position_in_the_contracts_order():
    given = ("layers-model", "g", "c", {"t": 1}, {"s": 1}, {"u": 1}, {"m": 1}, {"i": 1})
    a = ModelArtifacts({"a": 1}, [], b"", *given)
    read = (a.format, a.generated_by, a.converted_by, a.training_config, a.signature, a.user_defined_metadata)
    assert (*read, a.model_initializer, a.initializer_signature) == given


@pytest.mark.parametrize("shard_bytes", [None, 10])
def test_a_model_json_goes_both_ways(shard_bytes):
    artifacts = make_artifacts(weight_bytes=100)
    assert ModelArtifacts.from_model_json(*artifacts.to_model_json(shard_bytes=shard_bytes)) == artifacts
    bare = artifacts.replace(weight_specs=ABSENT, weight_data=None)
    assert ModelArtifacts.from_model_json(*bare.to_model_json()) == bare


def test_the_content_type_is_text_or_ascii():
    artifacts = make_artifacts()
    content_type, body = artifacts.to_multipart()
    assert ModelArtifacts.from_multipart(content_type.encode(), body).weight_data == artifacts.weight_data
    for wrong in (None, b"\xff", 5):
        with pytest.raises(InvalidArtifactsError, match="content type"):
            ModelArtifacts.from_multipart(wrong, body)
