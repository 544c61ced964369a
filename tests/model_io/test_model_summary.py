"""What a model consists of is read from its topology and specs alone, however odd the topology is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfjsd.model_io.model_summary import TensorSummary, summarize
from tfjsd.model_io.types import ModelArtifacts


def load(fixtures, name):
    directory = fixtures / "tfjs-models" / name
    shards = {path.name: path.read_bytes() for path in directory.glob("*.bin")}
    return ModelArtifacts.from_model_json((directory / "model.json").read_bytes(), shards)


def table(summary):
    return [(layer.name, layer.class_name, layer.depth, layer.parameters) for layer in summary.layers]


def test_a_sequential_model_of_tfjs(fixtures):
    summary = summarize(load(fixtures, "jsmlp_opt"))
    assert (summary.kind, summary.name) == ("layers-model", "jsmlp")
    assert table(summary) == [
        ("d1", "Dense", 0, 16),
        ("bn", "BatchNormalization", 0, 16),
        ("dropout_Dropout1", "Dropout", 0, 0),
        ("d2", "Dense", 0, 10),
    ]
    assert summary.inputs == (TensorSummary("d1", "float32", (None, 3)),)
    assert summary.outputs == (TensorSummary("d2"),)
    assert (summary.parameters, summary.trainable_parameters, summary.optimizer_parameters) == (42, 34, 69)
    assert [(sums.dtype, sums.weights, sums.parameters, sums.byte_length) for sums in summary.dtypes] == [
        ("float32", 8, 42, 168)
    ]
    assert [weight.shape for weight in summary.layers[0].weights] == [(3, 4), (4,)]
    assert [layer.dtype for layer in summary.layers] == ["float32", "float32", None, "float32"]


def test_a_functional_model_of_the_converter_has_a_wrapped_configuration(fixtures):
    summary = summarize(load(fixtures, "k2_cnn_h5_layers_quantize_uint8"))
    assert [row[:2] for row in table(summary)] == [
        ("img", "InputLayer"), ("conv", "Conv2D"), ("dw", "DepthwiseConv2D"), ("bn2", "BatchNormalization"),
        ("flat", "Flatten"), ("out", "Dense"),
    ]  # fmt: skip
    assert summary.inputs == (TensorSummary("img", "float32", (None, 8, 8, 1)),)
    assert summary.outputs == (TensorSummary("out"),)
    assert (summary.parameters, summary.trainable_parameters) == (226, 218)
    assert [(sums.dtype, sums.byte_length) for sums in summary.dtypes] == [("uint8", 226)]


def test_a_wrapper_layer_owns_what_is_inside(fixtures):
    summary = summarize(load(fixtures, "jsrnn"))
    assert table(summary) == [("emb", "Embedding", 0, 40), ("bi", "Bidirectional", 0, 192), ("o", "Dense", 0, 7)]
    assert summary.other_weights == ()


def test_a_graph_model_counts_operations(fixtures):
    summary = summarize(load(fixtures, "k2_cnn_h5_graph"))
    assert (summary.kind, summary.nodes, summary.layers) == ("graph-model", 13, ())
    assert next(iter(summary.ops.items())) == ("Const", 7)
    assert summary.ops["_FusedConv2D"] == 1
    assert summary.inputs == (TensorSummary("img:0", "float32", (None, 8, 8, 1)),)
    assert summary.outputs == (TensorSummary("Identity:0", "float32", (None, 2)),)
    assert summary.parameters == 212
    assert len(summary.other_weights) == 7


def test_functions_of_a_graph_count_and_a_signature_may_lie_in_the_metadata():
    topology = {"node": [{"op": "A"}], "library": {"function": [{"nodeDef": [{"op": "A"}, {"op": "B"}]}, {}]}}
    signature = {
        "inputs": {"x": {"name": "x:0", "dtype": "DT_INT32", "tensorShape": {"dim": [{"size": "-1"}, {"size": "4"}]}}}
    }
    summary = summarize(ModelArtifacts(topology, user_defined_metadata={"signature": signature}))
    assert dict(summary.ops) == {"A": 2, "B": 1}
    assert summary.inputs == (TensorSummary("x:0", "int32", (None, 4)),)


def spec(name, size=1, dtype="float32"):
    return {"name": name, "shape": [size], "dtype": dtype}


def test_a_model_inside_a_model_is_listed_below_it():
    def dense(name, **config):
        return {"class_name": "Dense", "config": {"name": name, **config}}

    inner = {
        "class_name": "Functional",
        "config": {"name": "inner", "layers": [dense("a"), dense("b/c")], "trainable": False},
    }
    topology = {"class_name": "Sequential", "config": [inner, dense("a2", dtype={"config": {"name": "float16"}})]}
    specs = [spec("a/kernel", 2), spec("inner/b/c/bias", 3), spec("inner/x", 4), spec("a2/kernel", 5), spec("lost", 6)]
    summary = summarize(ModelArtifacts(topology, specs))
    assert table(summary) == [
        ("inner", "Functional", 0, 4),
        ("a", "Dense", 1, 2),
        ("b/c", "Dense", 1, 3),
        ("a2", "Dense", 0, 5),
    ]
    assert [weight.name for weight in summary.other_weights] == ["lost"]
    assert (summary.parameters, summary.trainable_parameters) == (20, 11)
    assert summary.layers[3].dtype == "float16"


def test_strings_have_no_known_size():
    summary = summarize(ModelArtifacts({}, [spec("s", 3, "string"), spec("w", 4)]))
    assert [(sums.dtype, sums.byte_length) for sums in summary.dtypes] == [("float32", 16), ("string", None)]
    assert summary.kind == "unknown"


def test_odd_configurations_of_keras_3():
    layer = {"class_name": "InputLayer", "config": {"name": "i", "batch_shape": [None, 2.5]}}
    topology = {"config": {"layers": [layer], "output_layers": ["o", 0, 0]}}
    summary = summarize(ModelArtifacts(topology))
    assert summary.inputs == (TensorSummary("i", None, (None, None)),)
    assert summary.outputs == (TensorSummary("o"),)


KEYS = [
    "config", "layers", "name", "node", "op", "model_config", "class_name", "dtype", "library", "function", "nodeDef",
    "output_layers", "batch_input_shape", "signature", "inputs", "tensorShape", "dim", "size",
]  # fmt: skip
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["InputLayer", "a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=25,
)


@given(odd, odd)
@settings(deadline=None, max_examples=300)
def test_no_topology_is_too_odd(topology, signature):
    summary = summarize(ModelArtifacts(topology, [spec("a/b", 2)], signature=signature))
    assert summary.parameters == 2


@pytest.mark.parametrize("topology", [None, [], "x", 3, b"binary"])
def test_a_topology_that_is_no_object_has_no_layers(topology):
    assert summarize(ModelArtifacts(topology)).layers == ()
