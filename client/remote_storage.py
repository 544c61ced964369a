"""The localStorage of an origin in the daemon: what Storage stands on there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii

from ..storage_backends.web_storage.operations import Operation, SetItem
from . import storage_operations
from .blocking import run
from .lean_ask import LeanAsk
from .session import Session

_decode = json.JSONDecoder().decode


class RemoteStorage:
    """Satisfies ``StorageBackend``. Each call is one request."""

    __slots__ = ("_lean", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lean = LeanAsk(session.link, storage_operations.target(session.origin), session.timeout)

    def at_hand(self, key: str) -> str | None:
        """None: nothing is kept here."""
        return None

    def apply(self, operations: Sequence[Operation]) -> None:
        run(storage_operations.apply(self._session, operations))

    def set_item(self, key: str, value: str, *, named_property: bool = False) -> None:
        self.apply((SetItem(key, value, named_property),))

    def get_item(self, key: str) -> str | None:
        answer = self._lean.ask(b'{"op":"getItem","key":%s}' % encode_basestring_ascii(key).encode())
        if answer is None:
            return run(storage_operations.ask(self._session, "getItem", key=key))  # type: ignore[no-any-return]
        value: str | None = _decode(answer)["result"]
        return value

    def key(self, index: int) -> str | None:
        name: str | None = run(storage_operations.ask(self._session, "key", index=index))
        return name

    def length(self) -> int:
        count: int = run(storage_operations.ask(self._session, "length"))
        return count

    def keys(self) -> list[str]:
        names: list[str] = run(storage_operations.ask(self._session, "keys"))
        return names

    def items(self) -> list[tuple[str, str]]:
        return [(key, value) for key, value in run(storage_operations.ask(self._session, "items"))]
