"""Pairs of a daemon that runs: live in both directions, over restarts, as its clients see them."""

import asyncio
import itertools
import json
import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tfjsd.daemon.sync import supervision
from tfjsd.daemon.sync.pair_runner import PairRunner
from tfjsd.model_io.node_file_system import file_system
from tfjsd.storage_backends import durable

from .conftest import artifacts


@pytest.fixture
def place(daemons):
    path = daemons.directory / "models"
    path.mkdir()
    return path


def add(daemon, place, **members):
    answer = daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://", **members})
    assert answer.status == 201, answer.body
    return answer.json["name"]


def status(daemon, name="models"):
    return daemon.get(f"/v1/sync/{name}").json


def urls(daemon):
    return set(daemon.get("/v1/models").json)


def save(daemon, model, content):
    weights = bytes([content]) * (content + 1)
    specs = [{"name": "w", "shape": [content + 1], "dtype": "uint8"}]
    answer = daemon.save(
        f"/v1/models/indexeddb/{model}", weights, modelTopology={"content": content}, weightSpecs=specs
    )
    assert answer.status == 200, answer.body


def content_of(path: Path):
    return file_system(path / "model.json").load().model_topology["content"]


def test_changes_go_both_ways_live(daemons, place, eventually):
    daemon = daemons.in_process()
    add(daemon, place)
    file_system(place / "a").save(artifacts(1))
    eventually(lambda: urls(daemon) == {"indexeddb://a"})
    save(daemon, "b", 2)
    eventually(lambda: (place / "b" / "model.json").exists())
    assert content_of(place / "b") == 2
    save(daemon, "a", 3)
    eventually(lambda: content_of(place / "a") == 3)
    (place / "b").rename(place / "c")
    eventually(lambda: urls(daemon) == {"indexeddb://a", "indexeddb://c"})
    eventually(lambda: status(daemon)["applied"].get("move_store") == 1)
    assert daemon.request("DELETE", "/v1/models/indexeddb/a").status == 200
    eventually(lambda: not (place / "a").exists())
    shutil.rmtree(place / "c")
    eventually(lambda: urls(daemon) == set())
    eventually(lambda: status(daemon)["state"] == "equal")
    assert status(daemon)["watching"] == "events"


def test_what_was_done_can_be_logged(daemons, place, eventually, caplog):
    caplog.set_level(logging.DEBUG, "tfjsd.daemon")
    daemon = daemons.in_process()
    add(daemon, place)
    save(daemon, "a", 1)
    eventually(lambda: (place / "a" / "model.json").exists() and status(daemon)["state"] == "equal")
    (place / "a").rename(place / "b")
    eventually(lambda: urls(daemon) == {"indexeddb://b"} and status(daemon)["state"] == "equal")
    told = [vars(record) for record in caplog.records if record.message == "sync: done"]
    assert [(line["action"], line["model"], line["to"], line["as"]) for line in told] == [
        ("copy", "a", "directory", None),
        ("move", "a", "store", "b"),
    ]
    assert status(daemon)["error"] is None


def test_a_burst_is_few_passes(daemons, place, eventually):
    daemon = daemons.in_process()
    add(daemon, place)
    eventually(lambda: status(daemon)["state"] == "equal")
    before = status(daemon)["passes"]
    for number in range(200):
        file_system(place / str(number % 20)).save(artifacts(number))
    eventually(lambda: status(daemon)["models"]["known"] == 20 and status(daemon)["state"] == "equal")
    assert status(daemon)["passes"] - before < 50


def test_pairs_and_what_was_equal_survive_a_restart(daemons, place, eventually):
    daemon = daemons.process()
    add(daemon, place, name="mine")
    for number in range(5):
        file_system(place / str(number)).save(artifacts(number))
    eventually(lambda: status(daemon, "mine")["models"]["known"] == 5)
    assert daemon.stop() == 0
    shutil.rmtree(place / "0")
    file_system(place / "1").save(artifacts(10))
    daemon = daemons.process()
    expected = {f"indexeddb://{number}" for number in range(1, 5)}
    eventually(lambda: urls(daemon) == expected and status(daemon, "mine")["state"] == "equal")
    assert daemon.load("/v1/models/indexeddb/1")[0]["modelTopology"] == {"content": 10}
    assert status(daemon, "mine")["last_read"] <= 1


