"""What every store must do when models are copied, moved, removed and listed."""

from __future__ import annotations

import pytest

from ...errors import (
    ModelExistsError,
    ModelNotFoundError,
    QuotaExceededError,
    UnsupportedURLError,
)
from ...model_io.store import Store
from .models import INGEST, MEDIA, example, other


class ModelMoving:
    """Needs a fixture ``store``."""

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
