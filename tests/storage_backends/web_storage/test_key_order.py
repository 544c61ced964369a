"""Keys come in the order of each engine's hash table: live, in another process, after a restart."""

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from tfjsd.storage_backends.web_storage.key_order.blink import rapidhash
from tfjsd.storage_backends.web_storage.key_order.key_log import KeyLog
from tfjsd.storage_backends.web_storage.key_order.orders import key_order

HERE = Path(__file__).parent
LISTS = json.loads((HERE / "key_order_lists.json").read_text())
RECORDED = json.loads((HERE.parents[1] / "corpus" / "localstorage_order.json").read_text())["sequences"]
ENGINES = [("chromium", "blink"), ("firefox", "gecko"), ("webkit", "webkit")]


def digest(keys):
    return hashlib.sha256("\x1f".join(keys).encode("utf-16-le", "surrogatepass")).hexdigest()


def replay(order, operations):
    log = KeyLog(order.new_table)
    last_set: dict[str, None] = {}
    for operation, key in operations:
        known = key in last_set
        last_set.pop(key, None)
        if operation == "set":
            last_set[key] = None
            if not known:
                log.add(key)
        elif known:
            log.remove(key)
    return log, list(last_set)


@pytest.mark.parametrize(("engine", "name"), ENGINES)
@pytest.mark.parametrize("case", LISTS["cases"], ids=lambda case: case["title"])
def test_order_live_in_a_new_process_and_after_a_restart(case, engine, name):
    order = key_order(name)
    expected = case["expected"][engine]
    log, last_set = replay(order, case["ops"])
    assert log.keys()[:4] == expected["head"]
    assert digest(log.keys()) == expected["live"]
    assert digest(order.new_process_table(last_set).keys()) == expected["newProcess"]
    restarted = KeyLog(order.new_table, lambda: order.after_restart(last_set))
    assert digest(restarted.keys()) == expected["restart"]


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_order_of_8333_keys_takes_less_than_a_second(engine, name):
    order = key_order(name)
    keys = [f"tensorflowjs_models/m{number}/info" for number in range(8333)]
    started = time.process_time()
    log, _ = replay(order, [("set", key) for key in keys])
    found = log.keys()
    assert time.process_time() - started < 1.0
    assert digest(found) == LISTS["big"]["expected"][engine]["live"]


@pytest.mark.parametrize(("engine", "name"), ENGINES)
def test_order_of_the_recorded_sequences(engine, name):
    compared = 0
    for sequence in RECORDED:
        results = sequence["results"].get("all") or sequence["results"][engine]
        log = KeyLog(key_order(name).new_table)
        there: set[str] = set()
        for operation, result in zip(sequence["ops"], results, strict=True):
            match operation["op"]:
                case "set" if operation["key"] not in there:
                    log.add(operation["key"])
                    there.add(operation["key"])
                case "remove" if operation["key"] in there:
                    log.remove(operation["key"])
                    there.discard(operation["key"])
                case "clear":
                    log.clear()
                    there.clear()
                case "keys":
                    assert log.keys() == result, sequence["id"]
                    compared += 1
    assert compared >= 20


@pytest.mark.parametrize(("_engine", "name"), ENGINES)
def test_a_log_goes_back_to_every_mark(_engine, name):
    draw = random.Random(3)
    log = KeyLog(key_order(name).new_table)
    there: set[str] = set()
    history = []
    for step in range(400):
        history.append((log.mark(), sorted(there), log.keys().copy() if step % 3 == 0 else None))
        key = f"key{draw.randrange(60)}"
        if key in there:
            log.remove(key)
            there.discard(key)
        else:
            log.add(key)
            there.add(key)
        if draw.random() < 0.02:
            log.clear()
            there.clear()
    for mark, keys, order in reversed(history):
        assert sorted(mark.keys()) == keys
        assert order is None or mark.keys() == order
        log.rewind(mark)
        assert log.keys() == mark.keys()


@pytest.mark.parametrize(("_engine", "name"), ENGINES)
def test_a_long_history_of_one_key_takes_no_room(_engine, name):
    log = KeyLog(key_order(name).new_table)
    for _ in range(10_000):
        log.add("k")
        log.remove("k")
    assert len(log.mark().log) <= 4096
    assert log.keys() == []


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 15, 16, 17, 32, 33, 47, 48, 49, 95, 96, 97, 200])
def test_rapidhash_depends_on_every_byte(length):
    data = bytes(range(256))[:length]
    flipped = {data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :] for i in range(length)}
    assert len({rapidhash(other) for other in flipped | {data}}) == length + 1