def test_pairs_are_listed_paused_and_forgotten(daemons, place, eventually):
    daemon = daemons.in_process()
    add(daemon, place)
    for refused in ({"name": "models", "prefix": "localstorage://"}, {"name": "other", "prefix": "indexeddb://"}):
        assert daemon.request("POST", "/v1/sync", {"directory": str(place), **refused}).status == 409
    assert set(daemon.get("/v1/sync").json) == {"models"}
    assert daemon.request("POST", "/v1/sync/models/pause").json["state"] == "paused"
    file_system(place / "a").save(artifacts(1))
    plan = daemon.request("POST", "/v1/sync/models/once", {"dry_run": True}).json
    assert urls(daemon) == set()
    done = daemon.request("POST", "/v1/sync/models/once").json
    assert (done["clean"], done["applied"]) == (True, {"copy_store": 1})
    assert plan["pending"] or plan["steps"] == [{"action": "copy", "model": "a", "to": "store", "name": None}]
    assert urls(daemon) == {"indexeddb://a"}
    assert daemon.request("POST", "/v1/sync/models/resume").json["state"] != "paused"
    assert daemon.request("DELETE", "/v1/sync/models").status == 200
    assert daemon.get("/v1/sync/models").status == 404
    shutil.rmtree(place / "a")
    assert urls(daemon) == {"indexeddb://a"}
    assert not list((daemon.home / "sync").glob("*.state.json"))
    add(daemon, place)
    eventually(lambda: (place / "a").exists())


def test_the_directory_may_be_a_symbolic_link(daemons, place, eventually):
    daemon = daemons.in_process()
    link = place.with_name("link")
    link.symlink_to(place)
    file_system(place / "a").save(artifacts(1))
    add(daemon, link)
    eventually(lambda: urls(daemon) == {"indexeddb://a"})
    save(daemon, "b", 2)
    eventually(lambda: (place / "b" / "model.json").exists())
    file_system(link / "c").save(artifacts(3))
    eventually(lambda: "indexeddb://c" in urls(daemon))
    eventually(lambda: status(daemon, "link")["state"] == "equal")
    assert status(daemon, "link")["watching"] == "events"
    other = place.with_name("other")
    other.mkdir()
    link.unlink()
    link.symlink_to(other)
    eventually(lambda: status(daemon, "link")["state"] == "stopped")
    assert len(urls(daemon)) == 3


def test_a_directory_that_leads_in_a_circle_is_reported_and_heals(daemons, place, eventually):
    daemon = daemons.in_process()
    link = place.with_name("link")
    link.symlink_to(place)
    file_system(place / "a").save(artifacts(1))
    add(daemon, link)
    eventually(lambda: urls(daemon) == {"indexeddb://a"} and status(daemon, "link")["state"] == "equal")
    link.unlink()
    link.symlink_to(link)
    eventually(lambda: status(daemon, "link")["error"] == f"{link} is not there")
    assert urls(daemon) == {"indexeddb://a"}
    link.unlink()
    link.symlink_to(place)
    eventually(lambda: status(daemon, "link")["state"] == "equal")


@pytest.mark.parametrize("dangling", [False, True])
def test_what_is_no_directory_is_refused(daemons, tmp_path, dangling):
    daemon = daemons.in_process()
    path = tmp_path / "file"
    if dangling:
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_text("x")
    answer = daemon.request("POST", "/v1/sync", {"directory": str(path), "prefix": "indexeddb://"})
    assert (answer.status, "is no directory" in answer.error["message"]) == (400, True)
    assert daemon.get("/v1/sync").json == {}


@pytest.mark.parametrize(
    "members",
    [
        {"directory": "relative"},
        {"prefix": "file://x"},
        {"direction": "up"},
        {"nme": "x"},
        {"name": "A/B"},
        {"include": "x"},
        {"origin": "nowhere"},
    ],
)
def test_what_is_no_pair_is_refused(daemons, place, members):
    daemon = daemons.in_process()
    body = {"directory": str(place), "prefix": "indexeddb://", **members}
    assert daemon.request("POST", "/v1/sync", body).status == 400
    assert daemon.get("/v1/sync").json == {}
    assert not (daemon.home / "sync").exists()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        "[" * 200_000,
        '{"format": 2, "pairs": []}',
        '{"format": 1, "pairs": [{"origin": "http://localhost"}]}',
    ],
    ids=lambda text: text[:30],
)
def test_a_damaged_register_stops_its_pairs_and_not_the_store(daemons, place, text):
    daemon = daemons.in_process()
    register = daemon.home / "sync" / "pairs.json"
    daemon.stop()
    register.parent.mkdir()
    register.write_text(text)
    daemon = daemons.in_process()
    save(daemon, "m", 1)
    assert str(register) in daemon.get("/v1/status").json["sync_error"]
    answer = daemon.request("POST", "/v1/sync", {"directory": str(place), "prefix": "indexeddb://"})
    assert answer.status >= 400
    assert "move it away" in answer.json["error"]["hint"]
    assert register.read_text() == text
    register.unlink()
    daemon.stop()
    daemon = daemons.in_process()
    assert daemon.get("/v1/status").json["sync_error"] is None
    add(daemon, place)


