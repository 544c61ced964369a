"""IDBVersionChangeEvent. https://w3c.github.io/IndexedDB/#idbversionchangeevent"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Tasks = set[asyncio.Task[Any]]
"""Keeps the tasks of asynchronous listeners alive; a factory has one."""


@dataclass(frozen=True, slots=True)
class IDBVersionChangeEvent:
    """``new_version`` is None where the database is to be deleted. ``target`` is the connection or the request."""

    type: Literal["versionchange", "blocked", "upgradeneeded", "success"]
    old_version: int
    new_version: int | None
    target: Any


Listener = Callable[[IDBVersionChangeEvent], object]
"""A function, or a coroutine function: that one runs as a task of its own."""


def call(listener: Listener, event: IDBVersionChangeEvent, tasks: Tasks) -> bool:
    """Runs a listener; what it raises goes to the loop's exception handler, as from an event handler. Whether it is
    asynchronous, and so goes on."""
    loop = asyncio.get_running_loop()
    try:
        result = listener(event)
    except Exception as problem:  # noqa: BLE001 (an event handler's exception is reported, not propagated)
        loop.call_exception_handler({"message": f"A {event.type} listener raised an exception", "exception": problem})
        return False
    if not inspect.isawaitable(result):
        return False
    task = asyncio.ensure_future(result)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return True
