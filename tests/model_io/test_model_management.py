"""The four manager operations, save and load, over both media of one origin and on both engines.

The cases of tfjs-core's model_management_test.ts, local_storage_test.ts and indexed_db_test.ts that concern behaviour,
restated; and where tfjs loses data, the proof that nothing is lost here.
"""

import hashlib
import json
from pathlib import Path

import pytest

from tfjsd.embedded import open_store
from tfjsd.errors import (
    CorruptionError,
    InvalidArtifactsError,
    ModelExistsError,
    ModelNotFoundError,
    QuotaExceededError,
    UnsupportedURLError,
)
from tfjsd.model_io.artifacts_info import ModelArtifactsInfo, infos_of
from tfjsd.model_io.origin import Origins
from tfjsd.model_io.stored_model import StoredModel
from tfjsd.model_io.types import ModelArtifacts
from tfjsd.storage_backends.browsers import CHROME, FIREFOX, SAFARI
from tfjsd.storage_backends.engines.leveldb import leveldb_factory
from tfjsd.storage_backends.engines.memory import memory_engine
from tfjsd.storage_backends.home import Home

FIXTURES = Path(__file__).parents[1] / "fixtures"
TOPOLOGY = (
    '{"class_name":"Sequential","keras_version":"2.1.4","config":[{"class_name":"Dense"}],"backend":"tensorflow"}'
)
SPECS = '[{"name":"dense/kernel","shape":[3,1],"dtype":"float32"},{"name":"dense/bias","shape":[1],"dtype":"float32"}]'
MEDIA = ("localstorage", "indexeddb")


class SettableClock:
    def __init__(self) -> None:
        self.time = 1_795_207_239_623

    def now(self) -> int:
        return self.time


def model(fill: int = 0, size: int = 16, **texts: str) -> StoredModel:
    kept = {"modelTopology": TOPOLOGY, "weightSpecs": SPECS, "format": '"layers-model"', "convertedBy": "null", **texts}
    if size != 16:
        kept["weightSpecs"] = json.dumps([{"name": "w", "shape": [size], "dtype": "bool"}], separators=(",", ":"))
    return StoredModel(kept, memoryview(bytes([fill]) * size))


@pytest.fixture
def clock():
    return SettableClock()


@pytest.fixture(params=["memory", "leveldb"])
def origins(request, tmp_path, clock):
    path, engines = (None, memory_engine) if request.param == "memory" else (tmp_path / "home", leveldb_factory())
    home = Home(path, engines=engines, clock=clock)
    yield Origins(home, CHROME, clock)
    home.close()


@pytest.fixture
def models(origins):
    return origins.get("http://localhost").models


@pytest.fixture
def area(origins):
    return origins.get("http://localhost").area


def weights(models, url) -> bytes:
    return bytes(models.artifacts(url).joined_weight_data())


@pytest.mark.parametrize("medium", MEDIA)
def test_a_saved_model_is_loaded_as_it_was(models, medium):
    url = f"{medium}://m"
    info = models.save(url, model(7, userDefinedMetadata='{"a":"中文"}', trainingConfig='{"loss":"x"}')).result()
    assert info.to_json() == (
        f'{{"dateSaved":"2026-11-20T20:40:39.623Z","modelTopologyType":"JSON","modelTopologyBytes":{len(TOPOLOGY)},'
        f'"weightSpecsBytes":{len(SPECS)},"weightDataBytes":16}}'
    )
    loaded = models.artifacts(url)
    assert loaded.texts() == {
        "modelTopology": TOPOLOGY,
        "format": '"layers-model"',
        "convertedBy": "null",
        "trainingConfig": '{"loss":"x"}',
        "weightSpecs": SPECS,
        "userDefinedMetadata": '{"a":"中文"}',
    }
    assert bytes(loaded.joined_weight_data()) == bytes([7]) * 16
    assert models.info(url) == info


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("size", [0, 1, 131_072, 131_073, 1_000_000])
def test_weights_of_every_size_come_back(models, medium, size):
    models.save(f"{medium}://m", model(3, size)).result()
    assert weights(models, f"{medium}://m") == bytes([3]) * size


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize(
    "path", ["a/b", "/a/", "a//b", " a ", "模型", "%20", "?#:", "..", "\x00", "\ud800", "a://b", "__proto__"]
)
def test_paths_are_verbatim(models, medium, path):
    url = f"{medium}://{path}"
    models.save(url, model(1)).result()
    assert list(models.list_models_text()) == [url]
    assert weights(models, url) == bytes([1]) * 16
    models.remove(url).result()
    assert models.list_models_text() == {}


