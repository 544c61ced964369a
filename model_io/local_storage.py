"""How TensorFlow.js lays a model out in localStorage (tfjs-core/src/io/local_storage.ts).

Five items per model, keys ``tensorflowjs_models/<path>/<suffix>``; weights are base64. What is written here is there
through the raw storage, and what was written there raw is a model here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ..errors import InvalidArtifactsError, ModelNotFoundError, QuotaExceededError, TfjsdError
from ..storage_backends.abc import Blob, Buffer
from ..storage_backends.browsers import Browser
from ..storage_backends.buckets import Bucket
from ..storage_backends.web_storage.operations import RemoveItem, SetItem
from ..storage_backends.web_storage.quota import quota_error
from ..storage_backends.web_storage.storage_area import StorageArea
from ..storage_backends.web_storage.text import EncodedText
from . import base64, ecma_json
from .artifacts_info import listed_text
from .found_model import FoundModel
from .listed_info import ListedInfo
from .model_change import ModelChange, Prepared
from .stored_model import StoredModel
from .types import ModelArtifactsInfo

PATH_SEPARATOR = "/"
PATH_PREFIX = "tensorflowjs_models"
INFO_SUFFIX = "info"
MODEL_TOPOLOGY_SUFFIX = "model_topology"
WEIGHT_SPECS_SUFFIX = "weight_specs"
WEIGHT_DATA_SUFFIX = "weight_data"
MODEL_METADATA_SUFFIX = "model_metadata"
SUFFIXES = (INFO_SUFFIX, MODEL_TOPOLOGY_SUFFIX, WEIGHT_SPECS_SUFFIX, WEIGHT_DATA_SUFFIX, MODEL_METADATA_SUFFIX)
_JSON_SUFFIXES = tuple(suffix for suffix in SUFFIXES if suffix != WEIGHT_DATA_SUFFIX)

ALWAYS_IN_METADATA = ("format", "generatedBy", "convertedBy")
"""Kept with an explicit null; the other fields of the metadata are dropped when null."""
OTHER_METADATA = ("signature", "userDefinedMetadata", "modelInitializer", "initializerSignature", "trainingConfig")


def item_key(path: str, suffix: str) -> str:
    return PATH_SEPARATOR.join((PATH_PREFIX, path, suffix))


class LocalStorageModels:
    """The models of one origin's localStorage. Reads are consistent only under the bucket's mutex."""

    scheme = "localstorage"

    def __init__(self, bucket: Bucket, area: StorageArea, browser: Browser) -> None:
        self._bucket = bucket
        self._area = area
        self._rules = browser.web_storage

    def check_path(self, path: str) -> None:
        """Raises what the constructor of tfjs's handler throws for an empty path."""
        if not path:
            raise InvalidArtifactsError("For local storage, modelPath must not be null, undefined or empty.")

    def infos(self) -> list[ListedInfo]:
        """The info of each model, in the browser's key order; no topology and no weight is read."""
        prefix, suffix = PATH_PREFIX + PATH_SEPARATOR, PATH_SEPARATOR + INFO_SUFFIX
        with self._bucket.locked():
            return [
                ListedInfo.of(self.scheme, _path_of(key), self._listed(key))
                for key in self._area.keys()  # noqa: SIM118 (an area is no mapping)
                if key.startswith(prefix) and key.endswith(suffix)
            ]

    def info(self, path: str) -> str | None:
        """The info text of one model, or None where no such model is."""
        key = item_key(path, INFO_SUFFIX)
        return None if self._area.get_item(key) is None else self._listed(key)

    def missing(self, path: str) -> ModelNotFoundError:
        """What a load of an absent model raises."""
        return ModelNotFoundError(f"In local storage, there is no model with name '{path}'")

    def token(self, path: str) -> object:
        """Equal exactly while the five items of the path are unchanged."""
        return tuple(self._area.stored(item_key(path, suffix)) for suffix in SUFFIXES)

    def find(self, path: str) -> FoundModel:
        """The model, checked in tfjs's order when it is read: that raises ModelNotFoundError, InvalidArtifactsError for
        a broken one, CorruptionError where the weights are damaged."""
        with self._bucket.locked():
            raw = {suffix: self._area.get_item(item_key(path, suffix)) for suffix in _JSON_SUFFIXES}
            encoded = self._area.stored(item_key(path, WEIGHT_DATA_SUFFIX))
        blob = encoded.data if encoded is not None and isinstance(encoded.data, Blob) else None
        return FoundModel(blob, partial(self._read, path, raw, encoded))

    def _read(self, path: str, raw: Mapping[str, str | None], encoded: EncodedText | None) -> StoredModel:
        if (info := self._parsed(path, INFO_SUFFIX, raw)) is None:
            raise self.missing(path)
        if not isinstance(info, dict) or info.get("modelTopologyType") != "JSON":
            raise InvalidArtifactsError("BrowserLocalStorage does not support loading non-JSON model topology yet.")
        texts = {
            "modelTopology": self._present(path, MODEL_TOPOLOGY_SUFFIX, raw, "the topology of model '{}' is"),
            "weightSpecs": self._present(path, WEIGHT_SPECS_SUFFIX, raw, "the weight specs of model '{}' are"),
        }
        texts |= self._metadata(path, raw)
        if encoded is None:
            raise InvalidArtifactsError(f"In local storage, the binary weight values of model '{path}' are missing.")
        return StoredModel(texts, memoryview(base64.decode_stored(encoded.width, self._bytes_of(encoded))))

    def _bytes_of(self, text: EncodedText) -> Buffer:
        """The stored bytes; those of a blob are checked first, since what is made of them has no digest."""
        if not isinstance(text.data, Blob):
            return text.data
        self._bucket.blobs.verify(text.data)
        return self._bucket.blobs.map(text.data)

    def prepare(
        self, path: str, model: StoredModel, info: ModelArtifactsInfo, *, erased: str | None = None
    ) -> Prepared:
        """Encodes a model; needs no lock. ``erased``: the path of a model that will be erased before.

        Raises QuotaExceededError with tfjs's text where the model would not fit as things are, CorruptionError where
        the weights are damaged.
        Where tfjs would store the text ``undefined`` and be unable to load the model again, this raises
        InvalidArtifactsError (no topology, or weights without specs) or keeps the empty list of specs (no weights).
        """
        if model.texts.get("modelTopology", "null") == "null":
            raise InvalidArtifactsError(
                f"Failed to save model '{path}' to local storage: it has no model topology.",
                hint=f"localStorage keeps only models that have a topology; save it to indexeddb://{path}",
            )
        specs = model.texts.get("weightSpecs", "null")
        if specs == "null" and model.weight_bytes:
            raise InvalidArtifactsError(f"Failed to save model '{path}' to local storage: it has no weight specs.")
        self._refuse_hopeless(path, model, info)
        values: tuple[str | EncodedText, ...] = (
            info.to_json(),
            model.texts["modelTopology"],
            "[]" if specs == "null" else specs,
            _ascii(base64.encode_bytes(self._weights(model))),
            metadata_text(model.texts),
        )
        items = [SetItem(item_key(path, suffix), value) for suffix, value in zip(SUFFIXES, values, strict=True)]
        gone = () if erased is None else tuple(RemoveItem(item_key(erased, suffix)) for suffix in SUFFIXES)
        try:
            staged = self._area.prepare([*gone, *items])[len(gone) :]
        except QuotaExceededError as cause:
            raise over_quota(path, info, cause) from cause
        return Prepared(path, info, staged, discard=lambda: self._area.discard(staged))

    def write(self, change: ModelChange, prepared: Prepared) -> None:
        """Adds the five items to a change; raises QuotaExceededError with tfjs's text, nothing is changed then."""
        try:
            self._area.apply(change.mutation, prepared.content)
        except QuotaExceededError as cause:
            raise over_quota(prepared.path, prepared.info, cause) from cause

    def erase(self, change: ModelChange, path: str) -> None:
        """Adds the removal of the five items to a change."""
        self._area.apply(change.mutation, [RemoveItem(item_key(path, suffix)) for suffix in SUFFIXES])

    def _refuse_hopeless(self, path: str, model: StoredModel, info: ModelArtifactsInfo) -> None:
        """Refuses weights that no area could hold before they are encoded."""
        encoded, limit = base64.encoded_length(model.weight_bytes or 0), self._rules.limit
        if limit is not None and encoded > limit >= self._area.used():
            key = item_key(path, WEIGHT_DATA_SUFFIX)
            refusal = quota_error(self._rules, key, self._area.used() + encoded, named_property=False)
            raise over_quota(path, info, refusal) from refusal

    def _weights(self, model: StoredModel) -> memoryview:
        """The bytes; those of a blob are checked first, since they get another form here and no digest with it."""
        if model.weights is None:
            return memoryview(b"")
        if not isinstance(model.weights, Blob):
            return model.weights
        self._bucket.blobs.verify(model.weights)
        return self._bucket.blobs.map(model.weights)

    def _metadata(self, path: str, raw: Mapping[str, str | None]) -> dict[str, str]:
        metadata = self._parsed(path, MODEL_METADATA_SUFFIX, raw)
        if not isinstance(metadata, dict):
            return {}
        kept = {name: metadata[name] for name in ALWAYS_IN_METADATA if name in metadata}
        kept |= {name: metadata[name] for name in OTHER_METADATA if metadata.get(name) is not None}
        return {name: ecma_json.stringify(value) for name, value in kept.items()}

    def _present(self, path: str, suffix: str, raw: Mapping[str, str | None], what: str) -> str:
        text = raw[suffix]
        canonical = "null" if text is None else self._canonical_text(path, suffix, text)
        if canonical == "null":
            raise InvalidArtifactsError(f"In local storage, {what.format(path)} missing.")
        return canonical

    def _parsed(self, path: str, suffix: str, raw: Mapping[str, str | None]) -> object:
        text = raw[suffix]
        return None if text is None else ecma_json.parse(self._canonical_text(path, suffix, text))

    def _listed(self, key: str) -> str:
        text = self._area.get_item(key)
        assert text is not None
        return listed_text(_canonical_item(key, text))

    def _canonical_text(self, path: str, suffix: str, text: str) -> str:
        return _canonical_item(item_key(path, suffix), text)


