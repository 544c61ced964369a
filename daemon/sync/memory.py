"""What a pair remembers between two passes and two lives of the daemon: ``<home>/sync/<name>.state.json``.

The file is replaced atomically before a pass changes anything (with what it is going to do) and after it. Without it
nothing is known to have been equal, so nothing is deleted: both sides' models are taken together.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...storage_backends import durable
from ...wire.sync_pair import SyncPair
from ..logs import LOGGER
from .directory_model import FileStamp
from .directory_snapshot import KnownModel
from .planning import Decision, Dispute, Side, State, Unready, Version
from .store_snapshot import KnownStored

FORMAT = 1
LOST_SECONDS = 3600.0
"""How long a deletion counts with those that follow it: a tree may be removed slowly."""


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that was going to happen: afterwards ``to`` holds ``digest`` (None: no model)."""

    to: Side
    digest: str | None


@dataclass(frozen=True, slots=True)
class ConflictCopy:
    """A version that lost a conflict, and under which name it was kept; ``side`` is where it comes from."""

    name: str
    side: Side


@dataclass(slots=True)
class Memory:
    """``base``: what was last equal, model to digest; ``lost``: when models were deleted unasked (seconds since 1970),
    but for those that new models have made up for; ``mounts``: places below the directory that were file systems of
    their own (None: those that are); ``root``: the directory's device and inode."""

    base: dict[str, str] = field(default_factory=dict)
    directory: dict[str, KnownModel] = field(default_factory=dict)
    store: dict[str, KnownStored] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    approved: set[tuple[str, str]] = field(default_factory=set)
    held: set[tuple[str, str]] = field(default_factory=set)
    lost: list[float] = field(default_factory=list)
    resolved: dict[str, Decision] = field(default_factory=dict)
    copies: dict[str, list[ConflictCopy]] = field(default_factory=dict)
    mounts: set[str] | None = None
    root: tuple[int, int] | None = None
    marked: bool = False
    paused: bool = False

    def recover(self, directory: Mapping[str, State], store: Mapping[str, State]) -> None:
        """Finds out which of the writes that were going to happen did: what a side holds as intended, both held."""
        sides = {"directory": directory, "store": store}
        for model, intent in sorted(self.intents.items(), key=_deletions_first):
            present = sides[intent.to].get(model)
            if present is not None and not isinstance(present, Version):
                continue
            del self.intents[model]
            if (None if present is None else present.digest) != intent.digest:
                continue
            if intent.digest is None:
                self.lose(model)
            else:
                self.remember(model, intent.digest)

    def forget_copies(self, *sides: Mapping[str, State]) -> None:
        """Conflict copies that the user has removed or renamed on both sides are no longer told of."""
        for model, copies in list(self.copies.items()):
            left = [copy for copy in copies if any(copy.name in side for side in sides)]
            if left:
                self.copies[model] = left
            else:
                del self.copies[model]

    def forget_decisions(self, directory: Mapping[str, State], store: Mapping[str, State]) -> None:
        """What the user decided about a conflict lapses with it: a later one has other versions, and is another one."""
        for model, decision in list(self.resolved.items()):
            here, there = directory.get(model), store.get(model)
            about = Dispute(*(side.digest if isinstance(side, Version) else "" for side in (here, there)))
            if not (isinstance(here, Unready) or isinstance(there, Unready) or about == decision.about):
                del self.resolved[model]

    def remember(self, model: str, digest: str) -> None:
        """Both sides hold ``digest``."""
        if model not in self.base and self.lost:
            self.lost.pop(0)
        self.base[model] = digest

    def forget(self, model: str) -> str | None:
        """Neither side holds the model; the digest that both held."""
        return self.base.pop(model, None)

    def lose(self, model: str) -> None:
        """The model was deleted, because the other side's was."""
        if (digest := self.forget(model)) is not None and (model, digest) not in self.approved:
            self.lost.append(round(time.time(), 3))

    def forget_losses(self) -> None:
        """What is long ago no longer counts. (A clock that was set back makes none last longer.)"""
        now = time.time()
        self.lost = [moment for moment in self.lost if abs(now - moment) < LOST_SECONDS]


