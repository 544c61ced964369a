"""How TensorFlow.js lays a model out in IndexedDB (tfjs-core/src/io/indexed_db.ts).

Database ``tensorflowjs`` version 1 with the stores ``models_store`` and ``model_info_store``, both with the key path
``modelPath``. A model's two records are written in one transaction, so that there are no orphan infos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from copy import copy
from typing import TypeVar

from ..errors import InvalidArtifactsError, ModelNotFoundError, QuotaExceededError
from ..storage_backends import values
from ..storage_backends.abc import Blob, Buffer
from ..storage_backends.buckets import Bucket
from ..storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from ..storage_backends.indexed_db.direct_transaction import BackingTransaction
from ..storage_backends.script_types import UNDEFINED
from . import ecma_json
from .artifacts_info import listed_value
from .found_model import FoundModel
from .info_records import InfoRecords
from .listed_info import ListedInfo
from .model_change import ModelChange, Prepared
from .stored_model import StoredModel
from .types import ModelArtifactsInfo

T = TypeVar("T")

DATABASE_NAME = "tensorflowjs"
MODEL_STORE_NAME = "models_store"
INFO_STORE_NAME = "model_info_store"
KEY_PATH = "modelPath"
STORES = (MODEL_STORE_NAME, INFO_STORE_NAME)


def create_database(transaction: BackingTransaction) -> None:
    """The upgrade from version 0 (setUpDatabase)."""
    for name in STORES:
        transaction.create_object_store(name, key_path=KEY_PATH)


class IndexedDBModels:
    """The models of one origin's database ``tensorflowjs``."""

    scheme = "indexeddb"

    def __init__(self, bucket: Bucket, databases: IndexedDBBackingStore) -> None:
        self._bucket = bucket
        self._databases = databases
        self._infos = InfoRecords(bucket, INFO_STORE_NAME, self._read, self._listed)

    def check_path(self, path: str) -> None:
        """Raises what the constructor of tfjs's handler throws for an empty path."""
        if not path:
            raise InvalidArtifactsError("For IndexedDB, modelPath must not be null, undefined or empty.")

    def infos(self) -> Sequence[ListedInfo]:
        """The info of each model in key order; neither topology nor weights are read, nor infos that are known."""
        with self._bucket.locked():
            return self._infos.current()

    def info(self, path: str) -> str | None:
        """The info text of one model, or None where no such model is."""
        data = self._read(lambda transaction: transaction.get(INFO_STORE_NAME, path))
        decoded = None if data is None else self._decoded_info(data)
        return None if decoded is None else decoded[1]

    def missing(self, path: str) -> ModelNotFoundError:
        """What a load of an absent model raises."""
        return ModelNotFoundError(f"Cannot find model with path '{path}' in IndexedDB.")

    def token(self, path: str) -> object:
        """Equal exactly while the model's record is unchanged."""
        return self._read(lambda transaction: transaction.get(MODEL_STORE_NAME, path))

    def find(self, path: str) -> FoundModel:
        """The model; raises ModelNotFoundError, CorruptionError where a part is damaged. Weights stay unread."""
        model = self._model(path)
        return FoundModel(model.weights if isinstance(model.weights, Blob) else None, lambda: model)

    def _model(self, path: str) -> StoredModel:
        data = self._read(lambda transaction: transaction.get(MODEL_STORE_NAME, path))
        if data is None:
            raise self.missing(path)
        opened: dict[int, Blob] = {}

        def open_blob(blob: Blob) -> memoryview:
            view = self._bucket.blobs.map(blob)
            opened[id(view.obj)] = blob
            return view

        record = values.decode(data, open_blob, json_as_text=True)
        artifacts = record.get("modelArtifacts") if isinstance(record, dict) else None
        if not isinstance(artifacts, dict):
            raise InvalidArtifactsError(f"The IndexedDB record of model '{path}' holds no model artifacts.")
        weights = artifacts.pop("weightData", None)
        texts = {name: text for name, value in artifacts.items() if (text := _json_text(value)) is not None}
        return StoredModel(texts, self._stored_weights(path, weights, opened))

    def prepare(
        self, path: str, model: StoredModel, info: ModelArtifactsInfo, *, erased: str | None = None
    ) -> Prepared:
        """Encodes a model's two records and stages its weights; needs no lock. Missing weights become an empty buffer,
        as in tfjs. ``erased`` (a model that will be erased before) makes no difference to what fits here."""
        blobs, staged = self._bucket.blobs, list[Blob]()
        shared = model.weights if isinstance(model.weights, Blob) else None
        if shared is not None:
            blobs.pin(shared.digest)

        def stage(data: Buffer) -> Blob:
            staged.append(blobs.stage(data))
            return staged[-1]

        def discard() -> None:
            for blob in staged:
                blobs.redeem(blob)
            if shared is not None:
                blobs.unpin(shared.digest)

        info_value = _info_value(info)
        artifacts = _artifacts_value(model)
        try:
            record = {KEY_PATH: path, "modelArtifacts": artifacts, "modelArtifactsInfo": info_value}
            content = {
                INFO_STORE_NAME: values.encode({KEY_PATH: path, "modelArtifactsInfo": info_value}, stage),
                MODEL_STORE_NAME: values.encode(record, stage),
            }
        except BaseException:
            discard()
            raise
        return Prepared(path, info, content, discard)

    def write(self, change: ModelChange, prepared: Prepared) -> None:
        """Adds both records to a change."""
        assert change.transaction is not None
        for store, encoded in prepared.content.items():
            change.transaction.put(store, prepared.path, encoded)

    def erase(self, change: ModelChange, path: str) -> None:
        """Adds the removal of both records to a change."""
        assert change.transaction is not None
        for store in STORES:
            change.transaction.delete(store, path)

    def _read(self, work: Callable[[BackingTransaction], T]) -> T | None:
        """What ``work`` finds in the state of now; None where the database does not exist."""
        return self._databases.read(DATABASE_NAME, STORES, work)

    def _stored_weights(self, path: str, weights: object, opened: Mapping[int, Blob]) -> memoryview | Blob | None:
        if weights is None or weights is UNDEFINED:
            return None
        if not isinstance(weights, bytes | memoryview):
            raise InvalidArtifactsError(f"The weight data of model '{path}' in IndexedDB is no ArrayBuffer.")
        view = memoryview(weights)
        blob = opened.get(id(view.obj))
        return blob if blob is not None and blob.size == view.nbytes else view

    def _listed(self, data: bytes) -> ListedInfo | None:
        decoded = self._decoded_info(data)
        return None if decoded is None else ListedInfo.of(self.scheme, *decoded)

    def _decoded_info(self, data: bytes) -> tuple[str, str] | None:
        """Path and info text; None for what another program has put here under a path that is no string. No URL means
        it: tfjs lists the number 5 as ``indexeddb://5``, and then asks for the model of the text ``5``."""
        record = values.decode(data, self._bucket.blobs.map)
        path = record.get(KEY_PATH) if isinstance(record, dict) else None
        return (path, listed_value(record.get("modelArtifactsInfo"))) if isinstance(path, str) else None


