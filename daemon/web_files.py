"""The files of the page and the JavaScript client, as they lie in the installed package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE: Final = (
    "index.html",
    "page.css",
    "page.js",
    "chosen_files.js",
    "elements.js",
    "histograms.js",
    "layers.js",
    "model_actions.js",
    "model_files.js",
    "model_list.js",
    "model_view.js",
    "origins.js",
    "session.js",
    "sync_pairs.js",
    "icon.svg",
)
CLIENT: Final = "tfjsd.js"


@dataclass(frozen=True, slots=True)
class WebFile:
    """``etag``: of the content, so that a browser asks again and is mostly answered 304."""

    content: bytes
    kind: str
    etag: str


@cache
def page_file(name: str) -> WebFile | None:
    """A file of the page, or None; read once."""
    if name not in PAGE:
        return None
    content = files(__package__).joinpath("web", name).read_bytes()
    return WebFile(content, _TYPES[name[name.rindex(".") :]], _etag(content))


@cache
def client_module() -> WebFile:
    """The JavaScript client; read once."""
    content = files(str(__package__).rpartition(".")[0]).joinpath("js", CLIENT).read_bytes()
    return WebFile(content, "text/javascript", _etag(content))


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
