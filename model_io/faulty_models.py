"""Models as TensorFlow.js 4.22.0 manages them, with those of its faults that were asked for (``quirks.py``)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from ..errors import InvalidArtifactsError, NeverSettlesError, QuotaExceededError, UnsupportedURLError
from ..storage_backends.abc import Clock, Durability
from ..storage_backends.browsers import Browser
from ..storage_backends.buckets import Bucket
from ..storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from ..storage_backends.indexed_db.direct_transaction import BackingTransaction
from ..storage_backends.web_storage.storage_area import StorageArea
from .event_hub import EventHub
from .indexed_db import DATABASE_NAME, INFO_STORE_NAME, MODEL_STORE_NAME, create_database
from .local_storage import LocalStorageModels
from .model_change import ModelChange, Prepared
from .model_management import Models, check_durability
from .model_url import SCHEME_SEPARATOR, scheme_of
from .quirks import Fault, Quirks
from .stored_model import StoredModel
from .types import ModelArtifacts, ModelArtifactsInfo

T = TypeVar("T")

_IN_STEPS = frozenset(
    {
        Fault.MOVE_DELETES_FIRST,
        Fault.OVERWRITE_DESTROYS,
        Fault.ORPHAN_INFO,
        Fault.FULL_INDEXEDDB,
        Fault.TRUNCATED_URL,
    }
)
"""Faults that come from TensorFlow.js doing one thing after the other, each committed by itself."""

_UNDEFINED = "undefined"
_JSON_PARSE_UNDEFINED = {
    "chromium": '"undefined" is not valid JSON',
    "firefox": "JSON.parse: unexpected character at line 1 column 1 of the JSON data",
    "webkit": 'JSON Parse error: Unexpected identifier "undefined"',
}


class FaultyModels(Models):
    """As ``Models``, but an operation whose fault is switched on is done step by step, and waited for in the call."""

    def __init__(
        self,
        bucket: Bucket,
        area: StorageArea,
        databases: IndexedDBBackingStore,
        browser: Browser,
        clock: Clock,
        events: EventHub,
        quirks: Quirks,
    ) -> None:
        super().__init__(bucket, area, databases, browser, clock, events)
        self._quirks = quirks
        self._engine = browser.engine
        if Fault.UNDEFINED_TEXT in quirks:
            self._media[UndefinedTexts.scheme] = UndefinedTexts(bucket, area, browser)

    def save(
        self,
        url: str,
        model: StoredModel,
        *,
        overwrite: bool = True,
        expected: ModelArtifactsInfo | None = None,
        durability: Durability = "strict",
    ) -> Future[ModelArtifactsInfo]:
        check_durability(durability)
        medium = scheme_of(url)
        if medium == "localstorage" and Fault.OVERWRITE_DESTROYS in self._quirks:
            return _settled(lambda: self._save_or_destroy(url, model, overwrite, durability))
        if medium == "indexeddb" and Fault.ORPHAN_INFO in self._quirks:
            return _settled(lambda: self._save_in_two(url, model, overwrite, durability))
        if medium == "indexeddb" and Fault.FULL_INDEXEDDB in self._quirks:
            return _settled(lambda: self._save_where_it_may_be_full(url, model, overwrite, durability))
        return super().save(url, model, overwrite=overwrite, expected=expected, durability=durability)

    def remove(
        self, url: str, *, expected: ModelArtifactsInfo | None = None, durability: Durability = "strict"
    ) -> Future[ModelArtifactsInfo]:
        if Fault.TRUNCATED_URL in self._quirks:
            truncated = SCHEME_SEPARATOR.join(url.split(SCHEME_SEPARATOR)[:2])
            url, expected = truncated, expected if truncated == url else None
        return super().remove(url, expected=expected, durability=durability)

    def move_out(self, source: str, save: Callable[[ModelArtifacts], ModelArtifactsInfo]) -> ModelArtifactsInfo:
        if Fault.MOVE_DELETES_FIRST not in self._quirks:
            return super().move_out(source, save)
        artifacts = self.artifacts(source)
        self.remove(source).result()
        return save(artifacts)

    def _transfer(
        self, source: str, dest: str, overwrite: bool, durability: Durability, *, remove_source: bool
    ) -> Future[ModelArtifactsInfo]:
        if self._quirks.isdisjoint(_IN_STEPS):
            return super()._transfer(source, dest, overwrite, durability, remove_source=remove_source)
        return _settled(lambda: self._transfer_in_steps(source, dest, overwrite, durability, remove_source))

    def _transfer_in_steps(
        self, source: str, dest: str, overwrite: bool, durability: Durability, remove_source: bool
    ) -> ModelArtifactsInfo:
        """``cloneModelInternal``: load, remove, save; the removal last unless that fault is switched on."""
        if source == dest:
            raise UnsupportedURLError(f"Old path and new path are the same: '{source}'")
        medium, path = self._handler(source, "load", copying=True)
        self._handler(dest, "save", copying=True)
        is_first = Fault.MOVE_DELETES_FIRST in self._quirks
        with self._held(medium, path, medium.token) as (_, model):
            if remove_source and is_first:
                self.remove(source, durability=durability).result()
            info = self.save(dest, model, overwrite=overwrite, durability=durability).result()
        if remove_source and not is_first:
            self.remove(source, durability=durability).result()
        return info

    def _save_or_destroy(
        self, url: str, model: StoredModel, overwrite: bool, durability: Durability
    ) -> ModelArtifactsInfo:
        try:
            return super().save(url, model, overwrite=overwrite, durability=durability).result()
        except QuotaExceededError:
            self._destroy(url, durability)
            raise

    def _destroy(self, url: str, durability: Durability) -> None:
        """Removes the five items of the path, whatever they are."""
        medium, path = self._handler(url, "save")

        def erase(change: ModelChange) -> None:
            text = medium.info(path)
            medium.erase(change, path)
            if text is not None:
                self._announce(change, "removed", url, ModelArtifactsInfo.from_json(text))

        self._change([medium], erase, durability).result()

    def _save_where_it_may_be_full(
        self, url: str, model: StoredModel, overwrite: bool, durability: Durability
    ) -> ModelArtifactsInfo:
        try:
            return super().save(url, model, overwrite=overwrite, durability=durability).result()
        except QuotaExceededError as refusal:
            self._settle_full(url, refusal)
            return self._new_info(model)

    def _save_in_two(self, url: str, model: StoredModel, overwrite: bool, durability: Durability) -> ModelArtifactsInfo:
        """The info in one transaction, then the model in another."""
        medium, path = self._handler(url, "save")
        self._check_weights(model)
        with self._bucket.locked():
            self._refuse_existing(medium, path, overwrite)
        prepared = self._prepare(medium, path, model)
        is_silent = Fault.FULL_INDEXEDDB in self._quirks and self._engine == "chromium"
        try:
            try:
                self._put(INFO_STORE_NAME, prepared, durability)
            except QuotaExceededError:
                if not is_silent:
                    raise
            try:
                self._put(MODEL_STORE_NAME, prepared, durability, url)
            except QuotaExceededError as refusal:
                if Fault.FULL_INDEXEDDB not in self._quirks:
                    raise
                self._settle_full(url, refusal)
        finally:
            prepared.discard()
        return prepared.info

    def _put(self, store: str, prepared: Prepared, durability: Durability, saved: str | None = None) -> None:
        def put(transaction: BackingTransaction) -> None:
            transaction.put(store, prepared.path, prepared.content[store])
            if saved is not None:
                self._announce(ModelChange(transaction.mutation, transaction), "saved", saved, prepared.info)

        self._databases.transact(
            DATABASE_NAME, [store], "readwrite", put, durability=durability, create=create_database
        ).result()

    def _settle_full(self, url: str, refusal: QuotaExceededError) -> None:
        """What a refused put of the model becomes in each engine; returns where the save resolves."""
        if self._engine == "firefox":
            raise NeverSettlesError(
                f"In TensorFlow.js the save to '{url}' never settles: IDBTransaction.objectStore: Transaction is "
                "already committing or done. (an uncaught InvalidStateError)",
            ) from refusal
        if self._engine == "webkit":
            raise refusal


class UndefinedTexts(LocalStorageModels):
    """The layout with ``JSON.stringify(undefined)`` stored as the text that it is not."""

    def __init__(self, bucket: Bucket, area: StorageArea, browser: Browser) -> None:
        super().__init__(bucket, area, browser)
        self._engine = browser.engine

    def prepare(
        self, path: str, model: StoredModel, info: ModelArtifactsInfo, *, erased: str | None = None
    ) -> Prepared:
        missing = {name: _UNDEFINED for name in ("modelTopology", "weightSpecs") if name not in model.texts}
        return super().prepare(path, StoredModel({**model.texts, **missing}, model.weights), info, erased=erased)

    def _canonical_text(self, path: str, suffix: str, text: str) -> str:
        if text == _UNDEFINED:
            raise InvalidArtifactsError(_JSON_PARSE_UNDEFINED[self._engine])
        return super()._canonical_text(path, suffix, text)


def _settled(work: Callable[[], T]) -> Future[T]:
    """A future of work that was done in the call."""
    outcome: Future[T] = Future()
    try:
        outcome.set_result(work())
    except Exception as error:  # noqa: BLE001 (it is the future's to raise)
        outcome.set_exception(error)
    return outcome
