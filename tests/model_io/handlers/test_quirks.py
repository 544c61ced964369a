"""Each fault of TensorFlow.js, switched on by itself, does what TensorFlow.js does; switched off, nothing of it happens.

The facts: tfjs 4.22.0 observed in Chromium 156, Firefox 153 and WebKitGTK 2.50.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tfjsd
from tfjsd.embedded import EmbeddedStore
from tfjsd.errors import (
    InvalidArtifactsError,
    ModelNotFoundError,
    NeverSettlesError,
    QuotaExceededError,
    TfjsdError,
)
from tfjsd.model_io import file_system, http_request, with_save_handler
from tfjsd.model_io.quirks import NO_QUIRKS, TFJS_4_22, Fault, quirks_named
from tfjsd.model_io.types import ModelArtifacts, SaveResult
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI, Browser

LOCAL_STORAGE_QUOTA = 20_000
BUCKET_QUOTA = 100_000
Opener = Callable[..., EmbeddedStore]


@pytest.fixture
def open_store() -> Iterator[Opener]:
    """Opens stores in memory with small quotas and the given faults."""
    opened: list[EmbeddedStore] = []

    def open_with(*faults: Fault, browser: Browser = CHROME) -> EmbeddedStore:
        small = browser.derive(local_storage_quota=LOCAL_STORAGE_QUOTA, bucket_quota=BUCKET_QUOTA)
        opened.append(tfjsd.open_store(None, browser=small, quirks=faults))
        return opened[-1]

    yield open_with
    for store in opened:
        store.close()


def model(size: int, fill: int = 1) -> ModelArtifacts:
    specs = [{"name": "w", "shape": [size], "dtype": "uint8"}]
    return ModelArtifacts({"class_name": "Model", "n": fill}, specs, bytes([fill]) * size, format="layers-model")


SMALL = model(100)
TOO_LARGE_FOR_LOCAL_STORAGE = model(30_000, 2)
TOO_LARGE_FOR_INDEXEDDB = model(200_000, 3)


def everything_but(fault: Fault) -> list[Fault]:
    return [other for other in Fault if other is not fault]


# -- Names -------------------------------------------------------------------------------------------------------------


def test_a_version_names_all_faults():
    assert quirks_named("tfjs-4.22") == quirks_named("tfjs-4.22.0") == TFJS_4_22 == frozenset(Fault)


@pytest.mark.parametrize("names", [None, "", "none", [], ()])
def test_no_fault(names):
    assert quirks_named(names) == NO_QUIRKS


def test_single_faults_and_several():
    assert quirks_named("orphan-info") == {Fault.ORPHAN_INFO}
    assert quirks_named("orphan-info, zero-shards") == {Fault.ORPHAN_INFO, Fault.ZERO_SHARDS}
    assert quirks_named([Fault.ORPHAN_INFO, "zero-shards"]) == {Fault.ORPHAN_INFO, Fault.ZERO_SHARDS}


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no quirk named 'orphan'; there are: .*tfjs-4.22.*orphan-info"):
        quirks_named("orphan")
    with pytest.raises(ValueError, match="no quirk named"):
        tfjsd.open_store(None, quirks="orphan")


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_says_what_it_does_and_where_it_comes_from(fault: Fault):
    assert fault.source.startswith(("tfjs-core/src/io/", "tfjs-node/src/io/"))
    assert fault.effect.endswith(".")
    documented = (Path(__file__).parents[3] / "docs" / "quirks.md").read_text(encoding="utf-8")
    assert f"`{fault}`" in documented
    assert fault.source.partition(" ")[0] in documented


def test_the_default_is_none(open_store: Opener):
    assert open_store().storage.models.__class__.__name__ == "Models"


@pytest.mark.parametrize("faults", [(), *((fault,) for fault in Fault), tuple(Fault)], ids=str)
def test_what_is_no_fault_works_whatever_is_switched_on(open_store: Opener, faults: tuple[Fault, ...]):
    store = open_store(*faults)
    for medium in ("localstorage", "indexeddb"):
        info = store.save(f"{medium}://a", SMALL).model_artifacts_info
        assert info.weight_data_bytes == 100
        assert store.copy_model(f"{medium}://a", f"{medium}://b").weight_data_bytes == 100
        store.move_model(f"{medium}://b", f"{medium}://c")
    store.move_model("localstorage://c", "indexeddb://d")
    assert list(store.list_models()) == ["localstorage://a", "indexeddb://a", "indexeddb://c", "indexeddb://d"]
    assert store.load("indexeddb://d") == SMALL
    with pytest.raises(tfjsd.ModelExistsError):
        store.save("indexeddb://a", SMALL, overwrite=False)
    with pytest.raises(tfjsd.UnsupportedURLError, match="Old path and new path are the same"):
        store.move_model("indexeddb://a", "indexeddb://a")
    store.remove_model("indexeddb://d")
    with pytest.raises(ModelNotFoundError):
        store.move_model("indexeddb://d", "indexeddb://e")


# -- move-deletes-first ------------------------------------------------------------------------------------------------


def test_a_move_that_does_not_fit_loses_the_model(open_store: Opener):
    store = open_store(Fault.MOVE_DELETES_FIRST)
    store.save("indexeddb://big", TOO_LARGE_FOR_LOCAL_STORAGE)
    with pytest.raises(QuotaExceededError, match="Failed to save model 'big' to local storage"):
        store.move_model("indexeddb://big", "localstorage://big")
    assert store.list_models() == {}


def test_a_move_to_a_handler_that_fails_loses_the_model(open_store: Opener):
    def fail(artifacts: ModelArtifacts) -> SaveResult:
        raise TfjsdError("no")

    for faults, left in (((Fault.MOVE_DELETES_FIRST,), []), (tuple(everything_but(Fault.MOVE_DELETES_FIRST)), ["m"])):
        store = open_store(*faults)
        store.save("indexeddb://m", SMALL)
        with pytest.raises(TfjsdError, match="no"):
            store.move_model("indexeddb://m", with_save_handler(fail))
        assert list(store.list_models()) == [f"indexeddb://{path}" for path in left]


def test_without_that_fault_a_move_keeps_the_model(open_store: Opener):
    store = open_store(*everything_but(Fault.MOVE_DELETES_FIRST))
    store.save("indexeddb://big", TOO_LARGE_FOR_LOCAL_STORAGE)
    with pytest.raises(QuotaExceededError):
        store.move_model("indexeddb://big", "localstorage://big")
    assert store.load("indexeddb://big") == TOO_LARGE_FOR_LOCAL_STORAGE


# -- overwrite-destroys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [15_000, 30_000])  # refused by the quota; refused before it is encoded
def test_an_overwrite_that_does_not_fit_destroys_what_was_there(open_store: Opener, size: int):
    store = open_store(Fault.OVERWRITE_DESTROYS)
    store.local_storage()["other"] = "kept"
    store.save("localstorage://m", SMALL)
    with pytest.raises(QuotaExceededError, match="Failed to save model 'm' to local storage"):
        store.save("localstorage://m", model(size))
    assert store.list_models() == {}
    assert dict(store.local_storage()) == {"other": "kept"}


def test_a_copy_that_does_not_fit_destroys_what_was_there(open_store: Opener):
    store = open_store(Fault.OVERWRITE_DESTROYS)
    store.save("localstorage://m", SMALL)
    store.save("indexeddb://big", TOO_LARGE_FOR_LOCAL_STORAGE)
    with pytest.raises(QuotaExceededError):
        store.copy_model("indexeddb://big", "localstorage://m")
    assert list(store.list_models()) == ["indexeddb://big"]


def test_without_that_fault_an_overwrite_keeps_what_was_there(open_store: Opener):
    store = open_store(*everything_but(Fault.OVERWRITE_DESTROYS))
    store.save("localstorage://m", SMALL)
    with pytest.raises(QuotaExceededError):
        store.save("localstorage://m", TOO_LARGE_FOR_LOCAL_STORAGE)
    assert store.load("localstorage://m") == SMALL


# -- orphan-info and full-indexeddb ------------------------------------------------------------------------------------


@pytest.mark.parametrize("browser", [CHROME, FIREFOX, SAFARI], ids=lambda browser: browser.name)
def test_a_failed_save_to_indexeddb_leaves_an_orphan_info(open_store: Opener, browser: Browser):
    store = open_store(Fault.ORPHAN_INFO, browser=browser)
    with pytest.raises(QuotaExceededError):
        store.save("indexeddb://big", TOO_LARGE_FOR_INDEXEDDB)
    assert list(store.list_models()) == ["indexeddb://big"]
    with pytest.raises(ModelNotFoundError, match="Cannot find model with path 'big' in IndexedDB"):
        store.load("indexeddb://big")
    store.remove_model("indexeddb://big")
    assert store.list_models() == {}


def test_a_failed_overwrite_leaves_the_old_model_under_the_new_info(open_store: Opener):
    store = open_store(Fault.ORPHAN_INFO)
    store.save("indexeddb://m", SMALL)
    with pytest.raises(QuotaExceededError):
        store.save("indexeddb://m", TOO_LARGE_FOR_INDEXEDDB)
    assert store.list_models()["indexeddb://m"].weight_data_bytes == 200_000
    assert store.load("indexeddb://m") == SMALL


@pytest.mark.parametrize("faults", [(), (Fault.FULL_INDEXEDDB,), tuple(everything_but(Fault.ORPHAN_INFO))], ids=len)
def test_without_that_fault_there_is_no_orphan(open_store: Opener, faults: tuple[Fault, ...]):
    store = open_store(*faults, browser=SAFARI)
    with pytest.raises(QuotaExceededError):
        store.save("indexeddb://big", TOO_LARGE_FOR_INDEXEDDB)
    assert store.list_models() == {}


@pytest.mark.parametrize("faults", [(Fault.FULL_INDEXEDDB,), tuple(Fault)], ids=len)
def test_a_save_to_a_full_indexeddb_resolves_in_chrome(open_store: Opener, faults: tuple[Fault, ...]):
    store = open_store(*faults)
    info = store.save("indexeddb://big", TOO_LARGE_FOR_INDEXEDDB).model_artifacts_info
    assert info.weight_data_bytes == 200_000
    with pytest.raises(ModelNotFoundError):
        store.load("indexeddb://big")


@pytest.mark.parametrize("faults", [(Fault.FULL_INDEXEDDB,), tuple(Fault)], ids=len)
def test_a_save_to_a_full_indexeddb_never_settles_in_firefox(open_store: Opener, faults: tuple[Fault, ...]):
    store = open_store(*faults, browser=FIREFOX)
    with pytest.raises(NeverSettlesError, match="to 'indexeddb://big' never settles") as caught:
        store.save("indexeddb://big", TOO_LARGE_FOR_INDEXEDDB)
    assert isinstance(caught.value.__cause__, QuotaExceededError)
    assert list(store.list_models()) == (["indexeddb://big"] if Fault.ORPHAN_INFO in faults else [])


@pytest.mark.parametrize("faults", [(Fault.FULL_INDEXEDDB,), tuple(Fault)], ids=len)
def test_a_save_to_a_full_indexeddb_rejects_in_safari(open_store: Opener, faults: tuple[Fault, ...]):
    store = open_store(*faults, browser=SAFARI)
    with pytest.raises(QuotaExceededError, match="not enough space for domain"):
        store.save("indexeddb://big", TOO_LARGE_FOR_INDEXEDDB)


def test_without_that_fault_a_save_to_a_full_indexeddb_is_refused(open_store: Opener):
    for browser in (CHROME, FIREFOX, SAFARI):
        with pytest.raises(QuotaExceededError):
            open_store(*everything_but(Fault.FULL_INDEXEDDB), browser=browser).save(
                "indexeddb://big", TOO_LARGE_FOR_INDEXEDDB
            )


# -- truncated-url -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", ["localstorage", "indexeddb"])
def test_a_move_removes_the_model_of_the_truncated_path(open_store: Opener, medium: str):
    store = open_store(Fault.TRUNCATED_URL)
    store.save(f"{medium}://a", model(10, 1))
    store.save(f"{medium}://a://b", model(10, 2))
    store.move_model(f"{medium}://a://b", f"{medium}://c")
    assert sorted(store.list_models()) == [f"{medium}://a://b", f"{medium}://c"]
    assert store.load(f"{medium}://c") == model(10, 2)


def test_a_removal_of_such_a_path_does_not_find_it(open_store: Opener):
    store = open_store(Fault.TRUNCATED_URL)
    store.save("localstorage://localstorage://m", SMALL)
    with pytest.raises(ModelNotFoundError, match=r"^Cannot find model at path 'localstorage'$"):
        store.remove_model("localstorage://localstorage://m")


def test_without_that_fault_the_path_is_whole(open_store: Opener):
    store = open_store(*everything_but(Fault.TRUNCATED_URL))
    store.save("indexeddb://a", SMALL)
    store.save("indexeddb://a://b", SMALL)
    store.move_model("indexeddb://a://b", "indexeddb://c://d")
    store.remove_model("indexeddb://c://d")
    assert list(store.list_models()) == ["indexeddb://a"]


# -- undefined-text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("browser", "message"),
    [
        (CHROME, '"undefined" is not valid JSON'),
        (FIREFOX, "JSON.parse: unexpected character at line 1 column 1 of the JSON data"),
        (SAFARI, 'JSON Parse error: Unexpected identifier "undefined"'),
    ],
    ids=["chrome", "firefox", "safari"],
)
def test_what_is_undefined_is_stored_as_that_word(open_store: Opener, browser: Browser, message: str):
    store = open_store(Fault.UNDEFINED_TEXT, browser=browser)
    info = store.save("localstorage://m", ModelArtifacts(format="layers-model")).model_artifacts_info
    assert (info.model_topology_bytes, info.weight_specs_bytes, info.weight_data_bytes) == (0, 0, 0)
    items = store.local_storage()
    assert items["tensorflowjs_models/m/model_topology"] == "undefined"
    assert items["tensorflowjs_models/m/weight_specs"] == "undefined"
    assert items["tensorflowjs_models/m/weight_data"] == ""
    with pytest.raises(InvalidArtifactsError) as caught:
        store.load("localstorage://m")
    assert str(caught.value) == message
    assert list(store.list_models()) == ["localstorage://m"]
    store.remove_model("localstorage://m")


def test_without_that_fault_what_could_not_be_loaded_is_refused(open_store: Opener):
    store = open_store(*everything_but(Fault.UNDEFINED_TEXT))
    with pytest.raises(InvalidArtifactsError, match="no model topology"):
        store.save("localstorage://m", ModelArtifacts(format="layers-model"))
    store.save("localstorage://m", ModelArtifacts({}))
    assert store.load("localstorage://m").model_topology == {}


# -- The handlers' faults ----------------------------------------------------------------------------------------------


@pytest.fixture
def missing_weights(web_server) -> str:
    """A model whose weights are answered by a page of exactly their size, with status 404."""
    manifest = [{"paths": ["w"], "weights": [{"name": "w", "shape": [5], "dtype": "float32"}]}]
    web_server.serve("/w", b"<html>not found.....", 404)
    url: str = web_server.serve("/model.json", json.dumps({"modelTopology": {}, "weightsManifest": manifest}))
    return url


def test_the_page_of_a_404_becomes_weights(missing_weights: str):
    loaded = http_request(missing_weights, quirks="unchecked-weights").load()
    assert bytes(loaded.joined_weight_data() or b"") == b"<html>not found....."


def test_weights_of_any_size_are_taken(web_server, missing_weights: str):
    web_server.serve("/w", b"<html>")
    loaded = http_request(missing_weights, quirks="unchecked-weights").load()
    assert bytes(loaded.joined_weight_data() or b"") == b"<html>"
    with pytest.raises(InvalidArtifactsError):
        loaded.weights()["w"]


def test_without_that_fault_a_404_is_an_error(missing_weights: str):
    with pytest.raises(tfjsd.HTTPStatusError, match="404"):
        http_request(missing_weights, quirks=everything_but(Fault.UNCHECKED_WEIGHTS)).load()


def test_shards_become_zero_bytes(tmp_path: Path):
    sharded = SMALL.replace(weight_data=[b"a" * 40, b"b" * 40, b"c" * 20])
    info = file_system(tmp_path, quirks="zero-shards").save(sharded).model_artifacts_info
    assert info.weight_data_bytes == 100
    assert (tmp_path / "weights.bin").read_bytes() == b"\0\0\0"


def test_one_buffer_is_saved_as_it_is(tmp_path: Path):
    file_system(tmp_path, quirks="zero-shards").save(SMALL)
    assert file_system(tmp_path / "model.json").load() == SMALL


def test_without_that_fault_shards_are_weights(tmp_path: Path):
    sharded = SMALL.replace(weight_data=[b"a" * 40, b"b" * 60])
    file_system(tmp_path, quirks=everything_but(Fault.ZERO_SHARDS)).save(sharded)
    assert file_system(tmp_path / "model.json").load() == sharded


def test_a_store_hands_its_faults_to_the_handlers_it_makes(open_store: Opener, tmp_path: Path, missing_weights: str):
    sharded = SMALL.replace(weight_data=[b"a" * 40, b"b" * 60])
    faulty, sound = open_store(*Fault), open_store()
    faulty.save(tmp_path / "faulty", sharded)
    sound.save(tmp_path / "sound", sharded)
    assert (tmp_path / "faulty" / "weights.bin").read_bytes() == b"\0\0"
    assert len((tmp_path / "sound" / "weights.bin").read_bytes()) == 100
    assert faulty.load(missing_weights).weight_data_bytes == 20
    with pytest.raises(tfjsd.HTTPStatusError):
        sound.load(missing_weights)
