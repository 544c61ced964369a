"""What the settings of the HTTP listener may be: a loopback address, and origins in their serialized form."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_LOOPBACK = re.compile(r"(?:http://)?(127\.0\.0\.1|localhost|\[::1\]):([0-9]{1,5})/?")
_ORIGIN = re.compile(
    r"(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::([1-9][0-9]{0,4}))?"
    r"|(?:chrome-extension|moz-extension|safari-web-extension)://[A-Za-z0-9-]+"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class LoopbackAddress(NamedTuple):
    """``host`` is ``127.0.0.1`` or ``::1``; port 0 asks for a free one."""

    host: str
    port: int


def authority(host: str, port: int) -> str:
    """``host:port`` as a URL and a Host header have it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def loopback_address(value: Any) -> LoopbackAddress:
    """``127.0.0.1:8765``, ``[::1]:8765``, ``localhost:8765``. Raises ValueError for any other address."""
    match = _LOOPBACK.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[2]) > 65535:
        raise ValueError("127.0.0.1:PORT or [::1]:PORT is expected (no other address is listened on)")
    return LoopbackAddress({"localhost": "127.0.0.1"}.get(match[1], match[1].strip("[]")), int(match[2]))


def web_origins(value: Any) -> tuple[str, ...]:
    """Origins as the header ``Origin`` has them; they are compared letter by letter.

    Raises ValueError for a pattern, ``null``, a path, upper case, or a scheme's own port: no browser sends those.
    """
    if not isinstance(value, list | tuple):
        raise ValueError("an array of origins is expected")
    for origin in value:
        match = _ORIGIN.fullmatch(origin) if isinstance(origin, str) else None
        if match is None or (match[3] is not None and match[3] == _DEFAULT_PORTS[match[1]]):
            raise ValueError(f"{origin!r} is not an origin such as https://app.example or http://localhost:3000")
    return tuple(value)
