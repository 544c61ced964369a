"""The asynchronous twin of ``remote_storage``."""

from __future__ import annotations

from collections.abc import Sequence

from ..storage_backends.web_storage.operations import Operation
from . import storage_operations
from .on_loop import run
from .session import Session


class AsyncRemoteStorage:
    """Satisfies ``AsyncStorageBackend``. Each call is one request."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def apply(self, operations: Sequence[Operation]) -> None:
        await run(storage_operations.apply(self._session, operations))

    async def get_item(self, key: str) -> str | None:
        value: str | None = await run(storage_operations.ask(self._session, "getItem", key=key))
        return value

    async def key(self, index: int) -> str | None:
        name: str | None = await run(storage_operations.ask(self._session, "key", index=index))
        return name

    async def length(self) -> int:
        count: int = await run(storage_operations.ask(self._session, "length"))
        return count

    async def keys(self) -> list[str]:
        names: list[str] = await run(storage_operations.ask(self._session, "keys"))
        return names

    async def items(self) -> list[tuple[str, str]]:
        return [(key, value) for key, value in await run(storage_operations.ask(self._session, "items"))]
