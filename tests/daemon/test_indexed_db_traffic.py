"""When a session's traffic is worth a look at the heap."""

from __future__ import annotations

from tfjsd.daemon.indexed_db.traffic import Traffic

MIB = 1 << 20


def test_much_traffic_is_told_once_when_there_is_quiet_after_it():
    traffic = Traffic()
    looks = []
    for size in (5 * MIB, 5 * MIB, 0, 0, 20 * MIB, 1, 0):
        traffic.count(size)
        looks.append(traffic.calm())
    assert looks == [False, False, True, False, False, False, True]


def test_little_traffic_is_never_told():
    traffic = Traffic()
    traffic.count(MIB)
    assert not any(traffic.calm() for _ in range(3))


def test_who_leaves_in_the_middle_of_much_is_known():
    traffic = Traffic()
    assert not traffic.is_much
    traffic.count(9 * MIB)
    assert traffic.is_much
