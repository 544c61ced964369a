"""Names and numbers that both sides of a connection must know. ``docs/http.md`` is the prose."""

from __future__ import annotations

from typing import Final

PROTOCOL: Final = 1
"""Version of the protocol. It grows when an old client would misread a new answer, or the reverse."""

VERSION_HEADER: Final = "tfjsd-version"
PROTOCOL_HEADER: Final = "tfjsd-protocol"
HOME_HEADER: Final = "tfjsd-home"
"""The daemon's home, percent-encoded: a client that meant another one finds out by the first answer."""
CLIENT_HEADER: Final = "tfjsd-client"
"""Names the client in each of its requests, so that it can be spared the events of its own changes."""
BROWSER_HEADER: Final = "tfjsd-browser"
"""Whose behaviour the daemon's stores have: a client's IndexedDB speaks as that browser does."""
EXPOSED_HEADERS: Final = f"Accept-Ranges, Content-Range, ETag, {VERSION_HEADER}, {PROTOCOL_HEADER}"
"""What a page on another, listed origin may read of an answer besides its body."""

MODEL_TYPE: Final = "application/vnd.tfjsd.model"
"""u32 LE header length, JSON header, raw weights."""
MAPPED_TYPE: Final = "application/vnd.tfjsd.mapped"
"""The JSON header alone, with the blob that holds the weights, for a caller of the daemon's own uid to map."""
JSON_TYPE: Final = "application/json"
EVENTS_TYPE: Final = "text/event-stream"
BACKUP_TYPE: Final = "application/vnd.tfjsd.backup"

DEFAULT_ORIGIN: Final = "http://localhost"
MODELS: Final = "/v1/models"
MODEL_JSON: Final = "model.json"
WEIGHTS_BIN: Final = "weights.bin"
