"""Backup, restore, verification of the daemon's whole home. They may take long: nothing here times out between two
answers of a daemon that is at work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import DaemonUnavailableError
from ..wire.backup_failure import Tail
from ..wire.model_path import with_query
from ..wire.protocol import BACKUP_TYPE
from . import delivery
from .effects import Call, Operation, Receive
from .exchange import ConnectionLost
from .messages import Request
from .session import Session, json_request

if TYPE_CHECKING:
    from typing import BinaryIO, Protocol

    class Writable(Protocol):
        """What a backup is written to."""

        def write(self, data: bytes, /) -> object: ...


_PIECE = 1 << 20


def verify(session: Session, urls: Sequence[str] | None) -> Operation[dict[str, Any]]:
    """``{"checked": {kind: count}, "problems": [{"object", "name", "message"}]}``."""
    body = {} if urls is None else {"urls": list(urls)}
    request = json_request("POST", with_query("/v1/verify", session.query()), body, reads=True)
    report: dict[str, Any] = yield from session._replace(timeout=None).ask_json(request)
    return report


def backup(session: Session, file: Writable) -> Operation[None]:
    """Where the stream ends before the backup does, what was written is none: raises what the daemon says of it
    (CorruptionError that names what is damaged, StoreFailedError), else DaemonUnavailableError."""
    request = session.authorized(Request("GET", "/v1/backup", headers={"accept": BACKUP_TYPE}))
    connection, exchange = yield from delivery.begin_stream(session.link, request, session.timeout)
    tail = Tail()
    try:
        while True:
            while exchange.parser.pieces:
                tail.add(exchange.parser.pieces[0])
                yield Call(file.write, (exchange.parser.pieces.popleft(),), brief=True)
            if exchange.complete:
                return
            yield Receive(connection, exchange, None)
    except ConnectionLost as lost:
        cut = DaemonUnavailableError(f"The backup was cut off: {lost}. What was written so far is not one.")
        raise tail.failure() or cut from lost
    finally:
        connection.close()


def restore(session: Session, file: BinaryIO) -> Operation[dict[str, Any]]:
    """``{"origins", "records", "blobs", "bytes"}``."""
    request = Request("POST", "/v1/restore", headers={"content-type": BACKUP_TYPE}, body=_pieces(file))
    summary: dict[str, Any] = yield from session._replace(timeout=None).ask_json(request)
    return summary


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece
