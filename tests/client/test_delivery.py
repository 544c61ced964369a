"""Requests reach the daemon through restarts and lost connections, and nothing is carried out twice."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import warnings

import pytest

import tfjsd
from tfjsd.client import connect

pytestmark = pytest.mark.parametrize("flavour", ["blocking", "on a loop"])


class Either:
    """The two clients, driven alike."""

    def __init__(self, flavour: str, path, **options) -> None:
        self.on_loop = flavour != "blocking"
        arguments = {"autostart": False, "timeout": 10.0} | options
        self.runner = asyncio.Runner() if self.on_loop else None
        if self.runner is None:
            self.client = connect(path, **arguments)
        else:

            async def open_client():
                return await tfjsd.aconnect(path, **arguments)

            try:
                self.client = self.runner.run(open_client())
            except BaseException:
                self.runner.close()
                raise

    def __call__(self, method: str, *arguments, **options):
        result = getattr(self.client, method)(*arguments, **options)
        if self.runner is None:
            return result

        async def awaited():
            return await result

        return self.runner.run(awaited())

    def close(self) -> None:
        if self.runner is None:
            self.client.close()
        else:
            self("aclose")
            self.runner.close()


@pytest.fixture
def open_either(flavour):
    opened = []

    def start(path, **options) -> Either:
        opened.append(Either(flavour, path, **options))
        return opened[-1]

    yield start
    for either in opened:
        either.close()


def echo(conversation) -> None:
    method, target, _, _ = conversation.request()
    conversation.answer(200, {"method": method, "target": target, "pid": 1})


def info(conversation) -> None:
    conversation.request()
    conversation.answer(200, {"dateSaved": "2026-01-01T00:00:00.000Z", "modelTopologyType": "JSON"})


def test_a_connection_is_used_again(scripted, open_either):
    server = scripted(echo)
    client = open_either(server.path)
    for _ in range(5):
        assert client("status")["target"] == "/v1/status"
    assert server.connections == 1


def test_reads_are_sent_again_after_a_restart(scripted, open_either):
    server = scripted(echo)
    client = open_either(server.path)
    client("status")
    server.stop()
    server.listen()
    assert client("status")["method"] == "GET"


def test_a_read_whose_connection_breaks_is_sent_again(scripted, open_either):
    lost = iter([True, True])

    def handler(conversation) -> None:
        conversation.request()
        if next(lost, False):
            conversation.socket.close()
            raise EOFError
        conversation.answer(200, {"pid": 1})

    client = open_either(scripted(handler).path)
    assert client("status") == {"pid": 1}


def test_a_write_after_a_restart_goes_to_the_new_daemon(scripted, open_either):
    server = scripted(info)
    client = open_either(server.path)
    client("remove_model", "indexeddb://a")
    server.stop()
    server.listen()
    assert client("remove_model", "indexeddb://b").model_topology_type == "JSON"
    assert [method for method, _ in server.requests].count("DELETE") == 2


def test_a_write_that_had_left_is_not_sent_again(scripted, open_either):
    def handler(conversation) -> None:
        method, _, _, _ = conversation.request()
        if method == "DELETE":
            conversation.socket.close()
            raise EOFError
        conversation.answer(200, {})

    server = scripted(handler)
    client = open_either(server.path)
    with pytest.raises(tfjsd.OutcomeUnknownError, match="may have been carried out, whole, or not at all"):
        client("remove_model", "indexeddb://a")
    assert [method for method, _ in server.requests].count("DELETE") == 1


def test_what_an_ending_daemon_refuses_is_sent_to_the_next(scripted, open_either):
    refusals = iter([True, True])

    def handler(conversation) -> None:
        method, _, _, _ = conversation.request()
        if method == "DELETE" and next(refusals, False):
            body = {"error": {"name": "DaemonUnavailableError", "message": "The daemon is shutting down."}}
            conversation.answer(503, body, connection="close")
            raise EOFError
        conversation.answer(200, {"dateSaved": None, "modelTopologyType": "JSON"})

    server = scripted(handler)
    assert open_either(server.path)("remove_model", "indexeddb://a").date_saved is None
    assert [method for method, _ in server.requests].count("DELETE") == 3


def test_a_store_that_failed_is_not_asked_again(scripted, open_either):
    def handler(conversation) -> None:
        method, _, _, _ = conversation.request()
        body = {"error": {"name": "StoreFailedError", "message": "the disk failed"}}
        conversation.answer(503 if method == "DELETE" else 200, body)

    server = scripted(handler)
    with pytest.raises(tfjsd.StoreFailedError, match="the disk failed"):
        open_either(server.path)("remove_model", "indexeddb://a")
    assert [method for method, _ in server.requests].count("DELETE") == 1


def test_a_new_connection_is_greeted_before_a_write(scripted, open_either):
    server = scripted(info)
    client = open_either(server.path)
    client("remove_model", "indexeddb://a")
    client("remove_model", "indexeddb://a")
    assert [method for method, _ in server.requests] == ["GET", "DELETE", "DELETE"]


def test_a_silent_daemon_is_given_up_after_the_timeout(scripted, open_either):
    silent = threading.Event()

    def handler(conversation) -> None:
        conversation.request()
        silent.wait(10)

    client = open_either(scripted(handler).path, timeout=0.05)
    with pytest.raises(tfjsd.DaemonUnavailableError, match=r"no progress for 0\.05 s"):
        client("status")
    silent.set()


def test_a_write_that_is_not_answered_in_time_has_an_unknown_outcome(scripted, open_either):
    silent = threading.Event()

    def handler(conversation) -> None:
        method, _, _, _ = conversation.request()
        if method == "DELETE":
            silent.wait(10)
        conversation.answer(200, {})

    client = open_either(scripted(handler).path, timeout=0.05)
    with pytest.raises(tfjsd.OutcomeUnknownError, match="no progress"):
        client("remove_model", "indexeddb://a")
    silent.set()


def test_nobody_there(tmp_path, open_either):
    with pytest.raises(tfjsd.DaemonUnavailableError, match="Is it running") as caught:
        open_either(tmp_path / "absent.sock")
    assert caught.value.hint == f"start it with `tfjsd start --socket {tmp_path / 'absent.sock'}`"
    assert isinstance(caught.value, ConnectionError)


def test_a_stale_socket_is_nobody(tmp_path, scripted, open_either):
    server = scripted(echo)
    os.link(server.path, tmp_path / "stale.sock")
    server.stop()
    with pytest.raises(tfjsd.DaemonUnavailableError):
        open_either(tmp_path / "stale.sock")


def test_the_daemon_of_another_home_is_refused(tmp_path, scripted, open_either):
    server = scripted(info)
    client = open_either(server.path, home=tmp_path / "other")
    with pytest.raises(tfjsd.HomeInUseError) as caught:
        client("remove_model", "indexeddb://a")
    assert str(tmp_path / "other") in caught.value.message
    assert f"serves {tmp_path}," in caught.value.message
    assert [method for method, _ in server.requests] == ["GET"], "nothing was removed in the wrong home"


def test_the_right_home_by_another_name_is_accepted(tmp_path, scripted, open_either):
    server = scripted(echo)
    (tmp_path / "link").symlink_to(tmp_path)
    assert open_either(server.path, home=tmp_path / "link")("status")


def test_what_is_no_daemon_is_not_spoken_to(scripted, open_either):
    server = scripted(echo)
    server.headers.clear()
    with pytest.raises(tfjsd.DaemonUnavailableError, match="is not a tfjsd daemon"):
        open_either(server.path)("status")


def test_a_daemon_of_another_version_is_warned_of_once(scripted, open_either):
    server = scripted(echo)
    server.headers["tfjsd-version"] = "99.0"
    client = open_either(server.path)
    with pytest.warns(UserWarning, match="tfjsd restart"):
        client("status")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client("status")


def test_errors_come_back_as_they_were_raised(scripted, open_either):
    body = {
        "error": {
            "name": "QuotaExceededError",
            "message": "Failed to save model 'a'",
            "code": 22,
            "limit": 10,
            "needed": 12,
            "unit": "utf16",
            "hint": "remove something",
            "cause": {"name": "QuotaExceededError", "message": "inner"},
        }
    }

    def handler(conversation) -> None:
        conversation.request()
        conversation.answer(507, body)

    with pytest.raises(tfjsd.QuotaExceededError) as caught:
        open_either(scripted(handler).path)("status")
    error = caught.value
    assert (error.message, error.limit, error.needed, error.unit) == ("Failed to save model 'a'", 10, 12, "utf16")
    assert error.hint == "remove something"
    assert isinstance(error.__cause__, tfjsd.QuotaExceededError)


def test_a_refusal_in_the_middle_of_a_body_is_read(scripted, open_either):
    """The daemon may refuse by the header alone and close: the refusal is what the caller gets."""

    def handler(conversation) -> None:
        first = conversation.file.readline()
        while conversation.file.readline().strip():
            pass
        if first.startswith(b"PUT"):
            body = {"error": {"name": "TooLargeError", "message": "too large"}}
            conversation.answer(413, body, connection="close")
            raise EOFError
        conversation.answer(404 if first.startswith(b"POST") else 200, {})

    client = open_either(scripted(handler).path)
    artifacts = tfjsd.ModelArtifacts({}, [], bytes(8 << 20))
    with pytest.raises(tfjsd.TooLargeError):
        client("save", "indexeddb://a", artifacts)


def test_a_closed_client_says_so(scripted, open_either):
    client = open_either(scripted(echo).path)
    client.close() if not client.on_loop else client("aclose")
    with pytest.raises(tfjsd.StoreClosedError, match="closed"):
        client("status")


def test_a_pickled_client_finds_the_same_daemon(scripted, open_either):
    server = scripted(echo)
    client = open_either(server.path, origin="https://app.example")
    client.client = pickle.loads(pickle.dumps(client.client))
    assert client.client.origin == "https://app.example"
    assert client("status")["method"] == "GET"
    assert server.connections == 2


def test_a_view_of_another_origin_shares_the_connections(scripted, open_either):
    server = scripted(info)
    client = open_either(server.path)
    first, client.client = client.client, client.client.with_origin("https://app.example")
    client("remove_model", "indexeddb://a")
    client.close() if not client.on_loop else client("aclose")
    client.client = first
    client("remove_model", "indexeddb://a")
    assert server.connections == 1
    assert server.requests[1][1].endswith("?origin=https%3A%2F%2Fapp.example")


def test_a_cancelled_requests_connection_is_discarded(scripted, flavour):
    """What is left of its answer must not be taken for the next one's."""
    if flavour == "blocking":
        return
    asked, answer = threading.Event(), threading.Event()

    def handler(conversation) -> None:
        _, target, _, _ = conversation.request()
        if target == "/v1/origins":
            asked.set()
            answer.wait(10)
        conversation.answer(200, {"target": target})

    async def work() -> None:
        async with tfjsd.aconnect(server.path, autostart=False) as client:
            request = asyncio.ensure_future(client.origins())
            await asyncio.to_thread(asked.wait, 10)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
            answer.set()
            assert (await client.status())["target"] == "/v1/status"

    server = scripted(handler)
    asyncio.run(work())
    assert server.connections == 2
