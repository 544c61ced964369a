"""What every store must do with models: save, load, and refuse what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ...errors import (
    InvalidArtifactsError,
    ModelExistsError,
    ModelNotFoundError,
    QuotaExceededError,
    TooLargeError,
)
from ...model_io.store import Store
from ...model_io.types import ModelArtifacts, ModelArtifactsInfo
from .models import BLOB, INGEST, MEDIA, PATHS, TOPOLOGY, example, other, refusal


class ModelStoring:
    """Needs a fixture ``store``."""

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
    @pytest.mark.parametrize(("character", "count"), [("x", 48 << 10), ("模", 5461), ("\ud800", 5461)], ids=ascii)
    def test_a_path_that_no_request_could_name_is_refused_before_anything_is_stored(
        self, store: Store, medium: str, character: str, count: int
    ) -> None:
        longest = f"{medium}://{character * count}"
        store.save(longest, example())
        with pytest.raises(TooLargeError, match="limit of 49152"):
            store.save(longest + character, example())
        with pytest.raises(TooLargeError, match="limit of 49152"):
            store.copy_model(longest, longest + character)
        with pytest.raises(TooLargeError, match="limit of 49152"):
            store.move_model(longest, longest + character)
        assert list(store.list_models()) == [longest]
        assert store.load(longest) == example()
        store.remove_model(longest)

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

    @pytest.mark.parametrize("info", ["null", '"s"', "[]", "3"])
    def test_an_item_that_is_no_info_hides_no_model_and_can_be_removed(self, store: Store, info: str) -> None:
        store.save("localstorage://other", example())
        store.local_storage().set_item("tensorflowjs_models/bad/info", info)
        unknown = ModelArtifactsInfo.from_json('{"dateSaved":null}')
        listed = store.list_models()
        assert (len(listed), listed["localstorage://bad"]) == (2, unknown)
        assert store.remove_model("localstorage://bad") == unknown
        assert list(store.list_models()) == ["localstorage://other"]

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
