"""What every store must do with the items of localStorage."""

from __future__ import annotations

import json

import pytest

from ...errors import QuotaExceededError
from ...model_io.store import Store
from .models import TOPOLOGY, example


class StoreItems:
    """Needs a fixture ``store``."""

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
