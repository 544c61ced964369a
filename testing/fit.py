"""Whether a model would fit, to the code unit, without saving it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from ..errors import NeverSettlesError, QuotaExceededError, UnsupportedURLError
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
from ..storage_backends.web_storage.quota import size_in
from ..storage_backends.web_storage.text import EncodedText, normalize
from .simulated_origin import SimulatedOrigin


class Fit(NamedTuple):
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
    """How a save of ``artifacts`` to ``url`` would go now, but for faults and denials: it is done and taken back.

    Raises UnsupportedURLError for other URLs than ``localstorage://`` and ``indexeddb://``, InvalidArtifactsError for a
    model that no save would take.
    """
    parsed = model_url.parse(url)
    model = StoredModel.of(artifacts)
    if parsed.scheme == "localstorage":
        return _fit_local_storage(origin, model, url, parsed.path)
    if parsed.scheme == "indexeddb":
        return _fit_indexed_db(origin, model, url)
    raise UnsupportedURLError(f"Nothing is known of the room at '{url}'.")


def _fit_local_storage(origin: SimulatedOrigin, model: StoredModel, url: str, path: str) -> Fit:
    rules, refused = origin.browser.web_storage, False
    with origin.rehearsal():
        total = _total(origin, model, path)
        try:
            origin.models.save(url, model).result()
            total = origin.area.used() + origin.area.leaked
        except QuotaExceededError:
            refused = True
    if rules.limit is None:
        return Fit(not refused, None, 0, rules.unit)
    return Fit(not refused, max(rules.limit - total, 0), max(total - rules.limit, 1) if refused else 0, rules.unit)


def _total(origin: SimulatedOrigin, model: StoredModel, path: str) -> int:
    """What the area would count with the model in it."""
    area, rules = origin.area, origin.browser.web_storage
    total = area.used() + area.leaked
    for suffix, new in _sizes(rules, model, path, origin.now()).items():
        key = item_key(path, suffix)
        old = area.stored(key)
        total += new - _size(rules, old) if old is not None else new + _size(rules, normalize(key)[1])
    return total


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


def _fit_indexed_db(origin: SimulatedOrigin, model: StoredModel, url: str) -> Fit:
    """Where it does not fit, the quota is raised until it does: each write of a save may want more."""
    quota, missing = origin.quota(), 0
    while True:
        with origin.rehearsal(missing) as rehearsal:
            with suppress(QuotaExceededError, NeverSettlesError):
                origin.models.save(url, model).result()
            left = None if quota is None else max(quota - origin.usage(), 0)
        if not rehearsal.missing:
            return Fit(not missing, left, missing, "disk")
        missing += rehearsal.missing
