"""HTTP requests as the http handler needs them: what ``fetch`` does, over the standard library's client.

One connection per request, no proxy, certificates checked by the system's store. Differences from ``fetch``: sizes are
bounded, credentials stay with the origin they were given for, https is never left for http, and a redirect that would
turn an upload into a GET is not followed (the server would say 200 and have nothing).
"""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import HTTPStatusError, OutcomeUnknownError
from .response_body import PIECE, OnBytes, received
from .web_url import WebURL

if TYPE_CHECKING:
    import http.client
    import ssl

    from ..storage_backends.abc import Buffer

MAX_REDIRECTS = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})

Auth = str | tuple[str, str]
"""A bearer token, or user name and password."""


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """What a server answered; ``url`` is the one that answered, after redirects."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: Buffer
    url: str

    @property
    def ok(self) -> bool:
        """``Response.ok``: https://fetch.spec.whatwg.org/#ok-status."""
        return 200 <= self.status <= 299

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Upload:
    """A request body: its pieces are sent one after the other, without being joined."""

    content_type: str
    pieces: tuple[Buffer, ...]

    @property
    def size(self) -> int:
        return sum(memoryview(piece).nbytes for piece in self.pieces)


class HTTPTransport:
    """Requests on behalf of one model URL; thread-safe."""

    def __init__(
        self,
        home: WebURL,
        *,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        timeout: float | None = None,
    ) -> None:
        self._home = home
        self._headers = dict(headers or {})
        self._auth = auth
        self._timeout = timeout
        self._tls: ssl.SSLContext | None = None
        self._public = False
        self._live: set[socket.socket] = set()

    def get(
        self, url: WebURL, *, limit: int, on_bytes: OnBytes = lambda count: None, is_error_read: bool = False
    ) -> HTTPResponse:
        """Reads a resource of at most ``limit`` bytes; the body of any answer but 2xx only with ``is_error_read``.

        Raises HTTPStatusError (status 0) where there was no whole answer, TooLargeError before more than ``limit``
        bytes are held.
        """
        return self._request("GET", url, None, limit, on_bytes, is_error_read)

    def send(
        self, method: str, url: WebURL, upload: Upload, *, limit: int, on_bytes: OnBytes = lambda count: None
    ) -> HTTPResponse:
        """Sends a body; keeps the first ``limit`` bytes of the answer's, as they came.

        Raises HTTPStatusError (status 0) where the server was not reached, OutcomeUnknownError where the connection
        was lost after something had been sent and before there was an answer.
        """
        return self._request(method, url, upload, limit, on_bytes, False)

    def abort(self) -> None:
        """Breaks off every exchange that is under way: it fails in its thread."""
        for sock in list(self._live):
            with contextlib.suppress(OSError):  # it ended meanwhile
                sock.shutdown(socket.SHUT_RDWR)

    def _request(
        self, method: str, url: WebURL, upload: Upload | None, limit: int, on_bytes: OnBytes, is_error_read: bool
    ) -> HTTPResponse:
        for _ in range(MAX_REDIRECTS + 1):
            response, location = self._exchange(method, url, upload, limit, on_bytes, is_error_read)
            if location is None or (upload is not None and response.status in (301, 302)):
                return response
            if response.status == 303:
                method, upload = "GET", None
            url = _next_hop(url, location)
        raise HTTPStatusError(f"Request to {self._home} failed: more than {MAX_REDIRECTS} redirects.")

    def _exchange(
        self, method: str, url: WebURL, upload: Upload | None, limit: int, on_bytes: OnBytes, is_error_read: bool
    ) -> tuple[HTTPResponse, str | None]:
        """One request and its answer, with the Location of a redirect."""
        from http.client import HTTPException

        connection = self._connect(url)
        live = connection.sock  # the client forgets it before the body has been read
        self._live.add(live)
        try:
            with contextlib.closing(self._ask(connection, method, url, upload, on_bytes)) as answer:
                location = answer.headers.get("Location") if answer.status in _REDIRECTS else None
                body: Buffer = b""
                if upload is not None:
                    body = _beginning(answer, limit)
                elif 200 <= answer.status <= 299 or (is_error_read and location is None):
                    body = received(answer, limit, str(url), on_bytes)
                headers = tuple(answer.headers.items())
                return HTTPResponse(answer.status, answer.reason, headers, body, str(url)), location
        except (OSError, HTTPException) as error:
            if upload is not None:
                raise OutcomeUnknownError(f"The connection to {url} was lost during the save: {error!r}.") from error
            raise HTTPStatusError(f"Request to {url} failed: {error!r}.") from error
        finally:
            self._live.discard(live)
            connection.close()

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        url: WebURL,
        upload: Upload | None,
        on_bytes: OnBytes,
    ) -> http.client.HTTPResponse:
        connection.putrequest(method, url.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", url.authority)
        for name, value in self._headers_for(url, upload).items():
            connection.putheader(name, value)
        connection.endheaders()
        if upload is not None:
            try:
                for piece in _slices(upload.pieces):
                    connection.send(piece)
                    on_bytes(len(piece))
            except (BrokenPipeError, ConnectionResetError):
                # A server may refuse (413, 401) and close before it read everything; its answer is what matters.
                return connection.getresponse()
        return connection.getresponse()

    def _connect(self, url: WebURL) -> http.client.HTTPConnection:
        connection = self._connection(url)
        try:
            connection.connect()
            self._check_peer(url, connection)
        except OSError as error:
            connection.close()
            raise HTTPStatusError(f"Request to {url} failed: {error}.") from error
        except HTTPStatusError:
            connection.close()
            raise
        return connection

    def _check_peer(self, url: WebURL, connection: http.client.HTTPConnection) -> None:
        """A server on the internet must not lead the caller to an address inside its own network or machine."""
        public = _is_public(connection.sock.getpeername()[0])
        if url.origin == self._home.origin:
            self._public = public
        elif self._public and not public:
            raise HTTPStatusError(f"Request to {url} failed: {self._home} leads to an address of a private network.")

    def _connection(self, url: WebURL) -> http.client.HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        if url.scheme == "http":
            return HTTPConnection(url.host, url.port, timeout=self._timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        return HTTPSConnection(url.host, url.port, context=self._tls, timeout=self._timeout)

    def _headers_for(self, url: WebURL, upload: Upload | None) -> dict[str, str]:
        own = {"Accept": "*/*", "Accept-Encoding": "identity, gzip;q=0.5", "User-Agent": "tfjsd", "Connection": "close"}
        given = dict(self._headers)
        if self._auth is not None:
            given["Authorization"] = _authorization(self._auth)
        if url.origin != self._home.origin:
            given = {name: value for name, value in given.items() if name.lower() not in _CREDENTIALS}
        fixed: dict[str, str] = {}
        if upload is not None:
            fixed = {"Content-Type": upload.content_type, "Content-Length": str(upload.size)}
        return _merged(own, given, fixed)


def _is_public(address: str) -> bool:
    from ipaddress import ip_address

    return ip_address(address.partition("%")[0]).is_global


def _beginning(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """What there is of the answer to an upload. Its status has been received: a body cut short does not undo that."""
    from http.client import HTTPException

    with contextlib.suppress(OSError, HTTPException):
        return answer.read(limit)
    return b""


def _merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """Headers by name in any case; later layers win."""
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            merged[name.lower()] = (name, value)
    return dict(merged.values())


def _authorization(auth: Auth) -> str:
    if isinstance(auth, str):
        return f"Bearer {auth}"
    user, password = auth
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _next_hop(url: WebURL, location: str) -> WebURL:
    following = url.resolve(location)
    if url.scheme == "https" and following.scheme == "http":
        raise HTTPStatusError(f"Request to {url} failed: it redirects from https to http ({following}).")
    return following


def _slices(pieces: Iterable[Buffer]) -> Iterable[memoryview]:
    for piece in pieces:
        view = memoryview(piece).cast("B")
        for start in range(0, len(view), PIECE):
            yield view[start : start + PIECE]
