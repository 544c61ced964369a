"""What every StorageBackend must do: the suite for what a Storage stands on, in process or across a socket.

>>> class TestMyBackend(StorageBackendConformance):
...     @pytest.fixture
...     def clients(self):
...         return make_two_clients()  # of one empty area that behaves as Chrome's
"""

from __future__ import annotations

import pytest

from ...errors import QuotaExceededError
from ...storage_backends.web_storage.backend import StorageBackend
from ...storage_backends.web_storage.operations import Clear, RemoveItem, SetItem
from ...storage_backends.web_storage.storage import Storage

LIMIT = 5 * 1024 * 1024


class StorageBackendConformance:
    """Inherit, and provide ``clients``: two backends, each a client of its own, of one empty area of Chrome's."""

    @pytest.fixture
    def clients(self) -> tuple[StorageBackend, StorageBackend]:
        raise NotImplementedError("provide the fixture `clients`")

    @pytest.fixture
    def backend(self, clients: tuple[StorageBackend, StorageBackend]) -> StorageBackend:
        return clients[0]

    @pytest.fixture
    def storage(self, backend: StorageBackend) -> Storage:
        return Storage(backend)

    def test_an_empty_area(self, storage: Storage) -> None:
        assert (storage.length, list(storage), storage.key(0), storage.get_item("a")) == (0, [], None, None)
        assert list(storage.items()) == []

    def test_items_are_set_overwritten_and_removed(self, storage: Storage) -> None:
        storage.set_item("a", "1")
        storage.set_item("a", "2")
        storage.set_item("", "")
        assert (storage.get_item("a"), storage.get_item(""), storage.length) == ("2", "", 2)
        storage.remove_item("a")
        storage.remove_item("a")
        assert (storage.get_item("a"), storage.length) == (None, 1)

    def test_clear_removes_everything(self, storage: Storage) -> None:
        storage.update({"a": "1", "b": "2"})
        storage.clear()
        storage.clear()
        assert (storage.length, list(storage)) == (0, [])

    def test_keys_come_in_chromes_order(self, storage: Storage) -> None:
        for number in reversed(range(5)):
            storage.set_item(f"key{number}", "v")
        order = ["key0", "key1", "key3", "key4", "key2"]
        assert list(storage) == order
        assert [storage.key(index) for index in range(6)] == [*order, None]
        assert [key for key, _ in storage.items()] == order

    def test_indices_are_converted_as_in_a_browser(self, storage: Storage) -> None:
        storage["a"] = "1"
        assert [storage.key(index) for index in (0, 0.9, float("nan"), 2**32)] == ["a"] * 4
        assert [storage.key(index) for index in (-1, 1, 2**31, 2**32 - 1)] == [None] * 4

    @pytest.mark.parametrize(
        "text",
        ["\0", "\xff\x80", "\u0100", "\u2028", "\ud800", "\udc00\ud800", "a\ud83dz", "\U0001f600", "e\u0301"],
        ids=ascii,
    )
    def test_every_sequence_of_code_units_is_kept(self, storage: Storage, text: str) -> None:
        storage.set_item(text, text)
        assert storage.get_item(text) == text
        assert list(storage.items()) == [(text, text)]

    def test_surrogate_halves_name_the_same_item_as_the_character(self, storage: Storage) -> None:
        storage.set_item("\ud83d\ude00", "\ud83d\ude00")
        assert storage.get_item("\U0001f600") == "\U0001f600"
        assert storage.length == 1

    def test_the_quota_to_the_code_unit(self, storage: Storage) -> None:
        storage.set_item("k", "x" * (LIMIT - 1))
        with pytest.raises(QuotaExceededError) as caught:
            storage.set_item("k", "x" * LIMIT)
        assert caught.value.message == (
            "Failed to execute 'setItem' on 'Storage': Setting the value of 'k' exceeded the quota."
        )
        assert (caught.value.limit, caught.value.needed, caught.value.unit) == (LIMIT, LIMIT + 1, "utf16")
        assert caught.value.as_dom()["code"] == 22
        with pytest.raises(QuotaExceededError):
            storage.set_item("z", "")
        storage.set_item("", "")
        assert (storage.get_item("k"), storage.length) == ("x" * (LIMIT - 1), 2)

    def test_an_assignment_over_the_quota_says_so(self, storage: Storage) -> None:
        with pytest.raises(QuotaExceededError, match=r"^Failed to set a named property 'k' on 'Storage': Setting"):
            storage["k"] = "x" * LIMIT

    def test_a_batch_happens_wholly_or_not_at_all(self, backend: StorageBackend) -> None:
        backend.apply([SetItem("a", "1"), SetItem("b", "2"), RemoveItem("a")])
        with pytest.raises(QuotaExceededError, match="'big'"):
            backend.apply([Clear(), SetItem("c", "3"), SetItem("big", "x" * LIMIT), SetItem("d", "4")])
        assert backend.items() == [("b", "2")]
        backend.apply([Clear(), SetItem("big", "x" * (LIMIT - 3))])
        assert backend.length() == 1

    def test_one_client_sees_what_another_one_did(self, clients: tuple[StorageBackend, StorageBackend]) -> None:
        first, second = map(Storage, clients)
        first["a"] = "1"
        assert second["a"] == "1"
        second["b"] = "2"
        del second["a"]
        assert dict(first) == {"b": "2"}
        first.clear()
        assert (len(second), second.get_item("b")) == (0, None)