def test_the_list_has_local_storage_first_and_integer_like_paths_first(models):
    for url in (
        "indexeddb://b",
        "indexeddb://10",
        "indexeddb://9",
        "indexeddb://a",
        "localstorage://z",
        "localstorage://7",
    ):
        models.save(url, model()).result()
    assert list(models.list_models_text()) == [
        "localstorage://7",
        "localstorage://z",
        "indexeddb://9",
        "indexeddb://10",
        "indexeddb://a",
        "indexeddb://b",
    ]


def test_the_infos_of_many_texts_are_those_of_each(models):
    for number in range(3):
        models.save(f"indexeddb://{number}", model(number)).result()
    texts = models.list_models_text() | {"indexeddb://foreign": '{"dateSaved":"never","weightDataBytes":-1}'}
    assert infos_of(texts) == {url: ModelArtifactsInfo.from_json(text) for url, text in texts.items()}


def test_an_overwrite_is_seen_in_the_list_at_once(models, clock):
    models.save("indexeddb://m", model(1)).result()
    before = models.list_models_text()
    assert json.loads(models.list_models_json()) == {url: json.loads(text) for url, text in before.items()}
    clock.time += 60_000
    models.save("indexeddb://m", model(2)).result()
    assert before != models.list_models_text()
    assert models.list_models_json() == f'{{"indexeddb://m":{models.list_models_text()["indexeddb://m"]}}}'
    assert weights(models, "indexeddb://m") == bytes([2]) * 16


@pytest.mark.parametrize("source", MEDIA)
@pytest.mark.parametrize("dest", MEDIA)
@pytest.mark.parametrize("size", [16, 300_000])
def test_copy_and_move_between_all_media(models, clock, source, dest, size):
    a, b, c = f"{source}://a", f"{dest}://b", f"{dest}://c"
    models.save(a, model(5, size)).result()
    clock.time += 1000
    copied = models.copy(a, b).result()
    assert copied.date_saved == models.info(a).date_saved.replace(second=40)
    assert weights(models, a) == weights(models, b) == bytes([5]) * size
    models.move(a, c).result()
    assert set(models.list_models_text()) == {b, c}
    assert weights(models, c) == bytes([5]) * size
    assert models.artifacts(c).texts() == models.artifacts(b).texts()
    models.remove(b).result()
    assert weights(models, c) == bytes([5]) * size


@pytest.mark.parametrize("medium", MEDIA)
def test_a_mapped_model_outlives_its_removal(models, medium):
    models.save(f"{medium}://m", model(9, 200_000)).result()
    loaded = models.artifacts(f"{medium}://m")
    models.remove(f"{medium}://m").result()
    assert bytes(loaded.joined_weight_data()) == bytes([9]) * 200_000


def test_what_the_manager_saves_lies_in_local_storage_as_tfjs_lays_it_out(models, area):
    models.save("localstorage://m", model(0, signature='{"x":1}', modelInitializer="null")).result()
    assert dict(area.items()) == {
        "tensorflowjs_models/m/info": models.list_models_text()["localstorage://m"],
        "tensorflowjs_models/m/model_topology": TOPOLOGY,
        "tensorflowjs_models/m/weight_specs": SPECS,
        "tensorflowjs_models/m/weight_data": "AAAAAAAAAAAAAAAAAAAAAA==",
        "tensorflowjs_models/m/model_metadata": '{"format":"layers-model","convertedBy":null,"signature":{"x":1}}',
    }


