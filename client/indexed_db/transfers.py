"""What is too large for a message, on its way beside the session."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from ...storage_backends.abc import Blob, Buffer
from ...wire.indexed_db import binary_path, value_path
from ...wire.model_path import with_query
from .. import on_loop
from ..messages import Request

if TYPE_CHECKING:
    from .remote_session import RemoteSession

Transfer = Callable[[], Coroutine[Any, Any, None]]


async def stage_binary(session: RemoteSession, transaction: int, digest: str, data: Buffer) -> None:
    """The daemon has the bytes, durable and pinned for the transaction. Raises QuotaExceededError for a full disk."""
    await _ask(session, "PUT", _for(transaction, binary_path(session.token, digest)), data)


async def stage_value(session: RemoteSession, transaction: int, token: str, data: Buffer) -> None:
    """The daemon has the value in memory, for the transaction."""
    await _ask(session, "PUT", _for(transaction, value_path(session.token, token)), data)


async def fetch_binary(session: RemoteSession, blob: Blob) -> memoryview:
    """The bytes of a binary."""
    return await _ask(session, "GET", with_query(binary_path(session.token, blob.digest), {"size": str(blob.size)}))


async def fetch_value(session: RemoteSession, token: str) -> bytes:
    """A value that is there for this session to fetch, once."""
    return bytes(await _ask(session, "GET", value_path(session.token, token)))


def _for(transaction: int, path: str) -> str:
    return with_query(path, {"transaction": str(transaction)})


async def _ask(session: RemoteSession, method: str, target: str, data: Buffer | None = None) -> memoryview:
    """Staging twice does no harm, so that all of it may be sent again."""
    body = () if data is None else (data,)
    headers = {} if data is None else {"content-type": "application/octet-stream"}
    request = Request(method, target, headers=headers, body=body, reads=True)
    return (await on_loop.run(session.client.ask(request))).body
