"""Whether a model would fit, to the code unit, without saving it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ..errors import QuotaExceededError, UnsupportedURLError
from ..model_io import model_url
from ..model_io.io_utils import get_model_artifacts_info_for_json
from ..model_io.local_storage import (
    INFO_SUFFIX,
    MODEL_METADATA_SUFFIX,
    MODEL_TOPOLOGY_SUFFIX,
    SUFFIXES,
    WEIGHT_DATA_SUFFIX,
    WEIGHT_SPECS_SUFFIX,
    item_key,
    metadata_text,
)
from ..model_io.stored_model import StoredModel
from ..model_io.types import ModelArtifacts
from ..storage_backends.browsers import WebStorageRules
from ..storage_backends.web_storage.quota import is_refused, size_in
from ..storage_backends.web_storage.text import EncodedText, normalize
from .simulated_origin import SimulatedOrigin


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model fits (``bool(fit)`` says it too), and by how much.

    ``left`` is what would remain (None: there is no limit), ``missing`` what is wanting, both in ``unit``: ``utf16``
    (code units) or ``byte`` in localStorage, as the browser counts there, ``disk`` (bytes) in IndexedDB.
    """

    ok: bool
    left: int | None
    missing: int
    unit: str

    def __bool__(self) -> bool:
        return self.ok


def fit(origin: SimulatedOrigin, artifacts: ModelArtifacts, url: str) -> Fit:
    """How a save of ``artifacts`` to ``url`` would go now, but for faults and denials; changes nothing.

    Raises UnsupportedURLError for other URLs than ``localstorage://`` and ``indexeddb://``, InvalidArtifactsError for a
    binary topology.
    """
    parsed = model_url.parse(url)
    model = StoredModel.of(artifacts)
    if parsed.scheme == "localstorage":
        return _fit_local_storage(origin, model, parsed.path)
    if parsed.scheme == "indexeddb":
        return _fit_indexed_db(origin, model, parsed.path)
    raise UnsupportedURLError(f"Nothing is known of the room at '{url}'.")


def _fit_local_storage(origin: SimulatedOrigin, model: StoredModel, path: str) -> Fit:
    area, rules = origin.area, origin.browser.web_storage
    with origin.bucket.locked():
        before = area.used()
        total, refused = before, False
        for suffix, new in _sizes(rules, model, path, origin.now()).items():
            key = item_key(path, suffix)
            old = area.stored(key)
            key_size = _size(rules, normalize(key)[1])
            item = key_size + new
            after = total + item - (0 if old is None else key_size + _size(rules, old))
            refused |= is_refused(rules, total=after, before=total, peak=total, item=item)
            total = after
        refused |= total > before and not origin.has_room(total - before)
    if rules.limit is None:
        return Fit(not refused, None, 0, rules.unit)
    missing = max(total - rules.limit, 0)
    return Fit(not refused, max(rules.limit - total, 0), max(missing, 1) if refused else 0, rules.unit)


def _sizes(rules: WebStorageRules, model: StoredModel, path: str, now: int) -> dict[str, int]:
    """What the five values count, in the order in which they are written."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    texts = {
        INFO_SUFFIX: get_model_artifacts_info_for_json(model.texts, model.weight_bytes, moment).to_json(),
        MODEL_TOPOLOGY_SUFFIX: model.texts.get("modelTopology", "undefined"),
        WEIGHT_SPECS_SUFFIX: model.texts.get("weightSpecs", "undefined"),
        MODEL_METADATA_SUFFIX: metadata_text(model.texts),
    }
    sizes = {suffix: _size(rules, normalize(text)[1]) for suffix, text in texts.items()}
    sizes[WEIGHT_DATA_SUFFIX] = 4 * -(-(model.weight_bytes or 0) // 3)
    return {suffix: sizes[suffix] for suffix in SUFFIXES}


def _size(rules: WebStorageRules, text: EncodedText) -> int:
    return size_in(rules, text.width, text.units)


def _fit_indexed_db(origin: SimulatedOrigin, model: StoredModel, path: str) -> Fit:
    quota = origin.quota()
    growth = _growth(origin, model, path)
    if quota is None:
        return Fit(True, None, 0, "disk")
    needed = origin.usage() + growth
    return Fit(growth <= 0 or needed <= quota, max(quota - needed, 0), max(needed - quota, 0), "disk")


def _growth(origin: SimulatedOrigin, model: StoredModel, path: str) -> int:
    """By how many bytes the records would grow."""
    models = origin.plain_models
    stored = {url for url in models.list_models_text() if url.startswith("indexeddb://")}
    if f"indexeddb://{path}" not in stored:
        return _added(origin, model, path)
    beside = path
    while f"indexeddb://{beside}" in stored:
        beside = beside[:-1] + chr(ord(beside[-1]) + 1)
    return _added(origin, model, beside) - _added(origin, models.open(f"indexeddb://{path}"), beside)


def _added(origin: SimulatedOrigin, model: StoredModel, path: str) -> int:
    """The size of a model that is not there, from the refusal to store it."""
    with origin.databases.rehearsal() as beside:
        try:
            origin.plain_models.save(f"indexeddb://{path}", model).result()
        except QuotaExceededError as refusal:
            return (refusal.needed or 0) - beside
    raise AssertionError("a rehearsal never saves")
