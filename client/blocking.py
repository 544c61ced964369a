"""Carries out operations in the calling thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from . import http_connection
from .effects import Call, Effect, Emit, Open, Operation, Pause, Receive, Send, Transfer

T = TypeVar("T")


def run(operation: Operation[T]) -> T:
    """The operation's result."""
    resume: Callable[[Any], Effect] = operation.send
    outcome: Any = None
    try:
        while True:
            effect = resume(outcome)
            try:
                resume, outcome = operation.send, perform(effect)
            except BaseException as error:  # noqa: BLE001 (handed to the operation, which ends it or lets it pass)
                resume, outcome = operation.throw, error
    except StopIteration as end:
        result: T = end.value
        return result


def iterate(operation: Operation[None]) -> Iterator[Any]:
    """The items that the operation emits; closing the iterator closes the operation."""
    resume: Callable[[Any], Effect] = operation.send
    outcome: Any = None
    try:
        while True:
            effect = resume(outcome)
            try:
                if isinstance(effect, Emit):
                    yield effect.item
                    resume, outcome = operation.send, None
                else:
                    resume, outcome = operation.send, perform(effect)
            except BaseException as error:  # noqa: BLE001 (handed to the operation, which ends it or lets it pass)
                resume, outcome = operation.throw, error
    except StopIteration:
        return
    finally:
        operation.close()


def perform(effect: Effect) -> Any:
    match effect:
        case Transfer(connection, exchange, timeout):
            return http_connection.transfer(connection, exchange, timeout)
        case Open(address, timeout):
            return http_connection.open_connection(address, timeout)
        case Call(function, arguments):
            return _called(function(*arguments))
        case Send(connection, exchange, timeout):
            return http_connection.send(connection, exchange, timeout)
        case Receive(connection, exchange, timeout):
            return http_connection.receive(connection, exchange, timeout)
        case Pause(seconds):
            return time.sleep(seconds)
        case Emit():
            raise TypeError("only iterate() takes items")


def _called(result: Any) -> Any:
    """The result of a function, or of the awaitable that it gave."""
    if not hasattr(result, "__await__"):
        return result
    import asyncio

    async def awaited() -> Any:
        return await result

    return asyncio.run(awaited())
