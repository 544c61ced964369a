"""What an origin's name may be."""

from __future__ import annotations

import re

from ..errors import UnsupportedURLError

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=-]+)(?::(0|[1-9][0-9]{0,4}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}


def checked_origin(origin: str) -> str:
    """The origin as it is; raises UnsupportedURLError for what no browser would serialize as one
    (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin)."""
    match = _ORIGIN.fullmatch(origin) if len(origin) <= 2048 and origin == origin.lower() else None
    if match is None or int(match[3] or 0) > 65535:
        raise UnsupportedURLError(
            f"'{origin[:200]}' is not an origin.",
            hint="an origin is a lower-case scheme and ASCII host, a port where it is not the default, and no path: "
            "https://app.example, http://localhost:8080",
        )
    if match[3] is not None and _DEFAULT_PORTS.get(match[1]) == match[3]:
        raise UnsupportedURLError(
            f"'{origin}' is not an origin: browsers leave the default port out.",
            hint=f"write {match[1]}://{match[2]}",
        )
    return origin