def dumped(name: str) -> dict[str, str]:
    return json.loads((FIXTURES / "tfjs-in-browser" / name).read_text())["items"]


@pytest.mark.parametrize("name", ["tfjs_localstorage_dump_chromium.json", "tfjs_localstorage_dump_all_chromium.json"])
def test_what_tfjs_left_in_a_browser_is_models_here(models, area, name):
    items = dumped(name)
    for key, value in items.items():
        area.set_item(key, value).result()
    listed = models.list_models_text()
    infos = {key for key in items if key.startswith("tensorflowjs_models/") and key.endswith("/info")}
    assert {f"tensorflowjs_models/{url.partition('://')[2]}/info" for url in listed} == infos
    for url, text in listed.items():
        loaded = models.artifacts(url)
        assert loaded.info(models.info(url).date_saved).to_json() == text


@pytest.mark.parametrize("name", ["tfjs_localstorage_dump_chromium.json", "tfjs_localstorage_dump_all_chromium.json"])
def test_a_round_trip_through_indexed_db_gives_tfjs_texts_to_the_byte(models, area, clock, name):
    items = dumped(name)
    for key, value in items.items():
        area.set_item(key, value).result()
    for url in list(models.list_models_text()):
        path = url.partition("://")[2]
        there = f"indexeddb://{path}"
        clock.time = int(models.info(url).date_saved.timestamp() * 1000)
        models.move(url, there).result()
        models.move(there, url).result()
    assert dict(area.items()) == items


FIXTURE_MODELS = sorted(path.parent.name for path in (FIXTURES / "tfjs-models").glob("*/model.json"))


@pytest.mark.parametrize("name", FIXTURE_MODELS)
def test_each_real_model_goes_across_media_unchanged(models, name):
    directory = FIXTURES / "tfjs-models" / name
    manifest = json.loads((directory / "model.json").read_text())
    data = b"".join((directory / path).read_bytes() for group in manifest["weightsManifest"] for path in group["paths"])
    artifacts = ModelArtifacts.from_model_json((directory / "model.json").read_text(), data)
    expected = hashlib.sha256(data).hexdigest()
    models.save("indexeddb://m", StoredModel(artifacts.texts(), artifacts.joined_weight_data())).result()
    models.copy("indexeddb://m", "localstorage://m").result()
    models.move("localstorage://m", "indexeddb://n").result()
    for url in ("indexeddb://m", "indexeddb://n"):
        loaded = models.artifacts(url)
        assert hashlib.sha256(loaded.joined_weight_data()).hexdigest() == expected
        assert loaded.model_topology == manifest["modelTopology"]
        info = models.info(url)
        assert info.weight_data_bytes == len(data)
        assert info.model_topology_bytes == len(artifacts.texts()["modelTopology"].encode())


# -- Where tfjs loses data ---------------------------------------------------------------------------------------------

TOO_LARGE = 4_000_000


def test_an_overwrite_that_exceeds_the_quota_keeps_the_old_model(models):
    models.save("localstorage://m", model(1)).result()
    with pytest.raises(QuotaExceededError) as caught:
        models.save("localstorage://m", model(2, TOO_LARGE)).result()
    assert str(caught.value).startswith(
        "Failed to save model 'm' to local storage: size quota being exceeded is a possible cause of this failure: "
        f"modelTopologyBytes={len(TOPOLOGY)}, "
    )
    assert str(caught.value).endswith(f"weightDataBytes={TOO_LARGE}.")
    assert isinstance(caught.value.__cause__, QuotaExceededError)
    assert (caught.value.limit, caught.value.unit, caught.value.code) == (5_242_880, "utf16", 22)
    assert weights(models, "localstorage://m") == bytes([1]) * 16


def test_a_move_that_exceeds_the_quota_leaves_the_model_where_it_was(models):
    models.save("indexeddb://big", model(1, TOO_LARGE)).result()
    with pytest.raises(QuotaExceededError):
        models.move("indexeddb://big", "localstorage://big").result()
    assert list(models.list_models_text()) == ["indexeddb://big"]
    assert weights(models, "indexeddb://big") == bytes([1]) * TOO_LARGE


