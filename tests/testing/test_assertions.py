"""What the assertions say when they fail."""

import numpy
import pytest

import tfjsd
from tfjsd.testing import assert_models_equal, assert_quota_exceeded, make_artifacts


def model(**arrays) -> tfjsd.ModelArtifacts:
    return tfjsd.ModelArtifacts.from_weights({"class_name": "Sequential"}, arrays, format="layers-model")


def complaint(actual, expected, rtol=0) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_models_equal(actual, expected, rtol)
    return str(caught.value)


def test_equal_models_pass_whatever_their_shards():
    artifacts = make_artifacts(weight_bytes=4000, layers=3)
    data = artifacts.joined_weight_data()
    assert_models_equal(artifacts, artifacts.replace(weight_data=[data[:7], data[7:]]))


def test_it_says_which_weight_differs():
    a = model(w=numpy.arange(6, dtype="f4").reshape(2, 3), v=numpy.zeros(2, "i4"))
    b = model(w=numpy.array([[0, 1, 2], [3, 4, 5.001]], "f4"), v=numpy.zeros(2, "i4"))
    assert complaint(a, b) == "the models differ:\n  weight 'w' (float32 [2, 3]) differs from byte 20 of 24 on"
    assert_models_equal(a, b, rtol=0.01)
    assert (
        "'w' (float32 [2, 3]) differs in 1 of 6 values by more than 1e-05, first at [1, 2]: 5.0, not 5.00"
        in complaint(a, b, rtol=1e-5)
    )


def test_it_says_which_weight_is_missing_or_other():
    a, b = model(w=numpy.zeros(2, "f4"), x=numpy.zeros(1, "f4")), model(w=numpy.zeros(3, "f4"), y=numpy.zeros(1, "f4"))
    assert complaint(a, b).splitlines()[1:] == [
        "  weight 'w' is float32 [2], not float32 [3]",
        "  weight 'y' is missing",
        "  weight 'x' was not expected",
    ]
    order = complaint(
        model(a=numpy.zeros(1, "f4"), b=numpy.zeros(1, "f4")), model(b=numpy.zeros(1, "f4"), a=numpy.zeros(1, "f4"))
    )
    assert "another order: a, b" in order


def test_it_says_which_field_differs():
    a = make_artifacts()
    text = complaint(a.replace(format="graph-model", converted_by=tfjsd.model_io.types.ABSENT), a)
    assert 'format differs at character 1: "graph-model", not "layers-model"' in text
    assert "convertedBy is absent, not null" in text


def test_quota_errors_of_all_kinds_are_known():
    assert_quota_exceeded(tfjsd.QuotaExceededError("x", unit="utf16"), unit="utf16")
    for message in (
        "Page.evaluate: Error: Failed to save model 'm' to local storage: size quota being exceeded is a possible cause "
        "of this failure: modelTopologyBytes=523, weightSpecsBytes=58, weightDataBytes=3931428.",
        "Page.evaluate: QuotaExceededError: Failed to execute 'setItem' on 'Storage': Setting the value of 'k' exceeded the quota.",
        "Page.evaluate: The quota has been exceeded.",
    ):
        assert_quota_exceeded(RuntimeError(message))
    with pytest.raises(tfjsd.QuotaExceededError) as caught:
        raise tfjsd.QuotaExceededError("x")
    assert_quota_exceeded(caught)


def test_other_errors_are_not():
    with pytest.raises(AssertionError, match="says nothing of a quota: ValueError"):
        assert_quota_exceeded(ValueError("disk on fire"))
    with pytest.raises(AssertionError, match="counts in disk, not in utf16"):
        assert_quota_exceeded(tfjsd.QuotaExceededError("x", unit="disk"), unit="utf16")
    with pytest.raises(AssertionError, match="no quota was exceeded"), assert_quota_exceeded():
        pass
    with pytest.raises(AssertionError, match="says nothing of a quota"), assert_quota_exceeded():
        raise ValueError("other")
    with pytest.raises(KeyboardInterrupt), assert_quota_exceeded():
        raise KeyboardInterrupt
