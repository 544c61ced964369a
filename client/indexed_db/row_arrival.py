"""Rows that come in several messages, with binaries that are mapped or fetched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import BadRequestError
from ...storage_backends.abc import Blob
from ...storage_backends.indexed_db.abc import Reply
from ...storage_backends.values import blobs_of
from ...wire.indexed_db import Message
from ...wire.model_body import MappedBlob
from ..mapped_weights import BlobMoved, BlobUnreachable, map_blob
from . import transfers
from .transfers import Transfer

if TYPE_CHECKING:
    from .remote_session import RemoteSession


class RowArrival:
    """Collects the rows of one request; replies with the last of them."""

    def __init__(self, session: RemoteSession, views: dict[str, memoryview], reply: Reply) -> None:
        """``views`` takes the binaries, by digest."""
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
                fetches += self._binaries(bytes(value), files)
        for number, (token, _size) in tokens.items():
            fetches.append(partial(self._fetch_value, first + int(number), token, files))
        return fetches

    def deliver(self, message: Message | None, problem: BaseException | None) -> None:
        if message is None:
            self._reply(None, problem)
        elif message.flag("last"):
            self._reply(self._rows, None)

    def _binaries(self, value: bytes, files: dict[str, Any]) -> list[Transfer]:
        """Maps what can be mapped; what is left to fetch."""
        missing = [blob for blob in blobs_of(value) if blob.digest not in self._views]
        return [partial(self._fetch_binary, blob) for blob in missing if not self._map(blob, files.get(blob.digest))]

    def _map(self, blob: Blob, place: list[Any] | None) -> bool:
        if place is None:
            return False
        path, device, inode, size = place
        try:
            self._views[blob.digest] = map_blob(MappedBlob(path, device, inode, size, blob.digest))
        except (BlobMoved, BlobUnreachable):
            return False
        return True

    async def _fetch_value(self, number: int, token: str, files: dict[str, Any]) -> None:
        value = await transfers.fetch_value(self._session, token)
        self._rows[number] = (*self._rows[number][:2], value)
        for fetch in self._binaries(value, files):
            await fetch()

    async def _fetch_binary(self, blob: Blob) -> None:
        if blob.digest not in self._views:
            self._views[blob.digest] = await transfers.fetch_binary(self._session, blob)
