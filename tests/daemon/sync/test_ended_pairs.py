"""What a pair that has ended leaves behind, and what it keeps others from: nothing."""

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tfjsd.daemon.activity import Activity
from tfjsd.daemon.sync import one_pass, pair_runner, supervision
from tfjsd.daemon.sync.memory import MemoryFile
from tfjsd.daemon.sync.one_pass import PassOptions
from tfjsd.daemon.sync.supervision import Synchronizer
from tfjsd.daemon.sync.watching import Watch
from tfjsd.model_io.node_file_system import file_system
from tfjsd.wire.sync_pair import SyncPair

from .conftest import artifacts


class Gate:
    """Holds whom it is told to hold until it is opened."""

    def __init__(self):
        self.reached = threading.Semaphore(0)
        self.is_closed = False
        self._opened = threading.Event()

    def before(self, work):
        def held(*given, **options):
            if self.is_closed:
                self.reached.release()
                assert self._opened.wait(60)
            return work(*given, **options)

        return held

    def open(self):
        self.is_closed = False
        self._opened.set()


@pytest.fixture
def gate(daemons):
    made = Gate()
    yield made
    made.open()


@pytest.fixture
def place(daemons, monkeypatch):
    monkeypatch.setattr(pair_runner, "_END_SECONDS", 0.1)
    path = daemons.directory / "models"
    path.mkdir()
    return path


def add(daemon, place, name="models"):
    body = {"directory": str(place), "prefix": f"indexeddb://{name}/", "name": name}
    answer = daemon.request("POST", "/v1/sync", body)
    assert answer.status == 201, answer.body


def remove(daemon, name="models"):
    answer = daemon.request("DELETE", f"/v1/sync/{name}")
    assert answer.status == 200, answer.body


def is_equal(daemon, *models):
    status = daemon.get("/v1/sync/models").json
    return status["state"] == "equal" and status["models"]["known"] == len(models) and holds(daemon, *models)


def holds(daemon, *models):
    return set(daemon.get("/v1/models").json) == {f"indexeddb://models/{model}" for model in models}


def test_a_pass_that_outlives_its_pair_leaves_no_memory_and_changes_nothing(
    daemons, place, gate, monkeypatch, eventually
):
    ended, run_pass = threading.Event(), pair_runner.run_pass

    def run_and_say(*given, **options):
        result = run_pass(*given, **options)
        if options["stopping"]():
            ended.set()
        return result

    monkeypatch.setattr(pair_runner, "run_pass", run_and_say)
    monkeypatch.setattr(one_pass, "make_plan", gate.before(one_pass.make_plan))
    daemon = daemons.in_process()
    for model in "ab":
        file_system(place / model).save(artifacts(1))
    add(daemon, place)
    eventually(lambda: is_equal(daemon, "a", "b"))
    gate.is_closed = True
    file_system(place / "c").save(artifacts(1))
    assert gate.reached.acquire(timeout=20)
    remove(daemon)
    gate.open()
    assert ended.wait(20)
    assert not list((daemon.home / "sync").glob("*.state.json"))
    assert holds(daemon, "a", "b")
    shutil.rmtree(place / "a")
    add(daemon, place)
    eventually(lambda: is_equal(daemon, "a", "b", "c"))
    assert (place / "a" / "model.json").exists()


def test_a_pair_does_not_take_over_what_a_killed_remove_has_left(daemons, place, eventually):
    daemon = daemons.in_process()
    for model in "ab":
        file_system(place / model).save(artifacts(1))
    add(daemon, place)
    eventually(lambda: is_equal(daemon, "a", "b"))
    memory = daemon.home / "sync" / "models.state.json"
    left = memory.read_bytes()
    remove(daemon)
    memory.write_bytes(left)
    shutil.rmtree(place / "a")
    add(daemon, place)
    eventually(lambda: is_equal(daemon, "a", "b"))
    assert (place / "a" / "model.json").exists()


REQUESTS = [("once", {}), ("pause", {}), ("approve", {"deletions": True}), ("resolve", {"model": "m", "keep": "dir"})]


def has_ended(answer):
    return answer.status == 409 and "has ended meanwhile" in answer.json["error"]["message"]


