"""The list of few models and of many, and the start of a daemon that holds many."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from row import Aim, Row, each_in
from series import Operation, Series, interleave
from workbench import Workbench, model

import tfjsd
from tfjsd.testing.daemon_process import DaemonProcess

COUNTS = (10, 1_000, 10_000)


def rows(workbench: Workbench) -> Iterator[Row]:
    with ExitStack() as stack:
        directory = stack.enter_context(workbench.directory())
        for count in COUNTS:
            fill(directory / f"home{count}", count)
        yield start(directory / f"home{COUNTS[-1]}", workbench.rounds)
        stores = {count: stack.enter_context(DaemonProcess(directory / f"home{count}")).connect() for count in COUNTS}
        operations: dict[str, Operation] = {
            f"{count:,} models": partial(list_changed, stores[count], count) for count in COUNTS
        }
        operations |= {
            f"{count:,} models, unchanged": partial(list_unchanged, stores[count], count) for count in COUNTS
        }
        found = interleave(operations, workbench.rounds)
    measured = each_in("ms", found)
    yield Row("list 10,000 models, one changed since", found["10,000 models"], Aim(25, "ms"), measured)
    each = {count: found[f"{count:,} models"].scaled(1 / count) for count in COUNTS[1:]}
    flat = each[10_000].ratio(each[1_000])
    yield Row("cost per listed model, of 10,000 by of 1,000", flat, Aim(1.2, "×"))


def fill(home: Path, count: int) -> None:
    artifacts = model(bytes(64))
    with tfjsd.open_store(home) as store:
        for number in range(count):
            store.save(f"indexeddb://models/{number:05}", artifacts, durability="relaxed")


def list_changed(store: tfjsd.Client, count: int, number: int) -> float:
    """The list just after a change of one model, so that nothing remembered answers it whole."""
    store.save("indexeddb://models/00000", model(bytes(64 + 4 * (number + 2))), durability="relaxed")
    started = time.perf_counter()
    expect(len(store.list_models()), count)
    return time.perf_counter() - started


def list_unchanged(store: tfjsd.Client, count: int, _: int) -> None:
    expect(len(store.list_models()), count)


def expect(found: int, count: int) -> None:
    if found != count:
        raise SystemExit(f"{found} models in place of {count}")


def start(home: Path, rounds: int) -> Row:
    def once(_: int) -> float:
        started = time.perf_counter()
        with DaemonProcess(home):
            return time.perf_counter() - started

    found: Series = interleave({"start": once}, rounds)["start"]
    return Row("start to ready with 10,000 models", found, Aim(300, "ms"))
