"""kill -9 of the daemon while several clients write: what it acknowledged is there, and nothing is half there.

The clients speak HTTP themselves, so that only the daemon is judged.
"""

import contextlib
import hashlib
import http.client
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable

import pytest

CLIENTS = 4
SIZES = (10, 5_000, 200_000)
MOST_CHANGES = 100


class Load:
    """One client: writes in a fixed rhythm; knows what was acknowledged and what may or may not have happened."""

    def __init__(self, daemon, name, seed):
        self.daemon = daemon
        self.name = name
        self.random = random.Random(seed)
        self.items: dict[str, set[str | None]] = {}
        self.models: dict[str, set[bytes | None]] = {}
        self.acknowledged = 0

    def run(self):
        """Until the connection breaks."""
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(self.daemon.connection()) as connection,
        ):
            while True:
                work = self.random.choice([self.set_item, self.set_item, self.save, self.move, self.remove, self.batch])
                work(connection)
                self.acknowledged += 1

    def send(self, connection, method, target, body=None, headers=None):
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (200, 404), answer.status
        return answer.status == 200

    def uncertain(self, known: dict, key: str, value, act: Callable[[], bool]):
        """While an operation is under way both the old and the new state may be found."""
        before = known.get(key, {None})
        known[key] = before | {value}
        done = act()
        known[key] = {value} if done else before

    def set_item(self, connection):
        key, value = f"{self.name}-{self.random.randrange(20)}", str(self.random.random())
        body = json.dumps({"op": "setItem", "key": key, "value": value}).encode()
        self.uncertain(self.items, key, value, lambda: self.send(connection, "POST", "/v1/local-storage", body))

    def batch(self, connection):
        """Two items that always have the same value."""
        value = str(self.random.random())
        operations = [{"op": "setItem", "key": f"{self.name}-twin-{side}", "value": value} for side in "ab"]
        body = json.dumps({"ops": operations, "atomic": True}).encode()
        self.uncertain(
            self.items, f"{self.name}-twin-a", value, lambda: self.send(connection, "POST", "/v1/local-storage", body)
        )

    def save(self, connection):
        name = f"{self.name}-{self.random.randrange(4)}"
        weights = self.random.randbytes(self.random.choice(SIZES))
        digest = hashlib.sha256(weights).digest()
        headers = {"Content-Type": "application/vnd.tfjsd.model"}
        body = self.daemon.model_body(weights)
        target = f"/v1/models/indexeddb/{name}"
        self.uncertain(self.models, name, digest, lambda: self.send(connection, "PUT", target, body, headers))

    def move(self, connection):
        """From one name to another: at any moment it is under exactly one of them."""
        source, dest = f"{self.name}-0", f"{self.name}-1"
        body = json.dumps({"source": f"indexeddb://{source}", "dest": f"indexeddb://{dest}"}).encode()
        before = self.models.get(source, {None}), self.models.get(dest, {None})
        self.models[source], self.models[dest] = before[0] | {None}, before[0] | before[1]
        done = self.send(connection, "POST", "/v1/models/move", body)
        self.models[source], self.models[dest] = ({None}, before[0]) if done else before

    def remove(self, connection):
        name = f"{self.name}-{self.random.randrange(4)}"
        target = f"/v1/models/indexeddb/{name}"
        self.uncertain(
            self.models, name, None, lambda: self.send(connection, "DELETE", target) or None in self.models[name]
        )

    def check(self, daemon, listed):
        """The daemon that came after has, for each key, one of the states that it may have."""
        self.daemon = daemon
        operations = [{"op": "getItem", "key": key} for key in self.items]
        twins = [{"op": "getItem", "key": f"{self.name}-twin-{side}"} for side in "ab"]
        results = daemon.request("POST", "/v1/local-storage", {"ops": operations + twins}).json["results"]
        assert results[-2] == results[-1], "half a batch"
        for key, found in zip(self.items, results, strict=False):
            assert found in self.items[key], f"{key}: acknowledged and lost"
            self.items[key] = {found}
        for name, expected in self.models.items():
            found = None
            if f"indexeddb://{name}" in listed:
                found = hashlib.sha256(daemon.load(f"/v1/models/indexeddb/{name}")[1]).digest()
            assert found in expected, f"{name}: acknowledged and lost, or half there"
            self.models[name] = {found}


def acknowledged(loads):
    return sum(load.acknowledged for load in loads)


def cycles(daemons, count):
    seed = 20_260_101
    daemon = daemons.process()
    loads = [Load(daemon, f"c{number}", seed + number) for number in range(CLIENTS)]
    moment = random.Random(seed)
    for _ in range(count):
        threads = [threading.Thread(target=load.run) for load in loads]
        for thread in threads:
            thread.start()
        enough = acknowledged(loads) + moment.randrange(MOST_CHANGES)
        while acknowledged(loads) < enough:
            assert all(thread.is_alive() for thread in threads), "a client ended by itself"
            time.sleep(0.001)
        time.sleep(moment.uniform(0.0, 0.005))  # so that the kill comes anywhere in a change
        daemon.signal(signal.SIGKILL)
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        daemon.wait()
        daemon = daemons.process()
        assert daemon.ready, daemon.report
        listed = daemon.get("/v1/models").json
        for load in loads:
            load.check(daemon, listed)
    assert daemon.request("POST", "/v1/verify").json["problems"] == []
    assert acknowledged(loads) > count
    return daemon


@pytest.mark.timeout(900)  # only against a hang
def test_60_kills_lose_nothing_that_was_acknowledged(daemons):
    cycles(daemons, 60)


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_1000_kills_lose_nothing_that_was_acknowledged(daemons):
    cycles(daemons, 1000)


def test_the_check_notices_what_is_lost(daemons):
    """Without this, a check that passes everything would pass for ever."""
    daemon = daemons.process()
    load = Load(daemon, "c", 1)
    with contextlib.closing(daemon.connection()) as connection:
        for _ in range(10):
            load.save(connection)
            load.set_item(connection)
    key = next(iter(load.items))
    daemon.local_storage({"op": "removeItem", "key": key})
    with pytest.raises(AssertionError, match="acknowledged and lost"):
        load.check(daemon, daemon.get("/v1/models").json)
    load.items.clear()
    daemon.save(f"/v1/models/indexeddb/{next(iter(load.models))}", os.urandom(10))
    with pytest.raises(AssertionError, match="half there"):
        load.check(daemon, daemon.get("/v1/models").json)
