"""Functions that run when a request or a transaction is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

S = TypeVar("S")


def run_callback(loop: asyncio.AbstractEventLoop, callback: Callable[[S], object], settled: S) -> BaseException | None:
    """Gives what the callback raised. The loop's exception handler is told of it, as of what a future's callbacks
    raise: it is nobody else's affair."""
    try:
        callback(settled)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as problem:  # noqa: BLE001 (it is reported)
        message = f"Exception in a done callback of {settled!r}"
        loop.call_exception_handler({"message": message, "exception": problem})
        return problem
    return None
