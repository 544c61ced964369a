"""Carries out operations on the running asyncio loop; what blocks goes to the loop's executor."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from . import async_http_connection
from .effects import Call, Effect, Emit, Open, Operation, Pause, Receive, Send, Transfer

T = TypeVar("T")


async def run(operation: Operation[T]) -> T:
    """The operation's result. A cancellation is thrown into the operation, which discards its connection."""
    resume: Callable[[Any], Effect] = operation.send
    outcome: Any = None
    try:
        while True:
            effect = resume(outcome)
            try:
                resume, outcome = operation.send, await perform(effect)
            except BaseException as error:  # noqa: BLE001 (handed to the operation, which ends it or lets it pass)
                resume, outcome = operation.throw, error
    except StopIteration as end:
        result: T = end.value
        return result


async def iterate(operation: Operation[None]) -> AsyncIterator[Any]:
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
                    resume, outcome = operation.send, await perform(effect)
            except BaseException as error:  # noqa: BLE001 (handed to the operation, which ends it or lets it pass)
                resume, outcome = operation.throw, error
    except StopIteration:
        return
    finally:
        operation.close()


async def perform(effect: Effect) -> Any:
    match effect:
        case Transfer(connection, exchange, timeout):
            return await async_http_connection.transfer(connection, exchange, timeout)
        case Open(address, timeout):
            return await async_http_connection.open_connection(address, timeout)
        case Call():
            return await _call(effect)
        case Send(connection, exchange, timeout):
            return await async_http_connection.send(connection, exchange, timeout)
        case Receive(connection, exchange, timeout):
            return await async_http_connection.receive(connection, exchange, timeout)
        case Pause(seconds):
            return await asyncio.sleep(seconds)
        case Emit():
            raise TypeError("only iterate() takes items")


async def _call(call: Call) -> Any:
    if inspect.iscoroutinefunction(call.function):
        return await call.function(*call.arguments)
    future = asyncio.get_running_loop().run_in_executor(None, call.function, *call.arguments)
    try:
        result = await (asyncio.shield(future) if call.brief else future)
    except asyncio.CancelledError:
        if call.brief:
            await asyncio.wait([future])
        raise
    return await result if inspect.isawaitable(result) else result
