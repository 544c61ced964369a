"""The faults of TensorFlow.js 4.22.0, to be had on request: for tests that must fail as production does.

tfjsd repairs them everywhere by default. Each can be switched on by itself, where a store or a handler is made; what
then happens is written once, in ``faulty_models.py`` (what stores do) and in the handlers that have one. Nothing else
knows of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Fault(StrEnum):
    """One fault."""

    MOVE_DELETES_FIRST = "move-deletes-first"
    OVERWRITE_DESTROYS = "overwrite-destroys"
    ORPHAN_INFO = "orphan-info"
    FULL_INDEXEDDB = "full-indexeddb"
    TRUNCATED_URL = "truncated-url"
    UNDEFINED_TEXT = "undefined-text"
    UNCHECKED_WEIGHTS = "unchecked-weights"
    ZERO_SHARDS = "zero-shards"

    @property
    def source(self) -> str:
        """The file of TensorFlow.js that has it, and where in it."""
        return _FACTS[self][0]

    @property
    def effect(self) -> str:
        """What it does to the user."""
        return _FACTS[self][1]


_FACTS = {
    Fault.MOVE_DELETES_FIRST: (
        "tfjs-core/src/io/model_management.ts (cloneModelInternal)",
        "moveModel removes the source after it was loaded and before it is saved, whatever the media: if the save "
        "fails, the model is nowhere.",
    ),
    Fault.OVERWRITE_DESTROYS: (
        "tfjs-core/src/io/local_storage.ts (BrowserLocalStorage.save)",
        "A save to localstorage:// that does not fit removes all five items of the path: the model that was there "
        "before is gone.",
    ),
    Fault.ORPHAN_INFO: (
        "tfjs-core/src/io/indexed_db.ts (BrowserIndexedDB.databaseAction)",
        "A save to indexeddb:// writes the info and the model in two transactions: if the second fails, the model is "
        "listed and cannot be loaded.",
    ),
    Fault.FULL_INDEXEDDB: (
        "tfjs-core/src/io/indexed_db.ts (BrowserIndexedDB.databaseAction)",
        "A save to a full indexeddb:// resolves in Chrome though nothing was stored, never settles in Firefox (here: "
        "NeverSettlesError), and rejects in Safari with the storage's error.",
    ),
    Fault.TRUNCATED_URL: (
        "tfjs-core/src/io/model_management.ts (parseURL)",
        "removeModel and moveModel forget a path from its second '://' on: moving 'localstorage://a://b' removes the "
        "model 'a' and leaves 'a://b'.",
    ),
    Fault.UNDEFINED_TEXT: (
        "tfjs-core/src/io/local_storage.ts (BrowserLocalStorage.save)",
        "A model without topology or weight specs is saved to localstorage:// with the text 'undefined' in their "
        "place; the load fails with a SyntaxError of JSON.parse.",
    ),
    Fault.UNCHECKED_WEIGHTS: (
        "tfjs-core/src/io/weights_loader.ts (loadWeightsAsArrayBuffer)",
        "The status of a weight response is not looked at: the page of a 404 becomes weights.",
    ),
    Fault.ZERO_SHARDS: (
        "tfjs-node/src/io/file_system.ts (NodeFileSystem.save)",
        "A save of sharded weights to file:// writes as many zero bytes as there are shards, and reports the true "
        "size.",
    ),
}

Quirks = frozenset[Fault]
"""The faults that are switched on."""

NO_QUIRKS: Quirks = frozenset()
TFJS_4_22: Quirks = frozenset(Fault)
"""All of them, as TensorFlow.js 4.22.0 has them."""

_SETS = {"": NO_QUIRKS, "none": NO_QUIRKS, "tfjs-4.22": TFJS_4_22, "tfjs-4.22.0": TFJS_4_22}


def quirks_named(names: str | Iterable[str] | None) -> Quirks:
    """The faults of a name, of several (a comma list or any iterable), or of a version: ``"tfjs-4.22"``.

    None, ``""`` and ``"none"`` are no fault. Raises ValueError, naming all there are, for a name that is none.
    """
    if names is None:
        return NO_QUIRKS
    separate = names.split(",") if isinstance(names, str) else names
    return frozenset(fault for name in separate for fault in _faults(name.strip()))


def _faults(name: str) -> Quirks:
    if name in _SETS:
        return _SETS[name]
    try:
        return frozenset({Fault(name)})
    except ValueError:
        known = ", ".join([*(name for name in _SETS if name), *Fault])
        raise ValueError(f"There is no quirk named {name!r}; there are: {known}") from None
