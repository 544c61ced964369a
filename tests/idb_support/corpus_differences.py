"""What differs from the recordings on purpose, with the reason. The list can only shrink: a test fails if one is gone.

``text``: only messages, codes and what the corpus calls not semantic differ. ``behaviour``: more than that.
"""

from __future__ import annotations

from typing import Literal

Level = Literal["text", "behaviour"]

_ARGUMENTS = "a missing argument is Python's own TypeError"
_SURROGATES = "the engine damages names with lone surrogates; a durable home keeps every name"
_LOST = "the engine loses the old record when a put violates a unique index; damage is the harness's to show"
_VERSION_ZERO = "the engine lists a database whose creation was aborted; there is none"

DIFFERENCES: dict[tuple[str, str], tuple[Level, str]] = {
    ("chrome", "idb-011"): ("text", _ARGUMENTS),
    ("chrome", "idb-075"): (
        "text",
        "db.version keeps the new number after createIndex aborted the upgrade; it goes back, as after abort()",
    ),
    ("firefox", "idb-011"): ("text", _ARGUMENTS),
    ("firefox", "idb-075"): ("text", "the tried db.version after the failed upgrade differs"),
    ("firefox", "idb-225"): ("behaviour", _SURROGATES),
    ("safari", "idb-011"): ("text", _ARGUMENTS),
    ("safari", "idb-059"): ("behaviour", "the engine aborts getAll on key path '' and loses the records"),
    ("safari", "idb-176"): ("behaviour", _VERSION_ZERO),
    ("safari", "idb-180"): ("behaviour", _VERSION_ZERO),
    ("safari", "idb-209"): ("behaviour", _LOST),
    ("safari", "idb-221"): ("behaviour", _LOST),
    ("safari", "idb-225"): ("behaviour", _SURROGATES),
}