def test_a_full_area_refuses_and_keeps_everything(models, area):
    area.set_item("fill", "x" * (5_242_880 - 4 - 200)).result()
    before = dict(area.items())
    with pytest.raises(QuotaExceededError):
        models.save("localstorage://m", model(1)).result()
    assert dict(area.items()) == before


def test_a_path_with_a_second_separator_is_not_cut(models):
    models.save("localstorage://a", model(1)).result()
    models.save("localstorage://a://b", model(2)).result()
    models.move("localstorage://a://b", "indexeddb://c").result()
    assert set(models.list_models_text()) == {"localstorage://a", "indexeddb://c"}


def test_no_clobber_keeps_the_model_that_is_there(models):
    models.save("indexeddb://a", model(1)).result()
    models.save("indexeddb://b", model(2)).result()
    for change in (
        lambda: models.save("indexeddb://b", model(3), overwrite=False),
        lambda: models.copy("indexeddb://a", "indexeddb://b", overwrite=False),
        lambda: models.move("indexeddb://a", "indexeddb://b", overwrite=False),
    ):
        with pytest.raises(ModelExistsError):
            change().result()
    assert weights(models, "indexeddb://b") == bytes([2]) * 16
    assert weights(models, "indexeddb://a") == bytes([1]) * 16


# -- Errors, word for word ---------------------------------------------------------------------------------------------

ERRORS = [
    ("open", ("localstorage://nope",), ModelNotFoundError, "In local storage, there is no model with name 'nope'"),
    ("open", ("indexeddb://nope",), ModelNotFoundError, "Cannot find model with path 'nope' in IndexedDB."),
    ("remove", ("localstorage://nope",), ModelNotFoundError, "Cannot find model at path 'nope'"),
    ("remove", ("indexeddb://nope",), ModelNotFoundError, "Cannot find model with path 'nope' in IndexedDB."),
    ("remove", ("localstorage://",), ModelNotFoundError, "Cannot find model at path ''"),
    ("remove", ("indexeddb://",), ModelNotFoundError, "Cannot find model with path '' in IndexedDB."),
    ("remove", ("foo://m",), UnsupportedURLError, "Cannot find model manager for scheme 'foo'"),
    (
        "remove",
        ("m",),
        UnsupportedURLError,
        "The url string provided does not contain a scheme. Supported schemes are: localstorage,indexeddb",
    ),
    (
        "copy",
        ("localstorage://m", "localstorage://m"),
        UnsupportedURLError,
        "Old path and new path are the same: 'localstorage://m'",
    ),
    (
        "move",
        ("indexeddb://m", "indexeddb://m"),
        UnsupportedURLError,
        "Old path and new path are the same: 'indexeddb://m'",
    ),
    (
        "copy",
        ("localstorage://nope", "indexeddb://x"),
        ModelNotFoundError,
        "In local storage, there is no model with name 'nope'",
    ),
    (
        "move",
        ("indexeddb://nope", "indexeddb://x"),
        ModelNotFoundError,
        "Cannot find model with path 'nope' in IndexedDB.",
    ),
    (
        "copy",
        ("foo://m", "indexeddb://x"),
        UnsupportedURLError,
        "Copying failed because no load handler is found for source URL foo://m.",
    ),
    (
        "copy",
        ("indexeddb://m", "foo://x"),
        UnsupportedURLError,
        "Copying failed because no save handler is found for destination URL foo://x.",
    ),
    (
        "copy",
        ("indexeddb://m", "localstorage://"),
        InvalidArtifactsError,
        "For local storage, modelPath must not be null, undefined or empty.",
    ),
    (
        "copy",
        ("localstorage://m", "indexeddb://"),
        InvalidArtifactsError,
        "For IndexedDB, modelPath must not be null, undefined or empty.",
    ),
    (
        "open",
        ("indexeddb://",),
        InvalidArtifactsError,
        "For IndexedDB, modelPath must not be null, undefined or empty.",
    ),
]


