"""``async for`` over a cursor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, Self, TypeVar


class Steppable(Protocol):
    """A cursor."""

    @property
    def has_value(self) -> bool: ...
    @property
    def request(self) -> Awaitable[Self | None]: ...
    def continue_(self) -> Awaitable[Self | None]: ...


C = TypeVar("C", bound=Steppable)


class CursorIteration(Generic[C]):
    """Opens the cursor with the first step; goes on by one record where the body did not move it."""

    def __init__(self, open_cursor: Callable[[], Awaitable[C | None]]) -> None:
        self._open = open_cursor
        self._cursor: C | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> C:
        if self._cursor is None:
            cursor = await self._open()
        elif self._cursor.has_value:
            cursor = await self._cursor.continue_()
        else:
            cursor = await self._cursor.request
        if cursor is None:
            raise StopAsyncIteration
        self._cursor = cursor
        return cursor
