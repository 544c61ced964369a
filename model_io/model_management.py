"""List, load, save, copy, move, remove over both media of one origin (tfjs-core/src/io/model_management.ts).

Where tfjs loses data this does not: a move is one atomic batch, an overwrite that does not fit keeps the old model, an
IndexedDB save writes both records or none. Every change is one mutation of the origin's bucket. What is expensive
(base64, staging of blobs) happens before locks are taken, on a source that is checked again under them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar, get_args

from ..errors import ConfigurationError, ModelChangedError, ModelExistsError, UnsupportedURLError
from ..storage_backends.abc import Blob, Clock, Durability
from ..storage_backends.browsers import Browser
from ..storage_backends.buckets import Bucket
from ..storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from ..storage_backends.web_storage.storage_area import StorageArea
from . import ecma_json, model_url
from .composite_buffer import CompositeBuffer
from .event_hub import EventHub
from .indexed_db import DATABASE_NAME, STORES, IndexedDBModels, create_database, with_cause
from .io_utils import get_model_artifacts_info_for_json
from .listed_info import ListedInfo, in_property_order
from .local_storage import LocalStorageModels
from .missing_model import missing_for_removal
from .model_change import ModelChange, Prepared
from .model_url import ModelURL
from .store import StoreEvent
from .stored_model import StoredModel
from .types import ModelArtifacts, ModelArtifactsInfo
from .weight_specs import check_weights

T = TypeVar("T")
DURABILITIES: tuple[Durability, ...] = get_args(Durability)
Medium = LocalStorageModels | IndexedDBModels


def check_durability(durability: str) -> None:
    """Raises ConfigurationError (a ValueError) for another word than strict and relaxed."""
    if durability not in DURABILITIES:
        raise ConfigurationError(f"durability is {' or '.join(DURABILITIES)}, not {durability!r}")


class Models:
    """The models of one origin; thread-safe.

    Changes return futures that resolve once they are committed (``strict``: durable); one that fails changed nothing.
    Arguments are checked, and what is expensive is prepared, before the call returns: run it where blocking is fine.
    """

    def __init__(
        self,
        bucket: Bucket,
        area: StorageArea,
        databases: IndexedDBBackingStore,
        browser: Browser,
        clock: Clock,
        events: EventHub,
    ) -> None:
        self._bucket = bucket
        self._events = events
        self._databases = databases
        self._clock = clock
        local_storage, indexed_db = LocalStorageModels(bucket, area, browser), IndexedDBModels(bucket, databases)
        self._document: tuple[int, str] | None = None
        self._media: dict[str, Medium] = {medium.scheme: medium for medium in (local_storage, indexed_db)}

    def list_models_text(self) -> dict[str, str]:
        """URL to the canonical JSON text of its ModelArtifactsInfo: localStorage first, each medium in tfjs's order
        (the browser's key order, but integer-like paths first, as the results pass through a JavaScript object)."""
        return {info.url: info.text for info in self._listing()}

    def list_models_json(self) -> str:
        """``JSON.stringify(await tf.io.listModels())``, kept for as long as nothing in the bucket changes."""
        with self._bucket.locked():
            if self._document is None or self._document[0] != self._bucket.generation:
                members = ",".join([info.member for info in self._listing()])
                self._document = (self._bucket.generation, f"{{{members}}}")
            return self._document[1]

    def _listing(self) -> list[ListedInfo]:
        with self._bucket.locked():
            return [info for medium in self._media.values() for info in in_property_order(medium.infos())]

    def info(self, url: str) -> ModelArtifactsInfo:
        """The stored info of one model. Raises ModelNotFoundError."""
        return ModelArtifactsInfo.from_json(self.info_text(url))

    def info_text(self, url: str) -> str:
        """The stored info of one model as it is listed, canonical JSON. Raises ModelNotFoundError."""
        medium, path = self._handler(url, "load")
        text = medium.info(path)
        if text is None:
            raise medium.missing(path)
        return text

    def open(self, url: str) -> StoredModel:
        """The model as it lies in the store. Raises ModelNotFoundError, InvalidArtifactsError, CorruptionError."""
        medium, path = self._handler(url, "load")
        with self._held(medium, path, medium.token) as (_, model):
            return model

    @contextmanager
    def opened(self, url: str) -> Iterator[tuple[str, StoredModel]]:
        """``info_text`` and the model of one moment; no removal takes its blob away within the block. Raises as
        ``open``. Weights in localStorage are read and decoded here, without the bucket's mutex."""
        medium, path = self._handler(url, "load")
        with self._held(medium, path, lambda _: self.info_text(url)) as (info, model):
            yield info, model

    def artifacts(self, url: str, *, verify: bool = False) -> ModelArtifacts:
        """The model with its weights mapped: read-only, valid after the model's removal and the store's end.

        ``verify`` reads and checks the weights first. Raises as ``open``.
        """
        medium, path = self._handler(url, "load")
        with self._held(medium, path, medium.token) as (_, model):
            if not isinstance(model.weights, Blob):
                return ModelArtifacts.from_texts(model.texts, model.weights)
            if verify:
                self._bucket.blobs.verify(model.weights)
            return ModelArtifacts.from_texts(model.texts, self._bucket.blobs.map(model.weights))

    def save(
        self,
        url: str,
        model: StoredModel,
        *,
        overwrite: bool = True,
        expected: ModelArtifactsInfo | None = None,
        durability: Durability = "strict",
    ) -> Future[ModelArtifactsInfo]:
        """Stores a model, wholly or not at all. A blob among its weights stays pinned by who staged it.

        Raises (here or from the future) QuotaExceededError, InvalidArtifactsError, ConfigurationError for another
        ``durability`` than there is, TooLargeError for a path that is too long, ModelExistsError where
        ``overwrite`` is false and the URL is taken, and ModelChangedError where it holds another model than the
        ``expected`` one (or none).
        """
        check_durability(durability)
        medium, path = self._handler(url, "save")
        self._check_weights(model)
        prepared = self._prepare(medium, path, model)

        def write(change: ModelChange) -> ModelArtifactsInfo:
            self._refuse_existing(medium, path, overwrite)
            if expected is not None:
                present = medium.info(path)
                self._refuse_changed(url, None if present is None else ModelArtifactsInfo.from_json(present), expected)
            medium.write(change, prepared)
            self._announce(change, "saved", url, prepared.info)
            return prepared.info

        return self._change([medium], write, durability, prepared)

    def copy(
        self, source: str, dest: str, *, overwrite: bool = True, durability: Durability = "strict"
    ) -> Future[ModelArtifactsInfo]:
        """Copies a model; resolves with the info of the save. Inside ``indexeddb://`` the weights are shared."""
        return self._transfer(source, dest, overwrite, durability, remove_source=False)

    def move(
        self, source: str, dest: str, *, overwrite: bool = True, durability: Durability = "strict"
    ) -> Future[ModelArtifactsInfo]:
        """Moves a model in one atomic batch: at any crash point it is in exactly one of the two places."""
        return self._transfer(source, dest, overwrite, durability, remove_source=True)

    def move_out(self, source: str, save: Callable[[ModelArtifacts], ModelArtifactsInfo]) -> ModelArtifactsInfo:
        """Moves a model out of the store, through ``save``. It is removed after it was saved, and only if it is still
        the one that was saved; raises ModelChangedError otherwise."""
        before = self.info(source)
        info = save(self.artifacts(source, verify=True))
        self.remove(source, expected=before).result()
        return info

    def remove(
        self, url: str, *, expected: ModelArtifactsInfo | None = None, durability: Durability = "strict"
    ) -> Future[ModelArtifactsInfo]:
        """Removes a model; resolves with its info. Raises ModelNotFoundError, and ModelChangedError where it is not the
        ``expected`` one (a move out of the store removes only what it has saved)."""
        parsed = model_url.parse(url)
        medium = self._media.get(parsed.scheme)
        if medium is None:
            raise missing_for_removal(parsed)

        def erase(change: ModelChange) -> ModelArtifactsInfo:
            text = medium.info(parsed.path)
            if text is None:
                raise missing_for_removal(parsed)
            info = ModelArtifactsInfo.from_json(text)
            if expected is not None:
                self._refuse_changed(url, info, expected)
            medium.erase(change, parsed.path)
            self._announce(change, "removed", url, info)
            return info

        return self._change([medium], erase, durability)

    def _transfer(
        self, source: str, dest: str, overwrite: bool, durability: Durability, *, remove_source: bool
    ) -> Future[ModelArtifactsInfo]:
        if source == dest:
            raise UnsupportedURLError(f"Old path and new path are the same: '{source}'")
        from_medium, from_path = self._handler(source, "load", copying=True)
        to_medium, to_path = self._handler(dest, "save", copying=True)
        erased = from_path if remove_source and from_medium is to_medium else None
        with self._held(from_medium, from_path, from_medium.token) as (token, model):
            prepared = self._prepare(to_medium, to_path, model, erased)

        def transfer(change: ModelChange) -> ModelArtifactsInfo:
            nonlocal prepared
            self._refuse_existing(to_medium, to_path, overwrite)
            if from_medium.token(from_path) != token:  # changed since it was prepared: this once under the lock
                prepared.discard()
                prepared = self._prepare(to_medium, to_path, from_medium.find(from_path).read(), erased)
            if remove_source:
                from_medium.erase(change, from_path)
                self._announce(change, "removed", source, prepared.info)
            to_medium.write(change, prepared)
            self._announce(change, "saved", dest, prepared.info)
            return prepared.info

        return self._change([from_medium, to_medium], transfer, durability, prepared)

    def _announce(self, change: ModelChange, action: str, url: str, info: ModelArtifactsInfo) -> None:
        """Tells who listens, once the change is committed."""
        data = {"action": action, "url": url, "info": info.to_object()}
        event = StoreEvent("model", self._bucket.origin, data)
        change.mutation.on_commit(lambda: self._events.publish(event))

    def _prepare(self, medium: Medium, path: str, model: StoredModel, erased: str | None = None) -> Prepared:
        return medium.prepare(path, model, self._new_info(model), erased=erased)

    def _new_info(self, model: StoredModel) -> ModelArtifactsInfo:
        now = datetime.fromtimestamp(self._clock.now() / 1000, UTC)
        return get_model_artifacts_info_for_json(model.texts, model.weight_bytes or 0, now)

    @contextmanager
    def _held(self, medium: Medium, path: str, also: Callable[[str], T]) -> Iterator[tuple[T, StoredModel]]:
        """What ``also`` finds at the path, and the model of the same moment, its blob pinned for the block."""
        with self._bucket.locked():
            found, beside = medium.find(path), also(path)
            if found.blob is not None:
                self._bucket.blobs.pin(found.blob.digest)
        try:
            yield beside, found.read()
        finally:
            if found.blob is not None:
                self._bucket.blobs.unpin(found.blob.digest)

    def _change(
        self,
        media: list[Medium],
        work: Callable[[ModelChange], T],
        durability: Durability,
        prepared: Prepared | None = None,
    ) -> Future[T]:
        """Runs ``work`` as one mutation of the bucket, under the locks of the media it touches."""
        if any(isinstance(medium, IndexedDBModels) for medium in media):
            future = with_cause(
                self._databases.transact(
                    DATABASE_NAME,
                    STORES,
                    "readwrite",
                    lambda transaction: work(ModelChange(transaction.mutation, transaction)),
                    durability=durability,
                    create=create_database,
                )
            )
        else:
            future = self._mutate(work, durability)
        if prepared is not None:
            future.add_done_callback(lambda _: prepared.discard())
        return future

    def _mutate(self, work: Callable[[ModelChange], T], durability: Durability) -> Future[T]:
        outcome: Future[T] = Future()
        try:
            with self._bucket.mutate(durability) as mutation:
                result = work(ModelChange(mutation, None))
        except BaseException as error:  # noqa: BLE001 (it is the future's to raise)
            outcome.set_exception(error)
            return outcome

        def settle(done: Future[None]) -> None:
            if (failure := done.exception()) is not None:
                outcome.set_exception(failure)
            else:
                outcome.set_result(result)

        mutation.future.add_done_callback(settle)
        return outcome

    def _handler(self, url: str, operation: str, *, copying: bool = False) -> tuple[Medium, str]:
        """The medium and path of a URL, with the errors of tfjs's routers and handlers' constructors. What is saved can
        also be asked for over a socket (TooLargeError)."""
        parsed = model_url.parse(url) if model_url.scheme_of(url) in self._media else None
        if parsed is None:
            end = "source" if operation == "load" else "destination"
            raise UnsupportedURLError(
                f"Copying failed because no {operation} handler is found for {end} URL {url}."
                if copying
                else f"Cannot find any {operation} handlers for URL '{url}'"
            )
        medium = self._media[parsed.scheme]
        medium.check_path(parsed.path)
        if operation == "save":
            model_url.check_length(parsed.path)
        return medium, parsed.path

    def _check_weights(self, model: StoredModel) -> None:
        """Raises InvalidArtifactsError where the specs and the bytes contradict each other; nothing is allocated."""
        specs = model.texts.get("weightSpecs")
        data = self._bucket.blobs.map(model.weights) if isinstance(model.weights, Blob) else model.weights
        check_weights(
            None if specs is None else ecma_json.parse(specs), None if data is None else CompositeBuffer(data)
        )

    @staticmethod
    def _refuse_changed(url: str, present: ModelArtifactsInfo | None, expected: ModelArtifactsInfo) -> None:
        if present is None:
            raise ModelChangedError(f"The model at '{url}' was removed meanwhile; nothing was saved.")
        if present != expected:
            raise ModelChangedError(f"The model at '{url}' was replaced meanwhile; the new one was kept.")

    def _refuse_existing(self, medium: Medium, path: str, overwrite: bool) -> None:
        if not overwrite and medium.info(path) is not None:
            raise ModelExistsError(
                f"A model is stored at '{ModelURL(medium.scheme, path)}' already.",
                hint="leave --no-clobber (overwrite=False) out to replace it",
            )
