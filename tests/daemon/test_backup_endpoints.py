"""``/v1/backup``, ``/v1/restore``, ``/v1/verify``."""

import http.client
import io
import os
from pathlib import Path

import pytest

import tfjsd

BIG = os.urandom(300_000)
KIND = {"Content-Type": "application/vnd.tfjsd.backup"}


@pytest.fixture
def filled(daemons):
    daemon = daemons.in_process("filled")
    daemon.save("/v1/models/indexeddb/big", BIG)
    daemon.save("/v1/models/localstorage/small", b"abc")
    daemon.save("/v1/models/indexeddb/other?origin=http%3A%2F%2Fo.example", BIG[::-1])
    daemon.local_storage({"op": "setItem", "key": "k", "value": "v"})
    return daemon


def test_a_backup_restores_into_an_empty_home(filled, daemons):
    backup = filled.get("/v1/backup")
    assert backup.status == 200
    empty = daemons.in_process("empty")
    assert empty.get("/v1/models").json == {}, "objects of the time before the restore exist"
    restored = empty.request("POST", "/v1/restore", backup.body, KIND)
    assert restored.status == 200, restored.body
    assert restored.json["origins"] == 2
    assert empty.get("/v1/models").json == filled.get("/v1/models").json
    assert empty.load("/v1/models/indexeddb/big")[1] == BIG
    assert empty.load("/v1/models/indexeddb/other?origin=http%3A%2F%2Fo.example")[1] == BIG[::-1]
    assert empty.local_storage({"op": "getItem", "key": "k"}).json == {"result": "v"}
    assert empty.request("POST", "/v1/verify").json["problems"] == []


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:1000], lambda b: b"", lambda b: b + b"x"])
def test_a_spoilt_backup_restores_nothing(filled, daemons, spoil):
    backup = filled.get("/v1/backup").body
    empty = daemons.in_process("empty")
    refused = empty.request("POST", "/v1/restore", spoil(backup), KIND)
    assert (refused.status, refused.error["name"]) == (400, "BackupError")
    assert empty.get("/v1/origins").json == {}
    assert empty.request("POST", "/v1/restore", backup, KIND).status == 200


def test_a_home_that_holds_something_is_not_restored_into(filled):
    refused = filled.request("POST", "/v1/restore", filled.get("/v1/backup").body, KIND)
    assert refused.status == 400
    assert "not empty" in refused.error["message"]
    assert filled.load("/v1/models/indexeddb/big")[1] == BIG


def test_everything_is_checked_and_nothing_found(filled):
    report = filled.request("POST", "/v1/verify").json
    assert report["problems"] == []
    assert report["checked"]["blob"] == 2
    assert filled.request("POST", "/v1/verify", {"urls": ["indexeddb://big"]}).json == {
        "checked": {"model": 1},
        "problems": [],
    }


@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_damage_is_named_with_the_model_and_never_served(filled, damage):
    blob = filled.get("/v1/models/indexeddb/big", Accept="application/vnd.tfjsd.mapped").json["blob"]
    path = Path(blob["path"])
    if damage == "remove":
        path.unlink()
    else:
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.seek(1234)
            file.write(bytes([BIG[1234] ^ 1]))
    problems = filled.request("POST", "/v1/verify").json["problems"]
    assert [problem["object"] for problem in problems] == ["http://localhost indexeddb://big"]
    assert blob["digest"] in problems[0]["message"]
    (problem,) = filled.request("POST", "/v1/verify", {"urls": ["indexeddb://big", "localstorage://small"]}).json[
        "problems"
    ]
    assert problem["object"] == "http://localhost indexeddb://big"
    for target, accept in (("", "application/vnd.tfjsd.model"), ("/weights.bin", "*/*")):
        answer = filled.get(f"/v1/models/indexeddb/big{target}", Accept=accept)
        assert (answer.status, answer.error["name"]) == (503, "CorruptionError")
        assert blob["digest"] in answer.error["message"]


@pytest.mark.parametrize("body", [[], {"urls": "x"}, {"urls": [1]}])
def test_a_malformed_verification_is_400(filled, body):
    assert filled.request("POST", "/v1/verify", body).status == 400


@pytest.mark.parametrize("spoil", [lambda data: b"x" + data[1:], lambda data: data[:-1]])
def test_a_backup_of_what_is_damaged_says_so_and_is_cut(filled, spoil):
    [blob, *_] = [path for path in filled.home.rglob("blobs/*") if path.read_bytes() == BIG]
    blob.chmod(0o600)
    blob.write_bytes(spoil(BIG))
    with pytest.raises(http.client.IncompleteRead) as cut:
        filled.get("/v1/backup")
    assert b"CorruptionError" in cut.value.partial[-1000:]
    with tfjsd.connect(filled.socket) as store, pytest.raises(tfjsd.CorruptionError, match=blob.name):
        store.backup(io.BytesIO())
