"""Awaiting from synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_on_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs what ``work`` gives to its end on a loop of its own: in a thread where this one has a running loop, as in a
    notebook or under Playwright's synchronous API."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
