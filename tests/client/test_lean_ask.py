"""A small read over one short way: the same answers as over the ordinary one, and the same errors."""

from __future__ import annotations

import os
import time

import pytest

import tfjsd
from tfjsd.client.lean_ask import LONGEST_QUESTION, LeanAsk
from tfjsd.errors import DaemonUnavailableError, HomeInUseError
from tfjsd.testing.daemon_process import DaemonProcess


@pytest.fixture
def lean(monkeypatch):
    """Whether each question so far was answered on the short way."""
    answered, ask = [], LeanAsk.ask

    def watched(self, question):
        answer = ask(self, question)
        answered.append(answer is not None)
        return answer

    monkeypatch.setattr(LeanAsk, "ask", watched)
    return answered


@pytest.fixture
def storage_of():
    """The localStorage of a scripted server, to which one connection is open already."""
    opened = []

    def storage(server, **options):
        client = tfjsd.connect(server.path, autostart=False, **({"timeout": 10.0} | options))
        opened.append(client)
        client.status()
        return client.local_storage()

    yield storage
    for client in opened:
        client.close()


def answering(*answers):
    """Each question has its own answer, (status, body, headers) or a function; any other request has an empty one."""
    remaining = iter(answers)

    def handler(conversation):
        method, _, _, _ = conversation.request()
        answer = next(remaining) if method == "POST" else (200, {}, {})
        if callable(answer):
            answer(conversation)
        else:
            status, body, headers = answer
            conversation.answer(status, body, **headers)

    return handler


def value(text, **headers):
    return 200, {"result": text}, headers


def test_a_real_daemon_answers_as_ever(tmp_path, lean):
    values = {"k": "value", "": "empty key", 'q"\\\n\x00': "\udfff € \x00", "\ud800": "", "long": "é" * 100_000}
    values |= {"k" * LONGEST_QUESTION: "too long a key to ask for here"}
    with DaemonProcess(tmp_path / "home") as daemon, daemon.connect() as client:
        storage = client.local_storage()
        storage.update(values)
        for key, expected in (values | {"missing": None}).items():
            assert [storage.get_item(key) for _ in range(3)] == [expected] * 3
        assert lean.count(False) == 3  # the long key
        daemon.restart()
        assert [storage.get_item("k") for _ in range(3)] == ["value"] * 3
        with pytest.raises(TypeError):
            storage.get_item(1)
    with pytest.raises(tfjsd.errors.StoreClosedError):
        storage.get_item("k")


def test_an_answer_in_pieces_is_put_together(scripted, storage_of, lean):
    def in_pieces(conversation):
        lines = [f"{name}: {text}" for name, text in conversation.server.headers.items()]
        whole = "\r\n".join(["HTTP/1.1 200 OK", "content-length: 16", *lines, "", '{"result":"far"}']).encode()
        for at in range(0, len(whole), 20):
            conversation.socket.sendall(whole[at : at + 20])
            time.sleep(0.001)

    storage = storage_of(scripted(answering(in_pieces, value("a"), in_pieces, value("b"))))
    assert [storage.get_item("k") for _ in range(4)] == ["far", "a", "far", "b"]
    assert lean == [True] * 4


def test_a_connection_that_the_daemon_closes_is_not_used_again(scripted, storage_of, lean):
    server = scripted(answering(value("first", connection="close"), value("first"), value("second")))
    storage = storage_of(server)
    assert [storage.get_item("k"), storage.get_item("k")] == ["first", "second"]
    assert lean == [False, True]
    assert server.connections == 2


@pytest.mark.parametrize(
    "oddity", [b"", b"no HTTP", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_what_is_no_answer_is_asked_for_again(scripted, storage_of, lean, oddity):
    def odd(conversation):
        conversation.socket.sendall(oddity)
        conversation.socket.close()
        raise EOFError

    storage = storage_of(scripted(answering(odd, value("asked again"))))
    assert storage.get_item("k") == "asked again"
    assert lean == [False]


def test_an_error_is_raised_as_on_the_ordinary_way(scripted, storage_of, lean):
    refusal = 400, {"error": {"name": "BadRequestError", "message": "no such thing"}}, {}
    storage = storage_of(scripted(answering(refusal, refusal)))
    with pytest.raises(tfjsd.errors.BadRequestError, match="no such thing"):
        storage.get_item("k")
    assert lean == [False]


def test_the_daemon_of_another_home_is_not_believed(scripted, storage_of, tmp_path):
    server = scripted(answering(value("mine"), value("theirs", tfjsd_home="/somewhere/else")))
    storage = storage_of(server, home=tmp_path)
    assert storage.get_item("k") == "mine"
    with pytest.raises(HomeInUseError):
        storage.get_item("k")


def test_silence_is_an_error_and_the_question_is_not_repeated(scripted, storage_of):
    questions = []

    def silent(conversation):
        questions.append(1)

    storage = storage_of(scripted(answering(silent, silent)), timeout=0.2)
    with pytest.raises(DaemonUnavailableError, match=r"no progress for 0\.2 s"):
        storage.get_item("k")
    assert questions == [1]


def test_an_interrupted_question_leaves_no_connection_with_its_answer(scripted, storage_of, monkeypatch, lean):
    storage = storage_of(scripted(answering(value("late"), value("fresh"))))

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LeanAsk, "_received", interrupted)
        with pytest.raises(KeyboardInterrupt):
            storage.get_item("k")
    assert storage.get_item("k") == "fresh"


def test_a_forked_process_asks_on_a_connection_of_its_own(scripted, storage_of, lean):
    names = []

    def naming(conversation):
        _, _, headers, _ = conversation.request()
        names.append(headers.get("tfjsd-client"))
        conversation.answer(200, {"result": "value"})

    server = scripted(naming)
    storage = storage_of(server)
    storage.get_item("k")
    child = os.fork()
    if not child:
        os._exit(0 if [storage.get_item("k"), storage.get_item("k")] == ["value"] * 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert storage.get_item("k") == "value"
    assert names[1] == names[-1] != names[2] == names[3]
