"""Generated models."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from tfjsd.testing import make_artifacts


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 5000), st.integers(1, 6), st.integers(0, 3))
def test_any_number_of_bytes_over_any_number_of_layers(weight_bytes, layers, seed):
    if layers > 1 and weight_bytes // 4 < layers:
        with pytest.raises(ValueError, match="too few"):
            make_artifacts(weight_bytes=weight_bytes, layers=layers)
        return
    artifacts = make_artifacts(weight_bytes=weight_bytes, layers=layers, seed=seed)
    artifacts.check()
    assert artifacts.weight_data_bytes == weight_bytes
    shown = artifacts.model_topology["config"]["layers"]
    assert len(shown) == layers
    inputs = shown[0]["config"]["batch_input_shape"][1]
    specs = {spec["name"]: spec["shape"] for spec in artifacts.weight_specs}
    for layer in shown:
        config = layer["config"]
        assert specs[f"{config['name']}/kernel"] == [inputs, config["units"]]
        assert (f"{config['name']}/bias" in specs) == config["use_bias"]
        inputs = config["units"]


def test_json_is_byte_for_byte_what_tensorflow_js_writes():
    """A Dense layer of 982,856 units, zeros as its initializer: 523 and 58 bytes (recorded)."""
    artifacts = make_artifacts(units=982_856)
    info = artifacts.info()
    assert (info.model_topology_bytes, info.weight_specs_bytes, info.weight_data_bytes) == (523, 58, 3_931_424)


def test_weights_depend_on_the_seed_and_are_finite():
    import numpy

    a, b, c = (make_artifacts(units=1000, layers=2, seed=seed) for seed in (1, 1, 2))
    assert a == b
    assert a != c
    values = numpy.concatenate([array.ravel() for array in a.weights().values()])
    assert len(values) == 2000
    assert ((numpy.abs(values) >= 0.5) & (numpy.abs(values) < 2)).all()
    assert (values < 0).any()


def test_contradictions_are_refused():
    with pytest.raises(ValueError, match="not both"):
        make_artifacts(units=1, weight_bytes=4)
    with pytest.raises(ValueError, match="at least one layer"):
        make_artifacts(layers=0)
