"""Claims are granted in order of their creation, and what that costs does not grow with how many there are."""

from __future__ import annotations

import random
import sys
import threading

import pytest

from tfjsd.storage_backends.indexed_db import lock_table
from tfjsd.storage_backends.indexed_db.lock_table import Claim, LockTable


class Locks:
    """A table, and which claims have been granted, in their order."""

    def __init__(self) -> None:
        self.table = LockTable(lambda: None)
        self.granted: list[str] = []
        self._claims: dict[str, Claim] = {}

    def request(self, name: str, **wanted: bool) -> None:
        claim = self._claims[name] = Claim(list(wanted.items()), lambda: self.granted.append(name))
        if self.table.request(claim):
            self.granted.append(name)

    def release(self, name: str) -> None:
        self.table.release(self._claims[name])


@pytest.fixture
def locks():
    return Locks()


def test_readers_share_and_a_writer_is_alone(locks):
    for name, exclusive in (("r1", False), ("r2", False), ("w1", True), ("r3", False), ("w2", True)):
        locks.request(name, s=exclusive)
    assert locks.granted == ["r1", "r2"]
    locks.release("r1")
    assert locks.granted == ["r1", "r2"]
    for name in ("r2", "w1", "r3"):
        locks.release(name)
    assert locks.granted == ["r1", "r2", "w1", "r3", "w2"]


def test_who_leaves_the_queue_lets_those_behind_it_pass(locks):
    for name, exclusive in (("r1", False), ("w1", True), ("w2", True), ("r2", False), ("w3", True)):
        locks.request(name, s=exclusive)
    locks.release("w2")
    assert locks.granted == ["r1"]
    locks.release("w1")
    assert locks.granted == ["r1", "r2"]
    for name in ("r1", "r1", "r2"):
        locks.release(name)
    assert locks.granted == ["r1", "r2", "w3"]


def test_a_claim_needs_all_its_resources(locks):
    locks.request("a", a=True)
    locks.request("b", b=True)
    locks.request("both", a=True, b=False)
    locks.release("a")
    assert locks.granted == ["a", "b"]
    locks.release("b")
    assert locks.granted == ["a", "b", "both"]


def test_nothing_is_left_of_released_claims(locks):
    for name in "abc":
        locks.request(name, s=True)
    for name in "bac":
        locks.release(name)
    assert (locks.granted, locks.table._queues) == (["a", "c"], {})


def test_nothing_is_left_of_those_who_gave_up_while_others_wait(locks):
    locks.request("holder", s=True)
    locks.request("waiting", s=True)
    for number in range(100):
        locks.request(f"gives up {number}", s=True)
        locks.release(f"gives up {number}")
    assert len(locks.table._queues["s"].waiting) == 1
    locks.release("holder")
    assert locks.granted == ["holder", "waiting"]


def test_a_claim_granted_while_it_is_queued_is_told_once(locks):
    """By another thread, just before ``request`` has said that it waits."""
    locks.request("first", s=True)

    class Interrupted(LockTable):
        def request(self, claim: Claim) -> bool:
            at_once = super().request(claim)
            thread = threading.Thread(target=lambda: locks.release("first"))
            thread.start()
            thread.join()
            return at_once

    locks.table.__class__ = Interrupted
    locks.request("second", s=True)
    assert locks.granted == ["first", "second"]


def lines_run(work) -> int:
    """How many lines of the lock table run."""
    count = 0

    def trace(frame, event, _argument):
        nonlocal count
        if frame.f_code.co_filename != lock_table.__file__:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("order", ["first", "last", "any"])
@pytest.mark.parametrize("waits", [False, True])
def test_leaving_costs_the_same_among_many_readers(order, waits):
    def run(number: int) -> int:
        locks = Locks()
        if waits:
            locks.request("w", s=True)
        names = [f"r{place}" for place in range(number)]
        for name in names:
            locks.request(name, s=False)
        if order == "any":
            random.Random(1).shuffle(names)
        names = names[::-1] if order == "last" else names

        def release() -> None:
            for name in ["w", *names] if waits else names:
                locks.release(name)

        return lines_run(release)

    assert run(400) <= 4.5 * run(100)
