"""``Store.run``: synchronous code reaches IndexedDB, wherever it runs."""

from __future__ import annotations

import asyncio

import pytest

import tfjsd


async def made(store: tfjsd.AsyncStore, name: str) -> list[str]:
    (await store.indexed_db().open(name)).close()
    return [info.name for info in await store.indexed_db().databases()]


def test_a_function_runs_on_a_loop_of_its_own(any_store: tfjsd.Store) -> None:
    assert any_store.run(made, "a") == ["a"]


def test_it_runs_beside_a_running_loop_too(any_store: tfjsd.Store) -> None:
    async def beside() -> list[str]:
        return any_store.run(made, "a")  # as in a notebook's cell

    assert asyncio.run(beside()) == ["a"]


def test_what_it_raises_is_raised(any_store: tfjsd.Store) -> None:
    async def fails(other: tfjsd.AsyncStore) -> None:
        raise LookupError(other.origin)

    with pytest.raises(LookupError, match=any_store.origin):
        any_store.run(fails)