def memory_path(state: Path, name: str) -> Path:
    """Where the memory of the pair ``name`` stands."""
    return state / f"{name}.state.json"


class MemoryFile:
    """One pair's memory on the disk. Any thread may call it."""

    def __init__(self, path: Path, pair: SyncPair) -> None:
        self._path = path
        self._pair = {"directory": str(pair.directory), "prefix": pair.prefix, "origin": pair.origin}
        self._written = b""
        self._lock = threading.Lock()
        self._closed = False

    def read(self) -> Memory:
        """An empty memory where there is none, or one of another pair, or one that is damaged or cannot be read (which
        is logged)."""
        try:
            self._written = self._path.read_bytes()
            content = json.loads(self._written)
            if content["format"] == FORMAT and content["pair"] == self._pair:
                return _from_json(content)
        except FileNotFoundError:
            return Memory()
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            LOGGER.warning("a sync pair's memory is damaged; it starts anew", extra={"file": str(self._path)})
            LOGGER.debug("the damage", exc_info=error)
        return Memory()

    def write(self, memory: Memory) -> None:
        """Durable on return; nothing is written where nothing has changed, or once it was closed. Raises OSError."""
        content = json.dumps({"format": FORMAT, "pair": self._pair, **_to_json(memory)}, sort_keys=True).encode()
        with self._lock:
            if content != self._written and not self._closed:
                durable.write_file(self._path, content)
                self._written = content

    def close(self) -> None:
        """The pair has ended: a pass that is still at work in its thread writes nothing from now on, which the next
        pair of the name would take for its own."""
        with self._lock:
            self._closed = True

    def remove(self) -> None:
        """It is closed, and gone."""
        self.close()
        durable.unlink(self._path)


def _deletions_first(entry: tuple[str, Intent]) -> tuple[bool, str]:
    """The new name of a renamed model makes up for the old one."""
    model, intent = entry
    return intent.digest is not None, model


def _to_json(memory: Memory) -> dict[str, Any]:
    return {
        "base": memory.base,
        "directory": {
            model: [known.digest, known.modified, *(list(file) for file in known.files)]
            for model, known in memory.directory.items()
        },
        "store": {model: [known.info, known.digest, known.modified] for model, known in memory.store.items()},
        "intents": {model: [intent.to, intent.digest] for model, intent in memory.intents.items()},
        "approved": sorted(memory.approved),
        "held": sorted(memory.held),
        "lost": memory.lost,
        "resolved": {
            model: [decision.keep, decision.about.directory, decision.about.store]
            for model, decision in memory.resolved.items()
        },
        "copies": {model: [[copy.name, copy.side] for copy in copies] for model, copies in memory.copies.items()},
        "mounts": None if memory.mounts is None else sorted(memory.mounts),
        "root": memory.root,
        "marked": memory.marked,
        "paused": memory.paused,
    }


def _from_json(content: Mapping[str, Any]) -> Memory:
    return Memory(
        base=dict(content["base"]),
        directory={
            model: KnownModel(tuple(FileStamp(*file) for file in files), digest, modified)
            for model, (digest, modified, *files) in content["directory"].items()
        },
        store={model: KnownStored(*known) for model, known in content["store"].items()},
        intents={model: Intent(*intent) for model, intent in content["intents"].items()},
        approved={(model, digest) for model, digest in content["approved"]},
        held={(model, digest) for model, digest in content.get("held", ())},  # absent in early states
        lost=list(content.get("lost", ())),  # the same
        resolved={
            model: Decision(decision[0], Dispute(*decision[1:]))
            for model, decision in content["resolved"].items()
            if isinstance(decision, list)  # an early state does not say what was decided about: it is asked again
        },
        copies={model: [ConflictCopy(*copy) for copy in copies] for model, copies in content["copies"].items()},
        mounts=None if content.get("mounts") is None else set(content["mounts"]),  # absent in early states
        root=None if content.get("root") is None else (content["root"][0], content["root"][1]),  # the same
        marked=bool(content["marked"]),
        paused=bool(content["paused"]),
    )
