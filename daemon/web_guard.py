"""Who may call over TCP: a browser sends there whatever any page on the web asks it to.

The checks run before anything else looks at a request, in this order: the Host, word for word (a page that rebinds its
own name to 127.0.0.1 sends that name); where the request comes from (Fetch Metadata, and the Origin, word for word);
the token. Reading is guarded as writing is: models are data to steal. There are no cookies, so that no page can make a
browser send anything secret.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from ..errors import (
    AccessDeniedError,
    BadRequestError,
    ConfigurationError,
    MisdirectedRequestError,
    UnauthorizedError,
)
from ..wire.protocol import EXPOSED_HEADERS
from ..wire.token_file import TOKEN_FILE, ensure_token, read_token
from .logs import LOGGER
from .page_access import PageAccess

_SINGLE = ("Host", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Authorization")
_TRUSTED_SITES = ("same-origin", "none")
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]+)")
_PUBLIC: Final = re.compile(r"/|/tfjsd\.js|/page/[A-Za-z0-9_.-]+|/healthz")
"""What holds nothing of the store's: the page's own files, and whether the daemon answers."""
_PREFLIGHT = {"Access-Control-Allow-Methods": "GET, HEAD, PUT, POST, DELETE", "Access-Control-Max-Age": "600"}
_FIELD_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?: *, *[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
_LONGEST_FIELD_NAMES = 2048
_LOCAL_NETWORKS = ("Private-Network", "Local-Network")
_PAGE_HEADERS: Final = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class BearerToken:
    """The token as its file has it now: after a rotation the old one is worth nothing."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._token = ensure_token(home)
        self._seen = self._version()

    def refresh(self) -> bool:
        """Looks at the file again; whether the token is another one now. A file that holds none admits nobody."""
        version = self._version()
        if version == self._seen:
            return False
        self._seen = version
        try:
            self._token = read_token(self._home) or ""
        except ConfigurationError as error:
            self._token = ""
            LOGGER.error("there is no token", extra={"error": str(error), "hint": "tfjsd token rotate"})
        return True

    def equals(self, given: str) -> bool:
        """In constant time."""
        return bool(self._token) and hmac.compare_digest(given.encode(), self._token.encode())

    def _version(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._home / TOKEN_FILE)
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns


@dataclass(slots=True)
class WebGuard:
    """``hosts``: what the Host header may be. ``origins``: pages that may call, besides the daemon's own; they change
    when the configuration is read again. Without a listener there are no hosts and no token, and nothing passes."""

    hosts: frozenset[str]
    origins: frozenset[str]
    token: BearerToken | None
    pages: PageAccess
    rotations: int = 0

    def check(self, request: web.BaseRequest) -> None:
        """Raises BadRequestError, MisdirectedRequestError, AccessDeniedError, UnauthorizedError."""
        for name in _SINGLE:
            if len(request.headers.getall(name, ())) > 1:
                raise BadRequestError(f"The header {name} is there more than once.")
        self._check_host(request)
        self._check_source(request)
        if request.method != "OPTIONS" and not self.is_public(request) and not _begins_session(request):
            self._check_token(request)

    def admit_origins(self, origins: Iterable[str]) -> frozenset[str]:
        """From now on, pages of these origins may call; gives those that no longer may."""
        withdrawn = self.origins - frozenset(origins)
        self.origins = frozenset(origins)
        return withdrawn

    def notice_rotation(self) -> int:
        """Looks whether the owner has rotated the token; if so, pages have to be opened again. Gives how often that
        has happened: what was let in before the last time is let in no longer."""
        if self.token is not None and self.token.refresh():
            self.pages.forget_all()
            self.rotations += 1
        return self.rotations

    def is_public(self, request: web.BaseRequest) -> bool:
        """Whether the answer holds nothing of the store's."""
        path = request.raw_path.partition("?")[0]
        return request.method in ("GET", "HEAD") and _PUBLIC.fullmatch(path) is not None

    def is_own_page(self, request: web.BaseRequest) -> bool:
        """Whether the page asks, which only the daemon's own user can open."""
        given = _bearer(request)
        return given is not None and self.pages.admits(given)

    def preflight(self, request: web.BaseRequest) -> web.Response:
        """The answer to a request that has passed the checks and asks what a page may send (Fetch §3.2.2; Private
        Network Access §3.1). Raises AccessDeniedError where no page asks."""
        origin = request.headers.get("Origin")
        if origin not in self.origins or "Access-Control-Request-Method" not in request.headers:
            raise AccessDeniedError("OPTIONS is for pages whose origin is listed.")
        headers = {**_PREFLIGHT, "Access-Control-Allow-Headers": _allowed(request)}
        for network in _LOCAL_NETWORKS:
            if request.headers.get(f"Access-Control-Request-{network}") == "true":
                headers[f"Access-Control-Allow-{network}"] = "true"
        return web.Response(status=204, headers=headers)

    def headers_for(self, request: web.BaseRequest) -> Mapping[str, str]:
        """What browsers are told with every answer, refusals included. Never ``*``.

        A listed page may fetch with ``credentials: 'include'``, as requestInit of tf.io.http can say: what a browser
        adds by itself (cookies of this machine's other servers) is not looked at, and the token admits as before.
        """
        headers = {**_PAGE_HEADERS, "Vary": "Origin"}
        origin = request.headers.get("Origin")
        if origin in self.origins and request.headers.get("Host") in self.hosts:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return headers

    def _check_host(self, request: web.BaseRequest) -> None:
        if request.headers.get("Host") not in self.hosts or not request.raw_path.startswith("/"):
            raise MisdirectedRequestError("This Host is not served here.")

    def _check_source(self, request: web.BaseRequest) -> None:
        """The rule of Go 1.25's CrossOriginProtection, for reading too: an Origin must be listed, or our own; without
        one the browser must say that no other site is behind the request. Programs send neither header."""
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        if origin is not None:
            if origin in self.origins or origin == f"http://{request.headers['Host']}":
                return
        elif site is None or site in _TRUSTED_SITES or self._opens_page(request):
            return
        raise AccessDeniedError(
            "Pages of this origin may not use the store.",
            hint="the owner can list origins under [access] in tfjsd/config.toml",
        )

    def _opens_page(self, request: web.BaseRequest) -> bool:
        """A link to the page may be followed from anywhere: it holds no data, and no page can frame it."""
        fetch = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest"))
        return request.method == "GET" and request.raw_path == "/" and fetch == ("navigate", "document")

    def _check_token(self, request: web.BaseRequest) -> None:
        self.notice_rotation()
        given = _bearer(request)
        if given is None or not (self._is_token(given) or self.pages.admits(given)):
            raise UnauthorizedError(
                "The request has no valid token (Authorization: Bearer …).", hint="tfjsd token show prints it"
            )

    def _is_token(self, given: str) -> bool:
        return self.token is not None and self.token.equals(given)


def _allowed(request: web.BaseRequest) -> str:
    """Whatever the page wants to send: what a listed page may do is not decided by further headers."""
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    known = len(wanted) <= _LONGEST_FIELD_NAMES and _FIELD_NAMES.fullmatch(wanted)
    return wanted if known else "Authorization"


def _begins_session(request: web.BaseRequest) -> bool:
    """What the page sends to get its token: its code is the secret."""
    return request.method == "POST" and request.raw_path == "/v1/page/session"


def _bearer(request: web.BaseRequest) -> str | None:
    match = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return None if match is None else match[1]