def registered(daemon):
    return {pair["name"] for pair in json.loads((daemon.home / "sync" / "pairs.json").read_bytes())["pairs"]}


def test_of_two_pairs_that_are_added_at_once_under_one_name_one_is_refused(daemons, place, monkeypatch):
    daemon = daemons.in_process()
    make = supervision._make

    def make_slowly(directory):
        time.sleep(0.3)  # the other one arrives meanwhile
        make(directory)

    monkeypatch.setattr(supervision, "_make", make_slowly)
    bodies = [{"directory": str(place / name), "prefix": f"indexeddb://{name}/", "name": "same"} for name in "ab"]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda body: daemon.request("POST", "/v1/sync", body), bodies))
    assert sorted(answer.status for answer in answers) == [201, 409]
    (accepted,) = (body["directory"] for body, answer in zip(bodies, answers, strict=True) if answer.status == 201)
    assert status(daemon, "same")["directory"] == accepted
    assert registered(daemon) == {"same"}


def test_pairs_that_come_and_go_at_once_are_all_written_down(daemons, place, monkeypatch):
    daemon = daemons.in_process()
    write, delays = durable.write_file, itertools.cycle([0.1, 0.0])

    def write_out_of_turn(path, data, **options):
        if path.name == "pairs.json":
            time.sleep(next(delays))
        write(path, data, **options)

    monkeypatch.setattr(durable, "write_file", write_out_of_turn)
    names = [f"pair{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda name: add(daemon, place / name, name=name, prefix=f"indexeddb://{name}/"), names))
        assert registered(daemon) == set(names) == set(daemon.get("/v1/sync").json)
        list(threads.map(lambda name: daemon.request("DELETE", f"/v1/sync/{name}"), names[:4]))
    assert registered(daemon) == set(names[4:]) == set(daemon.get("/v1/sync").json)


def test_what_is_asked_of_a_pair_that_goes_meanwhile_leaves_nothing_of_it(daemons, place, monkeypatch, eventually):
    daemon = daemons.in_process()
    add(daemon, place)
    eventually(lambda: status(daemon)["state"] == "equal")
    once, at_work = PairRunner.once, threading.Event()

    async def once_slowly(self, **options):
        at_work.set()
        while not self._stopping:
            await asyncio.sleep(0.01)
        return await once(self, **options)

    monkeypatch.setattr(PairRunner, "once", once_slowly)
    with ThreadPoolExecutor(1) as threads:
        approving = threads.submit(daemon.request, "POST", "/v1/sync/models/approve", {"deletions": True})
        assert at_work.wait(20)
        assert daemon.request("DELETE", "/v1/sync/models").status == 200
        answer = approving.result()
    assert (answer.status, "has ended meanwhile" in answer.json["error"]["message"]) == (409, True)
    assert not list((daemon.home / "sync").glob("*.state.json"))


def test_a_pair_that_cannot_be_written_down_is_refused_and_one_that_stands_there_stays(daemons, place, eventually):
    daemon = daemons.in_process()
    add(daemon, place / "a", name="a", prefix="indexeddb://a/")
    register = daemon.home / "sync" / "pairs.json"
    register.rename(register.with_suffix(".kept"))
    register.mkdir()
    refused = {"directory": str(place / "b"), "name": "b", "prefix": "indexeddb://b/"}
    answer = daemon.request("POST", "/v1/sync", refused)
    assert (answer.status, "Cannot write down the sync pairs" in answer.json["error"]["message"]) == (400, True)
    assert daemon.request("DELETE", "/v1/sync/a").status == 400
    file_system(place / "a" / "m").save(artifacts(1))
    eventually(lambda: urls(daemon) == {"indexeddb://a/m"})
    assert set(daemon.get("/v1/sync").json) == {"a"}
    register.rmdir()
    register.with_suffix(".kept").rename(register)
    assert daemon.request("DELETE", "/v1/sync/a").status == 200
    assert registered(daemon) == set()


@pytest.mark.parametrize(
    "damage",
    [{"directory": [1]}, {"root": [1]}, {"base": 1}, {"resolved": {"m": []}}, "{", "[" * 200_000],
    ids=lambda damage: str(damage)[:20],
)
def test_a_pair_whose_memory_is_damaged_starts_anew(daemons, place, eventually, damage):
    daemon = daemons.process()
    add(daemon, place)
    file_system(place / "a").save(artifacts(1))
    eventually(lambda: status(daemon)["models"]["known"] == 1)
    assert daemon.stop() == 0
    memory = daemon.home / "sync" / "models.state.json"
    memory.write_text(damage if isinstance(damage, str) else json.dumps({**json.loads(memory.read_bytes()), **damage}))
    file_system(place / "b").save(artifacts(2))
    daemon = daemons.process()
    eventually(lambda: status(daemon)["models"]["known"] == 2)
    assert daemon.request("POST", "/v1/sync/models/once").json["clean"]
    assert daemon.stop() == 0


def test_a_directory_around_the_home_is_refused(daemons):
    daemon = daemons.in_process()
    for directory in (daemon.home, daemon.home / "below", daemon.home.parent):
        answer = daemon.request("POST", "/v1/sync", {"directory": str(directory), "prefix": "indexeddb://"})
        assert answer.status == 400


def test_held_deletions_are_approved_and_conflicts_resolved(daemons, place, eventually):
    daemon = daemons.in_process()
    add(daemon, place, on_conflict="fail")
    for number in range(4):
        file_system(place / str(number)).save(artifacts(number))
    eventually(lambda: status(daemon)["models"]["known"] == 4)
    for number in range(4):
        shutil.rmtree(place / str(number))
    eventually(lambda: len(status(daemon)["held"]) == 4)
    assert len(urls(daemon)) == 4
    assert daemon.request("POST", "/v1/sync/models/approve", {"deletions": True}).json == {"approved": 4}
    eventually(lambda: urls(daemon) == set())
    daemon.request("POST", "/v1/sync/models/pause")
    file_system(place / "m").save(artifacts(1))
    save(daemon, "m", 2)
    daemon.request("POST", "/v1/sync/models/resume")
    eventually(lambda: status(daemon)["conflicts"] == ["m"])
    assert daemon.request("POST", "/v1/sync/models/resolve", {"model": "none", "keep": "dir"}).status == 400
    assert daemon.request("POST", "/v1/sync/models/resolve", {"model": "m", "keep": "dir"}).status == 200
    eventually(lambda: status(daemon)["state"] == "equal" and not status(daemon)["conflicts"])
    assert daemon.load("/v1/models/indexeddb/m")[0]["modelTopology"] == {"content": 1}
    assert urls(daemon) == {"indexeddb://m"}


def test_a_conflict_copy_can_take_the_name(daemons, place, eventually):
    daemon = daemons.in_process()
    file_system(place / "m").save(artifacts(1))
    time.sleep(0.01)
    save(daemon, "m", 2)
    add(daemon, place)
    eventually(lambda: len(urls(daemon)) == 2 and status(daemon)["state"] == "equal")
    assert content_of(place / "m") == 2
    assert [copy["side"] for copy in status(daemon)["conflict_copies"]["m"]] == ["directory"]
    assert daemon.request("POST", "/v1/sync/models/resolve", {"model": "m", "keep": "dir"}).status == 200
    eventually(lambda: urls(daemon) == {"indexeddb://m"} and content_of(place / "m") == 1)
    eventually(lambda: [path.name for path in place.iterdir() if path.is_dir()] == ["m"])
    assert status(daemon)["conflict_copies"] == {}


def test_a_vanished_directory_is_reported_and_heals(daemons, place, eventually):
    daemon = daemons.in_process()
    file_system(place / "a").save(artifacts(1))
    add(daemon, place)
    eventually(lambda: urls(daemon) == {"indexeddb://a"})
    place.rename(place.with_name("away"))
    eventually(lambda: status(daemon)["state"] == "stopped")
    assert "not there" in status(daemon)["error"]
    place.with_name("away").rename(place)
    eventually(lambda: status(daemon)["state"] == "equal")
    file_system(place / "b").save(artifacts(2))
    eventually(lambda: urls(daemon) == {"indexeddb://a", "indexeddb://b"})


def test_metrics_and_status_count_pairs(daemons, place, eventually):
    daemon = daemons.in_process()
    assert b"tfjsd_sync" not in daemon.get("/metrics").body
    file_system(place / "a").save(artifacts(1))
    add(daemon, place)
    eventually(lambda: status(daemon)["state"] == "equal")
    text = daemon.get("/metrics").body.decode()
    assert 'tfjsd_sync_models{pair="models"} 1\n' in text
    assert 'tfjsd_sync_applied_total{pair="models",action="copy_store"} 1\n' in text
    assert daemon.get("/v1/status").json["sync_pairs"] == 1


def test_a_daemon_with_pairs_does_not_end_when_idle(daemons, place, eventually):
    daemon = daemons.process(idle_exit=0.2)
    add(daemon, place)
    time.sleep(0.6)
    assert status(daemon)["passes"] >= 1
    daemon.request("DELETE", "/v1/sync/models")
    assert daemon.wait() == 0


def test_configured_pairs_are_read_again_on_sighup(daemons, place, eventually, tmp_path):
    import signal

    config = tmp_path / "tfjsd" / "config.toml"
    config.parent.mkdir()
    config.write_text("")
    daemon = daemons.process(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    file_system(place / "a").save(artifacts(1))
    config.write_text(f'[[sync.pairs]]\nname = "c"\ndirectory = {json.dumps(str(place))}\nprefix = "indexeddb://"\n')
    daemon.signal(signal.SIGHUP)
    eventually(lambda: urls(daemon) == {"indexeddb://a"})
    assert status(daemon, "c")["source"] == "configuration"
    assert daemon.request("DELETE", "/v1/sync/c").status == 400
    inside = json.dumps(str(daemon.home / "buckets"))
    config.write_text(config.read_text() + f'[[sync.pairs]]\ndirectory = {inside}\nprefix = "indexeddb://"\n')
    daemon.signal(signal.SIGHUP)
    config.write_text("[sync]\npears = 1\n")
    daemon.signal(signal.SIGHUP)
    config.write_text("")
    daemon.signal(signal.SIGHUP)
    eventually(lambda: daemon.get("/v1/sync").json == {})
    assert urls(daemon) == {"indexeddb://a"}
    assert daemon.stop() == 0


def test_a_daemon_ends_in_the_middle_of_a_pass_and_goes_on(daemons, place, eventually):
    for number in range(150):
        file_system(place / str(number)).save(artifacts(number, 20_000))
    daemon = daemons.process()
    add(daemon, place)
    eventually(lambda: len(urls(daemon)) > 10)
    assert daemon.stop() == 0
    daemon = daemons.process()
    eventually(lambda: status(daemon)["state"] == "equal")
    assert len(urls(daemon)) == 150
    assert not status(daemon)["conflict_copies"]


def test_a_daemon_is_killed_in_the_middle_of_a_pass_and_goes_on(daemons, place, eventually):
    import signal

    for number in range(100):
        file_system(place / str(number)).save(artifacts(number, 20_000))
    daemon = daemons.process()
    add(daemon, place)
    eventually(lambda: len(urls(daemon)) > 10)
    daemon.signal(signal.SIGKILL)
    daemon.wait()
    shutil.rmtree(place / "0")
    daemon = daemons.process()
    eventually(lambda: status(daemon)["state"] == "equal")
    assert len(urls(daemon)) in (99, 100)
    assert {path.parent.name for path in place.rglob("model.json")} == {url[12:] for url in urls(daemon)}


def test_two_daemons_share_a_directory(daemons, place, eventually):
    first, second = daemons.in_process("a"), daemons.in_process("b")
    add(first, place)
    add(second, place)
    save(first, "m", 1)
    eventually(lambda: urls(second) == {"indexeddb://m"})
    save(second, "m", 2)
    eventually(lambda: first.load("/v1/models/indexeddb/m")[0]["modelTopology"] == {"content": 2})
    assert first.request("DELETE", "/v1/models/indexeddb/m").status == 200
    eventually(lambda: urls(second) == set())
