"""What concerns a whole origin or the whole store: usage, origins, events, status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DaemonUnavailableError
from ..wire.protocol import EVENTS_TYPE
from . import delivery
from .effects import Emit, Operation, Receive
from .exchange import ConnectionLost
from .messages import Request
from .session import Session

if TYPE_CHECKING:
    from ..model_io.store import StorageEstimate


def estimate(session: Session) -> Operation[StorageEstimate]:
    from ..wire.model_path import with_query

    body = yield from session.ask_json(Request("GET", with_query("/v1/estimate", session.query())))
    return _estimate(body)


def origins(session: Session) -> Operation[dict[str, StorageEstimate]]:
    body = yield from session.ask_json(Request("GET", "/v1/origins"))
    return {origin: _estimate(usage) for origin, usage in body.items()}


def status(session: Session) -> Operation[dict[str, Any]]:
    """What the daemon says of itself, as JSON has it."""
    said: dict[str, Any] = yield from session.ask_json(Request("GET", "/v1/status"))
    return said


def page_address(session: Session) -> Operation[str]:
    """The daemon's page with a code that opens it once."""
    said: dict[str, str] = yield from session.ask_json(Request("POST", "/v1/page/code"))
    return f"{said['url']}#{said['code']}"


def events(session: Session, *, own: bool = True) -> Operation[None]:
    """Emits None once the subscription is in force, then each event, until it is closed.

    Raises DaemonUnavailableError when the daemon ends: events may be missed until the next subscription.
    """
    from ..model_io.store import StoreEvent
    from ..wire.events import EventDecoder
    from ..wire.model_path import with_query

    request = Request(
        "GET", with_query("/v1/events", session.query(own=None if own else "0")), headers={"accept": EVENTS_TYPE}
    )
    connection, exchange = yield from delivery.begin_stream(session.link, session.authorized(request), session.timeout)
    decoder = EventDecoder()
    try:
        while not exchange.complete:
            while exchange.parser.pieces:
                for event in decoder.feed(exchange.parser.pieces.popleft()):
                    if event.type == "ready":
                        yield Emit(None)
                    elif event.type == "lost":
                        raise DaemonUnavailableError("Events came faster than they were taken, and some were lost.")
                    else:
                        yield Emit(StoreEvent(event.type, str(event.data.pop("origin", session.origin)), event.data))
            yield Receive(connection, exchange, None)
        raise DaemonUnavailableError("The daemon has ended, and with it the stream of events.")
    except ConnectionLost as lost:
        raise DaemonUnavailableError(f"The stream of events was lost: {lost}.") from lost
    finally:
        connection.close()


def _estimate(body: dict[str, Any]) -> StorageEstimate:
    from ..model_io.store import StorageEstimate

    local_storage = body.get("localStorage") or {}
    return StorageEstimate(
        usage=body["usage"],
        quota=body["quota"],
        usage_details=body.get("usageDetails") or {},
        local_storage_units=local_storage.get("usage") or 0,
        local_storage_quota=local_storage.get("quota"),
        models=body.get("models"),
    )
