"""Any model URL crosses the wire as itself."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tfjsd.errors import BadRequestError, UnsupportedURLError
from tfjsd.wire.model_path import joined_surrogates, model_target, parse_model_target, split_target

PATHS = st.text(st.characters(exclude_categories=()), max_size=60).map(joined_surrogates)


def parsed(target):
    return parse_model_target(*split_target(target))


@settings(deadline=None)
@given(path=PATHS, artifact=st.sampled_from([None, "model.json", "weights.bin"]))
@example(path="", artifact=None)
@example(path=".", artifact="model.json")
@example(path="..", artifact=None)
@example(path="a/b://c?d#e%2F+", artifact="weights.bin")
@example(path="\ud800x\udc00", artifact=None)
@example(path="é" * 4096, artifact=None)
@example(path="model.json", artifact=None)
def test_every_path_survives(path, artifact):
    target = model_target(f"indexeddb://{path}", artifact=artifact, query={"origin": "https://a.example"})
    assert target.isascii()
    assert " " not in target
    found = parsed(target)
    assert (found.url, found.artifact) == (f"indexeddb://{path}", artifact)
    assert split_target(target)[1]["origin"] == "https://a.example"


def test_the_documented_form():
    assert model_target("indexeddb://my/model") == "/v1/models/indexeddb/my%2Fmodel"
    assert model_target("indexeddb://..") == "/v1/models/indexeddb?path=.."


def test_a_lone_surrogate_is_its_three_bytes():
    assert model_target("localstorage://\ud800") == "/v1/models/localstorage/%ED%A0%80"


def test_a_url_without_a_scheme_is_refused_with_the_text_of_tfjs():
    with pytest.raises(UnsupportedURLError, match=r"^The url string provided does not contain a scheme\."):
        model_target("model")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/models/indexeddb/a/b",
        "/v1/models/indexeddb/a/model.json/x",
        "/v1/models/indexeddb/%ff",
        "/v1/models/indexeddb?path=%ff",
        "/v1/models/indexeddb?path=a&path=b",
        "/v1/other",
    ],
)
def test_a_malformed_target_is_a_bad_request(target):
    with pytest.raises(BadRequestError):
        parsed(target)