def _canonical_item(key: str, text: str) -> str:
    try:
        return ecma_json.canonicalize(text)
    except TfjsdError as error:
        raise InvalidArtifactsError(
            f"{error.message} (in the localStorage item '{key}')",
            hint=f"the item is damaged: `tfjsd storage remove '{key}'` takes it out of the way",
        ) from error


def _ascii(data: bytes) -> EncodedText:
    """A text as it will be stored: megabytes of base64 are neither decoded nor encoded again."""
    return EncodedText(1, len(data), data)


def _path_of(key: str) -> str:
    """The model's path: the key without its first and last component (getModelPathFromKey)."""
    parts = key.split(PATH_SEPARATOR)
    if len(parts) < 3:
        raise InvalidArtifactsError(f"Invalid key format: {key}")
    return PATH_SEPARATOR.join(parts[1:-1])


def metadata_text(texts: Mapping[str, str]) -> str:
    """The text of the item ``model_metadata``."""
    kept = [(name, texts[name]) for name in ALWAYS_IN_METADATA if name in texts]
    kept += [(name, texts[name]) for name in OTHER_METADATA if texts.get(name, "null") != "null"]
    return "{" + ",".join(f'"{name}":{text}' for name, text in kept) + "}"


def over_quota(path: str, info: ModelArtifactsInfo, cause: QuotaExceededError) -> QuotaExceededError:
    """tfjs's text for a save that does not fit, with the storage error's figures."""
    return QuotaExceededError(
        f"Failed to save model '{path}' to local storage: size quota being exceeded is a possible cause of this "
        f"failure: modelTopologyBytes={_shown(info.model_topology_bytes)}, "
        f"weightSpecsBytes={_shown(info.weight_specs_bytes)}, weightDataBytes={_shown(info.weight_data_bytes)}.",
        limit=cause.limit,
        needed=cause.needed,
        unit=cause.unit,
        quota=cause.quota,
        requested=cause.requested,
        interface=cause.interface,
        hint=f"indexeddb:// has room for larger models: save it to indexeddb://{path}",
    )


def _shown(count: int | None) -> str:
    """A count as a JavaScript template literal shows it."""
    return "undefined" if count is None else str(count)
