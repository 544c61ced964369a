"""http and https URLs as a browser's ``fetch`` reads them.

A weight URL is a plain concatenation of strings (tfjs-core/src/io/http.ts), which may hold spaces, dot segments or any
character; browsers normalise it by https://url.spec.whatwg.org/#concept-basic-url-parser before it is sent. This is the
part of that algorithm that concerns the two schemes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from ..errors import UnsupportedURLError

_PORTS = {"http": 80, "https": 443}
# The characters that the URL standard's path and query percent-encode sets leave alone.
_PATH_SAFE = "%/:@!$&'()*+,;=~-._[]|^"
_QUERY_SAFE = "%/:@!$&()*+,;=~-._[]|^?`{}\\"
_HOST = re.compile(r"[A-Za-z0-9._~-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")


@dataclass(frozen=True, slots=True)
class WebURL:
    """A parsed URL; ``target`` is what goes into the request line (path and query, without fragment)."""

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> WebURL:
        """Raises UnsupportedURLError for a relative URL, another scheme, credentials, or a bad host or port."""
        cleaned = re.sub(r"[\t\n\r]", "", text.strip("".join(map(chr, range(33))))).partition("#")[0]
        before, mark, query = cleaned.partition("?")
        try:
            parts = urlsplit(before.replace("\\", "/"))
            port = parts.port
        except ValueError as error:
            raise UnsupportedURLError(f"Invalid URL {text!r}: {error}.") from error
        if parts.scheme not in _PORTS:
            raise UnsupportedURLError(f"Only http and https URLs can be requested, not {text!r}.")
        _, at, authority = parts.netloc.rpartition("@")
        if at:
            raise UnsupportedURLError(
                f"Request cannot be constructed from a URL that includes credentials: {authority}",
                hint="Give the user name and password as auth=(user, password).",
            )
        path = _without_dots(quote(parts.path or "/", safe=_PATH_SAFE, errors="replace"))
        query = quote(query, safe=_QUERY_SAFE, errors="replace")
        return cls(parts.scheme, _ascii_host(parts.hostname, text), port or _PORTS[parts.scheme], path + mark + query)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: https://html.spec.whatwg.org/#same-origin."""
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """The value of a Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def resolve(self, location: str) -> WebURL:
        """The URL that a Location header stands for. Raises UnsupportedURLError as ``parse`` does."""
        return WebURL.parse(urljoin(str(self), location))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def _ascii_host(host: str | None, text: str) -> str:
    try:
        name = (host or "").encode("ascii" if (host or "").isascii() else "idna").decode("ascii")
    except UnicodeError as error:
        raise UnsupportedURLError(f"Invalid URL {text!r}: invalid host name.") from error
    if not _HOST.fullmatch(name):
        raise UnsupportedURLError(f"Invalid URL {text!r}: invalid host name.")
    return name.lower()


def _without_dots(path: str) -> str:
    """Removes dot segments, percent-encoded ones included, as the path state of the URL parser does."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        kind = segment.lower().replace("%2e", ".")
        last = position == len(segments) - 1
        if kind == "..":
            del kept[-1:]
        if kind not in (".", ".."):
            kept.append(segment)
        elif last:
            kept.append("")
    return "/" + "/".join(kept)
