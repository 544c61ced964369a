"""What every ``tfjsd.Store`` must do, whether a daemon, this process or a simulated browser keeps the models.

>>> class TestMyStore(StoreConformance):
...     @pytest.fixture
...     def store(self):
...         with open_my_store() as store:
...             yield store

The store is empty, its browser is Chrome, and nothing else writes to it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ...errors import (
    InvalidArtifactsError,
    ModelChangedError,
    ModelExistsError,
    ModelNotFoundError,
    QuotaExceededError,
    StoreClosedError,
    TfjsdError,
    UnsupportedURLError,
)
from ...model_io.store import Store
from ...model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult

MEDIA = ("localstorage", "indexeddb")
PATHS = (
    "a",
    "my/model",
    "/",
    "a/",
    "a b",
    "a?b#c%20d",
    "Wörter/模型/🎈",
    "a://b",
    ".",
    "..",
    "__proto__",
    "7",
    "info",
    "\ud800",
)
TOPOLOGY = {"class_name": "Sequential", "config": {"layers": [], "name": "sé"}, "keras_version": "tfjs-layers 4.22.0"}
BLOB = 300 << 10
"""Weights of this size lie outside the records."""
INGEST = 3 << 19
"""Weights of this size may be handed over as a file."""


def example(size: int = 8, **fields: Any) -> ModelArtifacts:
    """A small model with ``size`` bytes of weights."""
    specs = [{"name": "dense/kernel", "shape": [size], "dtype": "bool"}]
    pattern = bytes(range(251)) * (size // 251 + 1)
    options = {"format": "layers-model", "generated_by": "test", "converted_by": None} | fields
    return ModelArtifacts(TOPOLOGY, specs, pattern[:size], **options)


def other(size: int = 8) -> ModelArtifacts:
    """Another model."""
    return example(size, user_defined_metadata={"other": True})


class Handler:
    """A custom IOHandler."""

    def __init__(self, artifacts: ModelArtifacts | None = None) -> None:
        self.artifacts = artifacts

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        self.artifacts = artifacts
        return SaveResult(artifacts.info())

    def load(self) -> ModelArtifacts:
        assert self.artifacts is not None
        return self.artifacts


class StoreConformance:
    """Inherit, and provide a fixture ``store``."""

    # -- save and load -----------------------------------------------------------------------------------------

    def test_it_satisfies_the_protocol(self, store: Store) -> None:
        assert isinstance(store, Store)
        assert store.origin

    @pytest.mark.parametrize("medium", MEDIA)
    @pytest.mark.parametrize("size", [0, 8, BLOB, INGEST])
    def test_a_model_comes_back_as_it_was_saved(self, store: Store, medium: str, size: int) -> None:
        artifacts = example(size, signature={"inputs": {}}, training_config={"loss": "mse"})
        store.save(f"{medium}://a", artifacts)
        loaded = store.load(f"{medium}://a")
        assert loaded == artifacts
        assert loaded.has("convertedBy"), "null is not absent"

    @pytest.mark.parametrize("medium", MEDIA)
    @pytest.mark.parametrize("path", PATHS, ids=ascii)
    def test_a_path_is_taken_verbatim(self, store: Store, medium: str, path: str) -> None:
        url = f"{medium}://{path}"
        store.save(url, example())
        assert list(store.list_models()) == [url]
        assert store.load(url) == example()
        store.remove_model(url)
        assert store.list_models() == {}

    @pytest.mark.parametrize("medium", MEDIA)
    def test_a_path_may_be_long(self, store: Store, medium: str) -> None:
        url = f"{medium}://{'ä' * 4096}"
        store.save(url, example())
        assert list(store.list_models()) == [url]
        assert store.load(url) == example()

    @pytest.mark.parametrize("medium", MEDIA)
    def test_weights_in_several_buffers_are_one(self, store: Store, medium: str) -> None:
        whole = example(BLOB)
        data = whole.joined_weight_data()
        assert data is not None
        shards = [data[:5], data[5:70_000], data[70_000:]]
        store.save(f"{medium}://a", whole.replace(weight_data=shards))
        assert store.load(f"{medium}://a") == whole

    def test_a_model_without_weights(self, store: Store) -> None:
        result = store.save("indexeddb://a", ModelArtifacts(TOPOLOGY, []))
        assert result.model_artifacts_info.weight_data_bytes == 0
        assert not store.load("indexeddb://a").weight_data_bytes

    @pytest.mark.parametrize("medium", MEDIA)
    def test_the_info_is_what_tensorflow_js_reports(self, store: Store, medium: str) -> None:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        info = store.save(f"{medium}://a", example(16)).model_artifacts_info
        assert info.date_saved is not None
        assert before <= info.date_saved <= datetime.now(UTC) + timedelta(milliseconds=1)
        assert info == ModelArtifactsInfo(
            info.date_saved,
            "JSON",
            len(json.dumps(TOPOLOGY, separators=(",", ":"), ensure_ascii=False).encode()),
            len('[{"name":"dense/kernel","shape":[16],"dtype":"bool"}]'),
            16,
        )
        assert store.list_models() == {f"{medium}://a": info}

    @pytest.mark.parametrize("medium", MEDIA)
    @pytest.mark.parametrize("size", [8, BLOB, INGEST])
    def test_loaded_weights_are_read_only_and_outlive_the_model(self, store: Store, medium: str, size: int) -> None:
        store.save(f"{medium}://a", example(size))
        loaded = store.load(f"{medium}://a")
        data = loaded.weight_data
        assert isinstance(data, memoryview)
        assert data.readonly
        store.remove_model(f"{medium}://a")
        store.save(f"{medium}://a", other(size))
        store.close()
        assert loaded == example(size)

    @pytest.mark.parametrize("medium", MEDIA)
    def test_saving_again_replaces_the_model(self, store: Store, medium: str) -> None:
        store.save(f"{medium}://a", example(BLOB))
        store.save(f"{medium}://a", other())
        assert store.load(f"{medium}://a") == other()
        assert len(store.list_models()) == 1

    @pytest.mark.parametrize("medium", MEDIA)
    def test_a_model_is_not_replaced_where_that_was_not_wanted(self, store: Store, medium: str) -> None:
        store.save(f"{medium}://a", example(), overwrite=False)
        with pytest.raises(ModelExistsError):
            store.save(f"{medium}://a", other(INGEST), overwrite=False)
        assert store.load(f"{medium}://a") == example()

    def test_what_only_training_needs_can_be_left_out(self, store: Store) -> None:
        specs = [
            {"name": "w", "shape": [4], "dtype": "bool", "group": "model"},
            {"name": "m", "shape": [4], "dtype": "bool", "group": "optimizer"},
        ]
        artifacts = ModelArtifacts(TOPOLOGY, specs, bytes(range(8)), training_config={"loss": "mse"})
        store.save("indexeddb://a", artifacts, include_optimizer=False)
        assert store.load("indexeddb://a") == ModelArtifacts(TOPOLOGY, specs[:1], bytes(range(4)))

    def test_progress_ends_with_everything_done(self, store: Store) -> None:
        steps: list[tuple[int, int | None]] = []

        def note(done: int, total: int | None) -> None:
            steps.append((done, total))

        store.save("indexeddb://a", example(INGEST), on_progress=note)
        assert steps[-1][0] >= INGEST
        steps.clear()
        store.load("indexeddb://a", on_progress=note)
        assert steps[-1][0] >= INGEST

    # -- what is refused ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("medium", "text"),
        [
            ("localstorage", "In local storage, there is no model with name 'a'"),
            ("indexeddb", "Cannot find model with path 'a' in IndexedDB."),
        ],
    )
    def test_loading_what_is_not_there(self, store: Store, medium: str, text: str) -> None:
        with pytest.raises(ModelNotFoundError) as caught:
            store.load(f"{medium}://a")
        assert caught.value.message == text
        assert isinstance(caught.value, LookupError)

    @pytest.mark.parametrize(
        ("medium", "text"),
        [
            ("localstorage", "Cannot find model at path 'a'"),
            ("indexeddb", "Cannot find model with path 'a' in IndexedDB."),
        ],
    )
    def test_removing_what_is_not_there(self, store: Store, medium: str, text: str) -> None:
        with pytest.raises(ModelNotFoundError) as caught:
            store.remove_model(f"{medium}://a")
        assert caught.value.message == text

    @pytest.mark.parametrize(
        ("medium", "text"),
        [
            ("localstorage", "For local storage, modelPath must not be null, undefined or empty."),
            ("indexeddb", "For IndexedDB, modelPath must not be null, undefined or empty."),
        ],
    )
    def test_an_empty_path(self, store: Store, medium: str, text: str) -> None:
        for attempt in (
            lambda: store.save(f"{medium}://", example()),
            lambda: store.load(f"{medium}://"),
            lambda: store.copy_model("indexeddb://absent", f"{medium}://"),
        ):
            assert refusal(attempt) == text

    def test_a_url_without_a_scheme(self, store: Store) -> None:
        text = "The url string provided does not contain a scheme. Supported schemes are: localstorage,indexeddb"
        assert refusal(lambda: store.remove_model("a")) == text
        assert refusal(lambda: store.save("a", example())) == "Cannot find any save handlers for URL 'a'"
        assert refusal(lambda: store.load("a")) == "Cannot find any load handlers for URL 'a'"

    def test_an_unknown_scheme(self, store: Store) -> None:
        store.save("indexeddb://a", example())
        assert refusal(lambda: store.save("foo://a", example())) == "Cannot find any save handlers for URL 'foo://a'"
        assert refusal(lambda: store.load("foo://a")) == "Cannot find any load handlers for URL 'foo://a'"
        assert refusal(lambda: store.remove_model("foo://a")) == "Cannot find model manager for scheme 'foo'"
        assert (
            refusal(lambda: store.copy_model("foo://a", "indexeddb://b"))
            == "Copying failed because no load handler is found for source URL foo://a."
        )
        assert (
            refusal(lambda: store.copy_model("indexeddb://a", "foo://b"))
            == "Copying failed because no save handler is found for destination URL foo://b."
        )

    @pytest.mark.parametrize("medium", MEDIA)
    def test_a_binary_topology(self, store: Store, medium: str) -> None:
        text = "BrowserLocalStorage.save() does not support saving model topology in binary formats yet."
        assert refusal(lambda: store.save(f"{medium}://a", ModelArtifacts(b"graph"))) == text
        assert store.list_models() == {}

    @pytest.mark.parametrize("medium", MEDIA)
    def test_weights_that_contradict_their_specs(self, store: Store, medium: str) -> None:
        for size in (7, INGEST):
            with pytest.raises(InvalidArtifactsError):
                store.save(f"{medium}://a", example(8).replace(weight_data=bytes(size)))
        assert store.list_models() == {}

    @pytest.mark.parametrize("size", [1 << 20, 4 << 20])
    def test_an_overwrite_that_exceeds_the_quota_keeps_the_old_model(self, store: Store, size: int) -> None:
        store.save("localstorage://a", example())
        store.local_storage().set_item("other", "x" * (4 << 20))
        with pytest.raises(QuotaExceededError) as caught:
            store.save("localstorage://a", example(size))
        assert caught.value.message.startswith(
            "Failed to save model 'a' to local storage: size quota being exceeded is a possible cause of this failure: "
            "modelTopologyBytes="
        )
        assert caught.value.message.endswith(f"weightDataBytes={size}.")
        assert (caught.value.unit, caught.value.limit) == ("utf16", 5 << 20)
        assert isinstance(caught.value.__cause__, QuotaExceededError)
        assert store.load("localstorage://a") == example()

    # -- copy, move, remove ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("source", MEDIA)
    @pytest.mark.parametrize("dest", MEDIA)
    @pytest.mark.parametrize("size", [8, INGEST])
    def test_a_copy_is_another_model(self, store: Store, source: str, dest: str, size: int) -> None:
        store.save(f"{source}://a", example(size))
        info = store.copy_model(f"{source}://a", f"{dest}://b")
        assert info.weight_data_bytes == size
        assert set(store.list_models()) == {f"{source}://a", f"{dest}://b"}
        store.remove_model(f"{source}://a")
        assert store.load(f"{dest}://b") == example(size)

    @pytest.mark.parametrize("source", MEDIA)
    @pytest.mark.parametrize("dest", MEDIA)
    @pytest.mark.parametrize("size", [8, INGEST])
    def test_a_moved_model_is_in_one_place(self, store: Store, source: str, dest: str, size: int) -> None:
        store.save(f"{source}://a", example(size))
        store.save(f"{dest}://b", other())
        info = store.move_model(f"{source}://a", f"{dest}://b")
        assert store.list_models() == {f"{dest}://b": info}
        assert store.load(f"{dest}://b") == example(size)

    @pytest.mark.parametrize("verb", ["copy_model", "move_model"])
    def test_an_existing_model_can_be_protected(self, store: Store, verb: str) -> None:
        store.save("indexeddb://a", example())
        store.save("localstorage://b", other())
        with pytest.raises(ModelExistsError):
            getattr(store, verb)("indexeddb://a", "localstorage://b", overwrite=False)
        assert store.load("indexeddb://a") == example()
        assert store.load("localstorage://b") == other()

    @pytest.mark.parametrize("verb", ["copy_model", "move_model"])
    def test_a_source_that_is_not_there(self, store: Store, verb: str) -> None:
        with pytest.raises(ModelNotFoundError, match="Cannot find model with path 'a' in IndexedDB"):
            getattr(store, verb)("indexeddb://a", "localstorage://b")
        assert store.list_models() == {}

    @pytest.mark.parametrize("verb", ["copy_model", "move_model"])
    def test_onto_itself(self, store: Store, verb: str) -> None:
        store.save("indexeddb://a", example())
        with pytest.raises(UnsupportedURLError) as caught:
            getattr(store, verb)("indexeddb://a", "indexeddb://a")
        assert caught.value.message == "Old path and new path are the same: 'indexeddb://a'"
        assert store.load("indexeddb://a") == example()

    def test_a_large_model_can_be_renamed_within_local_storage(self, store: Store) -> None:
        """It does not have to fit twice."""
        store.save("localstorage://a", example(3 << 20))
        store.move_model("localstorage://a", "localstorage://b")
        assert store.load("localstorage://b") == example(3 << 20)

    def test_a_move_that_exceeds_the_quota_leaves_the_model_where_it_is(self, store: Store) -> None:
        store.save("indexeddb://a", example(4 << 20))
        with pytest.raises(QuotaExceededError):
            store.move_model("indexeddb://a", "localstorage://a")
        assert list(store.list_models()) == ["indexeddb://a"]
        assert store.load("indexeddb://a") == example(4 << 20)

    def test_removing_gives_the_info(self, store: Store) -> None:
        saved = store.save("localstorage://a", example()).model_artifacts_info
        assert store.remove_model("localstorage://a") == saved
        assert store.list_models() == {}

    def test_local_storage_is_listed_first(self, store: Store) -> None:
        for url in ("indexeddb://b", "localstorage://z", "indexeddb://a", "indexeddb://10", "indexeddb://9"):
            store.save(url, example())
        assert list(store.list_models()) == [
            "localstorage://z",
            "indexeddb://9",
            "indexeddb://10",
            "indexeddb://a",
            "indexeddb://b",
        ]

    # -- what runs in the caller -------------------------------------------------------------------------------

    def test_files(self, store: Store, tmp_path: Path) -> None:
        store.save("indexeddb://a", example(BLOB))
        store.copy_model("indexeddb://a", f"file://{tmp_path}/model")
        assert {path.name for path in (tmp_path / "model").iterdir()} == {"model.json", "weights.bin"}
        store.copy_model(tmp_path / "model" / "model.json", "localstorage://b")
        assert store.load("localstorage://b") == example(BLOB)
        assert store.load(f"file://{tmp_path}/model/model.json") == example(BLOB)
        store.save(tmp_path / "again", example())
        assert store.load(tmp_path / "again" / "model.json") == example()

    def test_a_move_out_of_the_store(self, store: Store, tmp_path: Path) -> None:
        store.save("indexeddb://a", example())
        store.move_model("indexeddb://a", tmp_path / "model")
        assert store.list_models() == {}
        assert store.load(tmp_path / "model" / "model.json") == example()

    def test_a_model_that_is_replaced_while_it_moves_out_is_kept(self, store: Store) -> None:
        class Slow(Handler):
            def save(self, artifacts: ModelArtifacts) -> SaveResult:
                elsewhere.append(threading.Thread(target=replace))
                elsewhere[0].start()
                elsewhere[0].join()
                return super().save(artifacts)

        def replace() -> None:
            store.save("indexeddb://a", other(BLOB))

        elsewhere: list[threading.Thread] = []
        store.save("indexeddb://a", example())
        handler = Slow()
        with pytest.raises(ModelChangedError):
            store.move_model("indexeddb://a", handler)
        assert handler.artifacts == example()
        assert store.load("indexeddb://a") == other(BLOB)

    def test_a_move_that_cannot_be_saved_keeps_the_model(self, store: Store, tmp_path: Path) -> None:
        store.save("indexeddb://a", example())
        (tmp_path / "taken").write_text("a file")
        with pytest.raises((TfjsdError, OSError)):
            store.move_model("indexeddb://a", tmp_path / "taken")
        assert store.load("indexeddb://a") == example()

    def test_what_is_no_part_of_the_store_cannot_be_moved_from(self, store: Store, tmp_path: Path) -> None:
        store.save(tmp_path / "model", example())
        for source in (f"file://{tmp_path}/model/model.json", tmp_path / "model" / "model.json"):
            with pytest.raises(UnsupportedURLError) as caught:
                store.move_model(source, "indexeddb://a")
            assert caught.value.message == "Cannot find model manager for scheme 'file'"
            assert caught.value.hint is not None
            assert "copy" in caught.value.hint
        assert store.list_models() == {}

    def test_handlers(self, store: Store) -> None:
        handler = Handler()
        store.save("indexeddb://a", example(BLOB))
        info = store.copy_model("indexeddb://a", handler)
        assert info.weight_data_bytes == BLOB
        assert handler.artifacts == example(BLOB)
        store.copy_model(Handler(other()), "localstorage://b")
        assert store.load("localstorage://b") == other()
        assert store.load(Handler(other())) == other()
        assert store.save(handler, other()).model_artifacts_info.weight_data_bytes == 8

    @pytest.mark.parametrize("form", ["nothing", "a mapping of objects", "a mapping of JSON"])
    def test_what_a_handler_returns_becomes_a_result(self, store: Store, form: str) -> None:
        class Own:
            def save(self, artifacts: ModelArtifacts) -> Any:
                info = artifacts.info()
                kept = json.loads(info.to_json()) if form == "a mapping of JSON" else info
                return None if form == "nothing" else {"modelArtifactsInfo": kept, "responses": [1]}

        result = store.save(Own(), example())
        assert isinstance(result, SaveResult)
        assert result.model_artifacts_info.weight_data_bytes == example().weight_data_bytes
        assert result.responses == (() if form == "nothing" else (1,))
        store.save("indexeddb://a", example())
        assert store.copy_model("indexeddb://a", Own()).weight_data_bytes == example().weight_data_bytes

    def test_a_handler_that_returns_something_else(self, store: Store) -> None:
        class Own:
            def save(self, artifacts: ModelArtifacts) -> Any:
                return {"ok": True}

        with pytest.raises(TypeError, match="must return a SaveResult, None, or a mapping with modelArtifactsInfo"):
            store.save(Own(), example())

    def test_what_is_no_model_is_not_saved(self, store: Store) -> None:
        wrong: Any = {"modelTopology": {}}
        for url in ("indexeddb://a", "localstorage://a"):
            with pytest.raises(TypeError, match=r"must be tfjsd\.ModelArtifacts, not dict"):
                store.save(url, wrong)

    def test_the_legacy_form_of_two_files(self, store: Store, tmp_path: Path) -> None:
        topology, manifest = tmp_path / "a.pb", tmp_path / "b.json"
        topology.write_bytes(b"graph")
        manifest.write_text(json.dumps([{"paths": ["w"], "weights": example().weight_specs}]))
        (tmp_path / "w").write_bytes(bytes(example().joined_weight_data() or b""))
        urls = [f"file://{topology}", f"file://{manifest}"]
        for pair in (urls, tuple(urls)):
            assert store.load(pair).weight_data_bytes == example().weight_data_bytes
        with pytest.raises(UnsupportedURLError, match="Cannot find any load handlers for URL 'a,b'"):
            store.load(["a", "b"])

    def test_an_unknown_durability(self, store: Store) -> None:
        wrong: Any = "x"
        for medium in ("indexeddb", "localstorage"):
            with pytest.raises(ValueError, match="durability"):
                store.save(f"{medium}://a", example(), durability=wrong)
        assert store.list_models() == {}

    def test_a_handler_that_cannot_do_it(self, store: Store) -> None:
        class Neither:
            pass

        nothing: Any = Neither()
        with pytest.raises(UnsupportedURLError, match="does not have the `save` attribute defined"):
            store.save(nothing, example())
        with pytest.raises(UnsupportedURLError, match="does not have the `load` method implemented"):
            store.load(nothing)

    # -- localStorage ------------------------------------------------------------------------------------------

    def test_a_models_items_are_the_ones_of_tensorflow_js(self, store: Store) -> None:
        store.save("localstorage://my/model", example(3))
        storage = store.local_storage()
        prefix = "tensorflowjs_models/my/model/"
        names = ("info", "model_topology", "weight_specs", "weight_data", "model_metadata")
        assert set(storage) == {prefix + name for name in names}
        assert storage[prefix + "weight_data"] == "AAEC"
        assert storage[prefix + "model_topology"] == json.dumps(TOPOLOGY, separators=(",", ":"), ensure_ascii=False)
        assert storage[prefix + "model_metadata"] == '{"format":"layers-model","generatedBy":"test","convertedBy":null}'

    def test_what_is_written_as_items_is_a_model(self, store: Store) -> None:
        store.save("localstorage://a", example())
        storage = store.local_storage()
        for key, value in dict(storage).items():
            storage[key.replace("/a/", "/b/")] = value
        assert store.load("localstorage://b") == example()
        storage.clear()
        assert store.list_models() == {}

    def test_items(self, store: Store) -> None:
        storage = store.local_storage()
        assert storage.get_item("a") is None
        storage.set_item("a", "\ud800 ☃ 🎈 é\0")
        storage.set_item("", "")
        assert store.local_storage().get_item("a") == "\ud800 ☃ 🎈 é\0"
        assert storage.length == len(storage) == 2
        assert {storage.key(0), storage.key(1)} == {"a", ""}
        assert storage.key(2) is None
        assert dict(storage.items()) == {"a": "\ud800 ☃ 🎈 é\0", "": ""}
        storage.remove_item("a")
        storage.remove_item("a")
        assert list(storage) == [""]
        storage.clear()
        assert storage.length == 0

    def test_an_update_is_whole_or_not_at_all(self, store: Store) -> None:
        storage = store.local_storage()
        storage.update({"a": "1", "b": "2"})
        with pytest.raises(QuotaExceededError):
            storage.update({"a": "3", "c": "x" * (5 << 20)})
        assert dict(storage.items()) == {"a": "1", "b": "2"}

    def test_the_quota_is_exact(self, store: Store) -> None:
        storage = store.local_storage()
        storage.set_item("k", "x" * ((5 << 20) - 1))
        with pytest.raises(QuotaExceededError, match="Failed to execute 'setItem' on 'Storage'"):
            storage.set_item("l", "")
        with pytest.raises(QuotaExceededError, match=r"'l' property|Setting the value of 'l'"):
            storage["l"] = ""
        assert list(storage) == ["k"]

    # -- origins -----------------------------------------------------------------------------------------------

    def test_origins_do_not_see_each_other(self, store: Store) -> None:
        elsewhere = store.with_origin("https://app.example")
        assert elsewhere.origin == "https://app.example"
        store.save("indexeddb://a", example())
        elsewhere.save("localstorage://b", other())
        elsewhere.local_storage().set_item("k", "v")
        assert list(store.list_models()) == ["indexeddb://a"]
        assert list(elsewhere.list_models()) == ["localstorage://b"]
        assert store.local_storage().get_item("k") is None
        assert set(store.origins()) == {store.origin, "https://app.example"}

    def test_closing_a_view_leaves_the_store_open(self, store: Store) -> None:
        with store.with_origin("https://app.example") as elsewhere:
            elsewhere.save("indexeddb://a", example())
        assert store.list_models() == {}

    def test_reading_creates_no_origin(self, store: Store) -> None:
        assert store.with_origin("https://app.example").list_models() == {}
        assert store.origins() == {}

    def test_what_is_no_origin(self, store: Store) -> None:
        with pytest.raises(TfjsdError):
            store.with_origin("no origin/at all").list_models()

    def test_usage_grows_with_what_is_stored(self, store: Store) -> None:
        empty = store.estimate()
        assert empty.usage == 0
        store.save("indexeddb://a", example(BLOB))
        estimate = store.estimate()
        assert estimate.usage >= BLOB
        assert estimate.quota > estimate.usage
        assert store.origins()[store.origin].usage == estimate.usage

    # -- the rest ----------------------------------------------------------------------------------------------

    def test_changes_are_told(self, store: Store) -> None:
        events = store.events()
        store.save("indexeddb://a", example())
        event = next(events)
        assert (event.type, event.origin) == ("model", store.origin)
        assert (event.data["action"], event.data["url"]) == ("saved", "indexeddb://a")
        store.local_storage().set_item("k", "v")
        event = next(events)
        assert event.type == "storage"
        assert (event.data["key"], event.data["oldValue"], event.data["newValue"]) == ("k", None, "v")
        close = getattr(events, "close", None)
        assert close is not None
        close()

    def test_ones_own_changes_of_items_can_be_left_out(self, store: Store) -> None:
        """As in a browser, where a page hears of its storage from the others only."""
        events = store.events(own=False)
        store.local_storage().set_item("a", "1")
        store.with_origin(store.origin).local_storage().set_item("b", "2")
        store.local_storage().clear()
        store.save("indexeddb://a", example())
        assert next(events).data["url"] == "indexeddb://a"
        close = getattr(events, "close", None)
        assert close is not None
        close()

    def test_closing_twice_and_using_afterwards(self, store: Store) -> None:
        store.close()
        store.close()
        with pytest.raises(StoreClosedError):
            store.list_models()


def refusal(attempt: Callable[[], object]) -> str:
    """The text of the error that the attempt raises."""
    with pytest.raises(TfjsdError) as caught:
        attempt()
    return caught.value.message
