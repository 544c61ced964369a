"""What the operations of one client share: the link to the daemon, the origin, the time that is waited."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StoreClosedError
from . import delivery
from .daemon_link import DaemonLink
from .effects import Operation
from .messages import Request, Response

if TYPE_CHECKING:
    from ..model_io.router_registry import IORouterRegistry


_COMPACT = json.JSONEncoder(separators=(",", ":")).encode


class Session(NamedTuple):
    """A client's view of the daemon."""

    link: DaemonLink
    origin: str
    timeout: float | None

    def answer(self, request: Request, timeout: float | None = None) -> Operation[Response]:
        """The daemon's answer, whatever its status."""
        waited = self.timeout if timeout is None else timeout
        return (yield from delivery.deliver(self.link, self.authorized(request), waited))

    def authorized(self, request: Request) -> Request:
        """The request with the token that a daemon on TCP asks for. Raises StoreClosedError."""
        if self.link.closed:
            raise StoreClosedError("The store is closed.")
        request.headers.update(self.link.own_headers())
        return request

    def ask(self, request: Request, timeout: float | None = None) -> Operation[Response]:
        """The daemon's answer; an error status is raised as that error."""
        response = yield from self.answer(request, timeout)
        if response.status >= 400:
            raise delivery.error_of(response.status, response.body)
        return response

    def ask_json(self, request: Request) -> Operation[Any]:
        """The parsed body of the answer."""
        response = yield from self.ask(request)
        return json.loads(str(response.body, "utf-8"))

    def query(self, **parameters: str | None) -> dict[str, str]:
        """The query of a request in this origin; parameters that are None are left out."""
        return {"origin": self.origin} | {name: text for name, text in parameters.items() if text is not None}

    def routers(self) -> IORouterRegistry:
        """The handlers that run in the calling process."""
        from ..model_io.caller_routers import caller_routers

        return caller_routers()


def json_request(method: str, target: str, body: object, *, reads: bool | None = None) -> Request:
    """A request whose body is ASCII JSON (lone surrogates as ``\\udXXX``)."""
    return text_request(method, target, _COMPACT(body), reads=reads)


def text_request(method: str, target: str, text: str, *, reads: bool | None = None) -> Request:
    """As ``json_request``, of JSON that is text already."""
    data = text.encode("ascii")
    return Request(method, target, headers={"content-type": "application/json"}, body=(data,), reads=reads)