@pytest.mark.parametrize(("operation", "arguments", "kind", "text"), ERRORS)
def test_errors_are_those_of_tfjs_and_change_nothing(models, operation, arguments, kind, text):
    models.save("indexeddb://m", model(1)).result()
    models.save("localstorage://m", model(1)).result()
    before = models.list_models_text()
    with pytest.raises(kind) as caught:
        getattr(models, operation)(*arguments).result()
    assert str(caught.value) == text
    assert models.list_models_text() == before


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("foo://m", "Cannot find any save handlers for URL 'foo://m'"),
        ("LocalStorage://m", "Cannot find any save handlers for URL 'LocalStorage://m'"),
        ("localstorage:/m", "Cannot find any save handlers for URL 'localstorage:/m'"),
        ("m", "Cannot find any save handlers for URL 'm'"),
        ("", "Cannot find any save handlers for URL ''"),
        ("localstorage://", "For local storage, modelPath must not be null, undefined or empty."),
        ("indexeddb://", "For IndexedDB, modelPath must not be null, undefined or empty."),
    ],
)
def test_a_save_to_no_place_says_so(models, url, text):
    with pytest.raises((UnsupportedURLError, InvalidArtifactsError)) as caught:
        models.save(url, model()).result()
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("suffix", "value", "text"),
    [
        ("model_topology", None, "In local storage, the topology of model 'm' is missing."),
        ("model_topology", "null", "In local storage, the topology of model 'm' is missing."),
        ("weight_specs", None, "In local storage, the weight specs of model 'm' are missing."),
        ("weight_data", None, "In local storage, the binary weight values of model 'm' are missing."),
        (
            "info",
            '{"modelTopologyType":"GraphDef"}',
            "BrowserLocalStorage does not support loading non-JSON model topology yet.",
        ),
    ],
)
def test_a_model_with_a_missing_part_says_which(models, area, suffix, value, text):
    models.save("localstorage://m", model(1)).result()
    key = f"tensorflowjs_models/m/{suffix}"
    (area.remove_item(key) if value is None else area.set_item(key, value)).result()
    with pytest.raises(InvalidArtifactsError) as caught:
        models.open("localstorage://m")
    assert str(caught.value) == text


def test_a_model_without_metadata_loads(models, area):
    models.save("localstorage://m", model(1)).result()
    area.remove_item("tensorflowjs_models/m/model_metadata").result()
    assert set(models.artifacts("localstorage://m").texts()) == {"modelTopology", "weightSpecs"}


def test_a_stray_info_key_is_named(models, area):
    area.set_item("tensorflowjs_models/info", "{}").result()
    with pytest.raises(InvalidArtifactsError, match=r"^Invalid key format: tensorflowjs_models/info$"):
        models.list_models_text()


def test_origins_do_not_see_each_other(origins):
    origins.get("http://localhost").models.save("indexeddb://m", model(1)).result()
    other = origins.get("https://app.example").models
    assert other.list_models_text() == {}
    other.save("indexeddb://m", model(2)).result()
    assert weights(origins.get("http://localhost").models, "indexeddb://m") == bytes([1]) * 16


def test_a_read_creates_nothing(origins, tmp_path):
    models = origins.get("https://unknown.example").models
    assert models.list_models_text() == {}
    with pytest.raises(ModelNotFoundError):
        models.remove("indexeddb://m").result()
    assert origins.home.origins() == []


@pytest.mark.parametrize(
    "name",
    ["localhost", "http://localhost/", "http://LOCALHOST", "", "http://a b", "http://a\n", "http://localhost:80"]
    + ["https://app.example:443", "https://bücher.example", "http://a:99999", "http://a:01", "http://u@a", "null"],
)
def test_what_is_no_origin_is_refused(origins, name):
    with pytest.raises(UnsupportedURLError, match="is not an origin"):
        origins.get(name)


@pytest.mark.parametrize(
    "name",
    [
        "http://localhost:8080",
        "https://app.example",
        "http://[::1]:9",
        "http://127.0.0.1",
        "http://localhost:443",
        "chrome-extension://abc",
        "https://xn--bcher-kva.example",
    ],
)
def test_what_is_an_origin_is_taken(origins, name):
    assert origins.get(name).name == name


