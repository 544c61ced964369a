"""What every store must keep apart, tell and end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ...errors import StoreClosedError, TfjsdError
from ...model_io.store import Store
from .models import BLOB, example, other


class StoreOrigins:
    """Needs a fixture ``store``."""

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

    def test_events_end_when_they_are_closed(self, store: Store) -> None:
        events = store.events()
        store.save("indexeddb://a", example())
        events.close()  # type: ignore[attr-defined]
        events.close()  # type: ignore[attr-defined]
        assert list(events) == []

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

    def test_a_closed_store_reads_nothing_from_memory(self, store: Store) -> None:
        storage = store.local_storage()
        storage.set_item("a", "1")
        assert (storage.get_item("a"), storage.length, store.list_models()) == ("1", 1, {})
        store.close()
        reads: list[Callable[[], object]] = [
            lambda: storage.get_item("a"),
            lambda: storage.length,
            lambda: storage.key(0),
            lambda: store.local_storage().get_item("a"),
            lambda: store.load("indexeddb://a"),
            store.list_models,
            store.estimate,
            store.origins,
        ]
        for read in reads:
            with pytest.raises(StoreClosedError):
                read()