def test_what_is_asked_of_a_pair_that_goes_before_its_memory_was_read_is_answered(daemons, place, gate, monkeypatch):
    monkeypatch.setattr(MemoryFile, "read", gate.before(MemoryFile.read))
    daemon = daemons.in_process()
    gate.is_closed = True
    add(daemon, place)
    assert gate.reached.acquire(timeout=20)
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(daemon.request, "POST", f"/v1/sync/models/{verb}", body) for verb, body in REQUESTS]
        time.sleep(0.1)  # they are there
        remove(daemon)
        assert all(has_ended(answer.result()) for answer in asked)


@pytest.mark.parametrize(("verb", "body"), REQUESTS)
def test_what_is_asked_of_a_pair_that_has_failed_is_answered(daemons, place, monkeypatch, verb, body):
    def fail(file):
        raise RuntimeError("whatever it is")

    monkeypatch.setattr(MemoryFile, "read", fail)
    daemon = daemons.in_process()
    add(daemon, place)
    assert has_ended(daemon.request("POST", f"/v1/sync/models/{verb}", body))
    remove(daemon)


def test_pairs_come_and_go_while_all_passes_hang(daemons, place, gate, monkeypatch):
    monkeypatch.setattr(pair_runner, "run_pass", gate.before(pair_runner.run_pass))
    daemon = daemons.in_process()
    gate.is_closed = True
    for name in ("a", "b"):
        add(daemon, place / name, name)
        assert gate.reached.acquire(timeout=20)
    remove(daemon, "a")
    add(daemon, place / "c", "c")
    remove(daemon, "b")
    assert set(daemon.get("/v1/sync").json) == {"c"}


def test_a_pass_that_was_asked_for_and_hangs_keeps_its_pair_from_going_no_longer_than_another(
    daemons, place, gate, monkeypatch, eventually
):
    monkeypatch.setattr(pair_runner, "run_pass", gate.before(pair_runner.run_pass))
    daemon = daemons.in_process()
    add(daemon, place)
    eventually(lambda: is_equal(daemon))
    daemon.request("POST", "/v1/sync/models/pause")
    eventually(lambda: daemon.get("/v1/sync/models").json["state"] == "paused")
    gate.is_closed = True
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(daemon.request, "POST", "/v1/sync/models/once", {})
        assert gate.reached.acquire(timeout=20)
        remove(daemon)
        gate.open()
        assert asked.result().status in (200, 409)


def test_a_directory_that_hangs_at_the_end_keeps_no_pair_from_going(daemons, place, gate, monkeypatch, eventually):
    monkeypatch.setattr(Watch, "stop", gate.before(Watch.stop))
    daemon = daemons.in_process()
    add(daemon, place)
    eventually(lambda: is_equal(daemon))
    gate.is_closed = True
    remove(daemon)
    assert gate.reached.acquire(timeout=20)


def test_pairs_come_and_go_while_the_directory_of_one_hangs(daemons, place, gate, monkeypatch):
    monkeypatch.setattr(supervision, "_make", gate.before(supervision._make))
    daemon = daemons.in_process()
    add(daemon, place / "a", "a")
    gate.is_closed = True
    with ThreadPoolExecutor(1) as threads:
        adding = threads.submit(add, daemon, place / "b", "b")
        assert gate.reached.acquire(timeout=20)
        gate.is_closed = False
        remove(daemon, "a")
        add(daemon, place / "c", "c")
        gate.open()
        adding.result()
    assert set(daemon.get("/v1/sync").json) == {"b", "c"}


@pytest.mark.parametrize("name", ["_write_register", "_end"])
async def test_a_pair_may_be_removed_while_the_daemon_stops(pairing, tmp_path, monkeypatch, name):
    home, pair = (
        tmp_path / "home",
        SyncPair.of({"directory": str(tmp_path / "a"), "prefix": "indexeddb://"}, origin="http://localhost"),
    )
    pairs = Synchronizer(home, pairing.origins, Activity(), PassOptions(settle=0.0, grace=0.0))
    runner, _ = await pairs.add(pair)
    await runner.once(dry_run=False)
    reached, step = asyncio.Event(), getattr(pairs, name)

    async def say_and_do(given):
        reached.set()
        await step(given)

    monkeypatch.setattr(pairs, name, say_and_do)
    removing = asyncio.create_task(pairs.remove("a"))
    await reached.wait()
    await asyncio.gather(pairs.stop(), removing)
    assert (home / "sync" / "pairs.json").exists()
    assert not list((home / "sync").glob("*.state.json"))