def _artifacts_value(model: StoredModel) -> dict[str, object]:
    """The artifacts as structured clone keeps them, in the order in which ``LayersModel.save`` makes them
    (tfjs-layers/src/engine/training.ts): the weights, then their specs."""
    weights = b"" if model.weights is None else model.weights
    members: dict[str, object] = {}
    for name, text in model.texts.items():
        if name == "weightSpecs":
            members["weightData"] = weights
        members[name] = values.JsonText(text)
    members.setdefault("weightData", weights)
    return members


def _info_value(info: ModelArtifactsInfo) -> dict[str, object]:
    """The info as structured clone keeps it: ``dateSaved`` is a Date."""
    members: dict[str, object] = {**info.to_object(), "dateSaved": info.date_saved}
    if info.weight_data_bytes is None:
        members["weightDataBytes"] = UNDEFINED
    return members


def _json_text(value: object) -> str | None:
    """The canonical text of a field, None where it is undefined."""
    if isinstance(value, values.JsonText):
        return value.text
    return None if value is UNDEFINED else ecma_json.stringify(value)


def with_cause(future: Future[T]) -> Future[T]:
    """The future, with a quota error as the cause of the one that is told: tfjs rejects with the storage's own text, so
    that callers find the storage error in the same place for both media."""
    outcome: Future[T] = Future()

    def settle(done: Future[T]) -> None:
        error = done.exception()
        if error is None:
            outcome.set_result(done.result())
            return
        if isinstance(error, QuotaExceededError) and error.__cause__ is None:
            told = copy(error)
            told.__cause__ = error
            error = told
        outcome.set_exception(error)

    future.add_done_callback(settle)
    return outcome
