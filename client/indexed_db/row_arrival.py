"""Rows that come in several messages, with binaries that are mapped or fetched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ...errors import BadRequestError
from ...storage_backends.abc import Blob, Buffer
from ...storage_backends.indexed_db.abc import Reply
from ...storage_backends.values import blobs_of
from ...wire.indexed_db import Message
from ...wire.model_body import MappedBlob
from ..mapped_weights import BlobMoved, BlobUnreachable, map_blob
from . import transfers
from .transfers import Transfer

if TYPE_CHECKING:
    from .remote_session import RemoteSession


Views = WeakValueDictionary[str, memoryview]
"""Binaries by digest."""


class _Value(bytes):
    """A stored value, with what it keeps out of line: that is there for as long as somebody has the value."""

    binaries: list[memoryview]

    def __new__(cls, data: Buffer) -> _Value:
        value = super().__new__(cls, data)
        value.binaries = []
        return value


class RowArrival:
    """Collects the rows of one request; replies with the last of them."""

    def __init__(self, session: RemoteSession, views: Views, reply: Reply) -> None:
        """``views`` knows the binaries of all requests of a transaction."""
        self._session = session
        self._views = views
        self._reply = reply
        self._rows: list[Any] = []

    def fetches(self, message: Message) -> list[Transfer]:
        """Raises BadRequestError for a message of another form."""
        if message.type != "rows" or len(message.parts) % 3:
            raise BadRequestError("These are no rows.")
        files, tokens = message.fields.get("files", {}), message.fields.get("tokens", {})
        first, parts, fetches = len(self._rows), message.parts, []
        for place in range(0, len(parts), 3):
            key, primary, value = parts[place : place + 3]
            self._rows.append((key, key if primary is None else primary, value))
            if value is not None:
                fetches += self._take_value(len(self._rows) - 1, bytes(value), files)
        for number, (token, _size) in tokens.items():
            fetches.append(partial(self._fetch_value, first + int(number), token, files))
        return fetches

    def deliver(self, message: Message | None, problem: BaseException | None) -> None:
        if message is None:
            self._reply(None, problem)
        elif message.flag("last"):
            self._reply(self._rows, None)

    def _take_value(self, number: int, data: bytes, files: dict[str, Any]) -> list[Transfer]:
        """Gives a row its value; maps what can be mapped of it. What is left to fetch."""
        key, primary, _ = self._rows[number]
        blobs = blobs_of(data)
        if not blobs:
            self._rows[number] = (key, primary, data)
            return []
        value, fetches = _Value(data), list[Transfer]()
        self._rows[number] = (key, primary, value)
        for blob in blobs:
            view = self._views.get(blob.digest)
            view = _mapped(blob, files.get(blob.digest)) if view is None else view
            if view is None:
                fetches.append(partial(self._fetch_binary, value, blob))
            else:
                self._keep(value, blob, view)
        return fetches

    def _keep(self, value: _Value, blob: Blob, view: memoryview) -> None:
        self._views[blob.digest] = view
        value.binaries.append(view)

    async def _fetch_value(self, number: int, token: str, files: dict[str, Any]) -> None:
        value = await transfers.fetch_value(self._session, token)
        for fetch in self._take_value(number, value, files):
            await fetch()

    async def _fetch_binary(self, value: _Value, blob: Blob) -> None:
        view = self._views.get(blob.digest)
        if view is None:
            view = await transfers.fetch_binary(self._session, blob)
        self._keep(value, blob, view)


def _mapped(blob: Blob, place: list[Any] | None) -> memoryview | None:
    """None where it cannot be."""
    if place is None:
        return None
    path, device, inode, size = place
    try:
        return map_blob(MappedBlob(path, device, inode, size, blob.digest))
    except (BlobMoved, BlobUnreachable):
        return None
