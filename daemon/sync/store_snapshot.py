"""The models of an origin below a URL prefix, as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ...errors import TfjsdError
from ...model_io.origin import Origin
from ...model_io.types import ModelArtifactsInfo
from ...wire.sync_pair import SyncPair
from .content_digest import stored_digest
from .ignored_names import objection
from .planning import State, Unready, Version


@dataclass(frozen=True, slots=True)
class KnownStored:
    """A stored model that was read: its info as text, its digest, when it was saved. A save gives it another info."""

    info: str
    digest: str
    modified: float


@dataclass(slots=True)
class StoreSnapshot:
    """``infos``: the info text of each model; ``known``: what need not be read again."""

    states: dict[str, State] = field(default_factory=dict)
    infos: dict[str, str] = field(default_factory=dict)
    known: dict[str, KnownStored] = field(default_factory=dict)
    read: int = 0

    def info(self, model: str) -> ModelArtifactsInfo | None:
        """What the model's info was; None where it was not there."""
        text = self.infos.get(model)
        return None if text is None else ModelArtifactsInfo.from_json(text)


def take_store(
    origin: Origin, pair: SyncPair, known: Mapping[str, KnownStored], touched: Iterable[str] = ()
) -> StoreSnapshot:
    """Reads what is not as ``known``, and what was ``touched`` since."""
    snapshot, touched = StoreSnapshot(), set(touched)
    for url, info in origin.models.list_models_text().items():
        model = url.removeprefix(pair.prefix)
        if not url.startswith(pair.prefix) or not pair.takes(model):
            continue
        snapshot.infos[model] = info
        before = known.get(model)
        if before is None and (reason := objection(model)) is not None:
            snapshot.states[model] = Unready(reason, problem=True)
            continue
        if before is None or before.info != info or model in touched:
            before = _read(snapshot, origin, url, model, info)
        if before is not None:
            snapshot.known[model] = before
            snapshot.states[model] = Version(before.digest, before.modified)
    return snapshot


def _read(snapshot: StoreSnapshot, origin: Origin, url: str, model: str, info: str) -> KnownStored | None:
    snapshot.read += 1
    try:
        return KnownStored(info, stored_digest(origin.models.open(url)), _saved(info))
    except TfjsdError as error:
        snapshot.states[model] = Unready(str(error), problem=True)
        return None


def _saved(info: str) -> float:
    saved = ModelArtifactsInfo.from_json(info).date_saved
    return 0.0 if saved is None else saved.timestamp()
