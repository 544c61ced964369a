"""``GET /v1/events``."""

import contextlib

import pytest

from tfjsd.wire.events import EventDecoder


class Subscriber:
    def __init__(self, daemon, target="/v1/events", headers=None):
        self.connection = daemon.connection()
        self.connection.request("GET", target, headers=headers or {})
        self.response = self.connection.getresponse()
        self.events = self._read()

    def _read(self):
        decoder = EventDecoder()
        while piece := self.response.read1(1 << 16):
            yield from decoder.feed(piece)

    def close(self):
        self.response.close()
        self.connection.close()


@pytest.fixture
def subscribe(daemon):
    with contextlib.ExitStack() as stack:

        def make(target="/v1/events", headers=None):
            subscriber = stack.enter_context(contextlib.closing(Subscriber(daemon, target, headers)))
            assert next(subscriber.events).type == "ready"
            return subscriber

        yield make


def test_storage_and_model_changes_are_told_in_order(daemon, subscribe):
    subscriber = subscribe()
    assert subscriber.response.getheader("content-type") == "text/event-stream"
    daemon.local_storage({"op": "setItem", "key": "k\ud800", "value": "1"})
    daemon.local_storage({"op": "setItem", "key": "k\ud800", "value": "2"})
    daemon.save("/v1/models/indexeddb/told", b"1")
    daemon.request("DELETE", "/v1/models/indexeddb/told")
    first, second, saved, removed = (next(subscriber.events) for _ in range(4))
    assert (first.type, first.data["key"], first.data["oldValue"], first.data["newValue"]) == (
        "storage",
        "k\ud800",
        None,
        "1",
    )
    assert (second.data["oldValue"], second.data["newValue"], second.id) == ("1", "2", 2)
    assert (saved.type, saved.data["url"], saved.data["origin"]) == ("model", "indexeddb://told", "http://localhost")
    assert removed.data["url"] == "indexeddb://told"
    assert saved.data["info"]["modelTopologyType"] == "JSON"
    assert saved.data["info"]["weightDataBytes"] == 1
    assert removed.data["info"] == saved.data["info"], "an object, not JSON in JSON"


def test_only_the_origin_that_was_asked_for_is_told(daemon, subscribe):
    subscriber = subscribe("/v1/events?origin=http%3A%2F%2Fother.example")
    daemon.local_storage({"op": "setItem", "key": "here", "value": "1"})
    daemon.request(
        "POST", "/v1/local-storage?origin=http%3A%2F%2Fother.example", {"op": "setItem", "key": "there", "value": "1"}
    )
    assert next(subscriber.events).data["key"] == "there"


def test_who_names_itself_can_be_spared_its_own_changes(daemon, subscribe):
    def put(key, headers):
        body = {"op": "setItem", "key": key, "value": "v"}
        assert daemon.request("POST", "/v1/local-storage", body, headers).status == 200

    one, two = {"tfjsd-client": "one"}, {"tfjsd-client": "two"}
    spared, nameless, plain = subscribe("/v1/events?own=0", one), subscribe("/v1/events?own=0"), subscribe(headers=one)
    put("by one", one)
    put("by two", two)
    put("by nobody", {})
    for subscriber, keys in [(spared, []), (nameless, ["by one"]), (plain, ["by one"])]:
        assert [next(subscriber.events).data["key"] for _ in range(len(keys) + 2)] == [*keys, "by two", "by nobody"]


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [("GET", "/v1/events", None), ("POST", "/v1/local-storage", {"op": "setItem", "key": "a", "value": "b"})],
)
def test_the_name_of_a_client_is_short(daemon, method, target, body):
    assert daemon.request(method, target, body, {"tfjsd-client": "x" * 101}).status == 400


def test_what_fails_is_not_told(daemon, subscribe):
    subscriber = subscribe()
    assert daemon.local_storage({"op": "setItem", "key": "big", "value": "x" * 6_000_000}).status == 507
    daemon.local_storage({"op": "setItem", "key": "small", "value": "x"})
    assert next(subscriber.events).data["key"] == "small"


def test_a_subscriber_counts_as_one_and_not_as_a_request(daemon, subscribe, eventually):
    subscriber = subscribe()
    status = daemon.get("/v1/status").json
    assert (status["subscribers"], status["running"], status["idle"]) == (1, 1, False)
    subscriber.close()


def test_the_end_of_the_daemon_ends_the_stream(daemons):
    daemon = daemons.in_process()
    subscriber = Subscriber(daemon)
    assert next(subscriber.events).type == "ready"
    daemon.stop()
    assert list(subscriber.events) == []
    subscriber.close()


@pytest.mark.parametrize("limits", [{"event_backlog": 5}, {"event_backlog_bytes": 1_000_000}])
def test_a_subscriber_that_falls_behind_is_cut_off_and_told(daemons, limits):
    daemon = daemons.in_process(limits=limits)
    subscriber = Subscriber(daemon)
    assert next(subscriber.events).type == "ready"
    operations = [{"op": "setItem", "key": "k", "value": f"{number}" + "x" * 200_000} for number in range(100)]
    daemon.request("POST", "/v1/local-storage", {"ops": operations})
    assert [event.type for event in subscriber.events][-1] == "lost"
    subscriber.close()