@pytest.mark.parametrize("absent", ["modelTopology", "weightSpecs"])
def test_null_is_as_good_as_absent_where_local_storage_could_not_give_it_back(models, absent):
    with pytest.raises(InvalidArtifactsError):
        models.save("localstorage://m", model(1, **{absent: "null"})).result()
    assert models.list_models_text() == {}


def test_null_specs_of_a_model_without_weights_are_kept_as_none(models):
    models.save("localstorage://m", StoredModel({"modelTopology": TOPOLOGY, "weightSpecs": "null"}, None)).result()
    assert models.artifacts("localstorage://m").weight_specs == []


def damaged_blob(home):
    """Flips a bit of the only blob."""
    (blob,) = [path for path in home.rglob("blobs/**/*") if path.is_file()]
    blob.chmod(0o600)
    data = bytearray(blob.read_bytes())
    data[1000] ^= 1
    blob.write_bytes(data)


@pytest.mark.parametrize(("source", "target"), [MEDIA, MEDIA[::-1]])
def test_damaged_weights_are_not_copied_into_another_form(tmp_path, clock, source, target):
    with Home(tmp_path / "home", engines=leveldb_factory(), clock=clock) as home:
        models = Origins(home, CHROME, clock).get("http://localhost").models
        models.save(f"{source}://m", model(1, 200_000)).result()
        damaged_blob(tmp_path / "home")
        for change in (models.copy, models.move):
            with pytest.raises(CorruptionError):
                change(f"{source}://m", f"{target}://m").result()
        assert list(models.list_models_text()) == [f"{source}://m"]


@pytest.mark.parametrize("action", ["open", "artifacts", "copy"])
def test_weights_of_local_storage_are_read_without_the_mutex_of_the_bucket(tmp_path, clock, monkeypatch, action):
    with Home(tmp_path / "home", engines=leveldb_factory(), clock=clock) as home:
        origin = Origins(home, CHROME, clock).get("http://localhost")
        origin.models.save("localstorage://m", model(1, 200_000)).result()
        blobs, held = origin.bucket.blobs, []
        verify = blobs.verify

        def watched(blob):
            held.append((origin.bucket.locked().is_mine, blobs.is_pinned(blob.digest)))
            verify(blob)

        monkeypatch.setattr(blobs, "verify", watched)
        if action == "copy":
            origin.models.copy("localstorage://m", "indexeddb://m").result()
        else:
            getattr(origin.models, action)("localstorage://m")
        assert held[0] == (False, True)


def test_damaged_weights_do_not_leave_the_store(tmp_path):
    with open_store(tmp_path / "home") as store:
        store.save(
            "indexeddb://m", ModelArtifacts({}, [{"name": "w", "shape": [200_000], "dtype": "bool"}], bytes(200_000))
        )
        damaged_blob(tmp_path / "home")
        for change in (store.copy_model, store.move_model):
            with pytest.raises(CorruptionError):
                change("indexeddb://m", tmp_path / "out")
        assert list(store.list_models()) == ["indexeddb://m"]


@pytest.mark.parametrize("browser", [CHROME, FIREFOX, SAFARI], ids=lambda browser: browser.name)
def test_a_save_into_a_full_indexed_db_says_by_how_much_and_changes_nothing(clock, browser):
    with Home(None, engines=memory_engine, clock=clock) as home:
        models = Origins(home, browser.derive(bucket_quota=20_000), clock).get("http://localhost").models
        models.save("indexeddb://m", model(1)).result()
        with pytest.raises(QuotaExceededError) as caught:
            models.save("indexeddb://m", model(2, 30_000)).result()
        assert isinstance(caught.value.__cause__, QuotaExceededError)
        assert (caught.value.unit, caught.value.limit) == ("disk", 20_000)
        assert caught.value.needed > 30_000
        assert "20,000" in caught.value.hint
        assert weights(models, "indexeddb://m") == bytes([1]) * 16
