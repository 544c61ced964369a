"""The store in process, without a daemon: ``open_store`` and its asynchronous twin.

The composition root for programs that own a home themselves; the daemon runs the same origins.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from .model_io.artifacts_info import infos_of
from .model_io.caller_routers import caller_routers
from .model_io.endpoints import caller_options, copy_ends, load_end, move_ends, save_end
from .model_io.event_queue import EventQueue
from .model_io.handler_results import checked_artifacts, save_result
from .model_io.optimizer_weights import without_optimizer
from .model_io.origin import DEFAULT_ORIGIN, Origin, Origins
from .model_io.own_loop import run_on_own_loop
from .model_io.quirks import quirks_named
from .model_io.router_registry import LoadHandler, SaveHandler
from .model_io.stored_model import StoredModel
from .model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult
from .storage_backends.browsers import Browser, browser_named
from .storage_backends.home import Home, SystemClock
from .storage_backends.web_storage.backend import AreaBackend
from .storage_backends.web_storage.storage import Storage

if TYPE_CHECKING:
    from .async_embedded import AsyncEmbeddedStore
    from .model_io.store import AsyncStore, ModelURL, Progress, StorageEstimate, StoreEvent
    from .storage_backends.abc import Clock, Durability, EngineFactory

P = ParamSpec("P")
T = TypeVar("T")


def open_store(
    home: str | os.PathLike[str] | None = None,
    *,
    browser: str | Browser = "chrome",
    origin: str | None = None,
    clock: Clock | None = None,
    quirks: str | Iterable[str] | None = None,
) -> EmbeddedStore:
    """Opens a home in this process and owns it until ``close``; ``home=None``: a store in memory, without LevelDB.

    ``browser`` says whose quotas and errors the store shows; ``origin`` defaults to ``TFJSD_ORIGIN``, else
    ``http://localhost``. ``quirks`` are faults of TensorFlow.js that the store is to have, for tests
    (``model_io.quirks``): ``"tfjs-4.22"``, or names.

    Raises HomeInUseError where a daemon or another process owns the home, UnsupportedFormatError where a newer tfjsd
    wrote it, StoreFailedError where it is damaged, ConfigurationError (a ValueError) for an unknown browser, ValueError
    for an unknown quirk.
    """
    clock = clock or SystemClock()
    faults = quirks_named(quirks)
    engines: EngineFactory
    if home is None:
        from .storage_backends.engines.memory import memory_engine as engines
    else:
        from .storage_backends.engines.leveldb import leveldb_factory

        engines = leveldb_factory()
    owned = Home(None if home is None else Path(home), engines=engines, clock=clock)
    try:
        shown = browser_named(browser) if isinstance(browser, str) else browser
        origins = Origins(owned, shown, clock, faults)
        return EmbeddedStore(origins, origin or os.environ.get("TFJSD_ORIGIN") or DEFAULT_ORIGIN, owner=True)
    except BaseException:
        owned.close()
        raise


def aopen_store(
    home: str | os.PathLike[str] | None = None,
    *,
    browser: str | Browser = "chrome",
    origin: str | None = None,
    clock: Clock | None = None,
    quirks: str | Iterable[str] | None = None,
) -> AsyncEmbeddedStore:
    """The asynchronous twin of ``open_store``; raises the same."""
    from .async_embedded import AsyncEmbeddedStore

    return AsyncEmbeddedStore(open_store(home, browser=browser, origin=origin, clock=clock, quirks=quirks))


class EmbeddedStore:
    """``tfjsd.Store`` on a home of this process; thread-safe. ``open_store`` makes one."""

    def __init__(self, origins: Origins, origin: str, *, owner: bool, author: object | None = None) -> None:
        self.author: object = author or self
        """Who makes this store's changes, to the storage areas: itself and its views of other origins."""
        self._origins = origins
        self._origin = origins.get(origin)
        self._owner = owner
        self._routers = partial(caller_routers, origins.quirks)

    @property
    def origin(self) -> str:
        return self._origin.name

    @property
    def storage(self) -> Origin:
        """What lies beneath: the origin's bucket, area, databases and models."""
        return self._origin

    def save(
        self,
        url: ModelURL,
        artifacts: ModelArtifacts,
        *,
        overwrite: bool = True,
        include_optimizer: bool = True,
        durability: Durability = "strict",
        on_progress: Progress | None = None,
        timeout: float | None = None,
    ) -> SaveResult:
        """As ``Store.save``; the weights are read from where they lie. ``timeout`` bounds the wait for other
        transactions and for the disk: a save that passed it may still happen, whole."""
        artifacts = checked_artifacts(artifacts)
        if not include_optimizer:
            artifacts = without_optimizer(artifacts)
        end = save_end(url, self._routers, **caller_options(on_progress, timeout))
        if not isinstance(end, str):
            return _saved_through(end, artifacts)
        model = StoredModel.of(artifacts)
        info = self._origin.models.save(end, model, overwrite=overwrite, durability=durability).result(timeout)
        if on_progress is not None:
            on_progress(model.weight_bytes or 0, model.weight_bytes or 0)
        return SaveResult(info)

    def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,
    ) -> ModelArtifacts:
        """As ``Store.load``; large weights are mapped. ``verify`` reads and checks them first."""
        end = load_end(url, self._routers, **caller_options(on_progress, timeout))
        if not isinstance(end, str):
            return end.load()
        artifacts = self._origin.models.artifacts(end, verify=verify)
        if on_progress is not None:
            on_progress(artifacts.weight_data_bytes or 0, artifacts.weight_data_bytes or 0)
        return artifacts

    def list_models(self) -> dict[str, ModelArtifactsInfo]:
        return infos_of(self._origin.models.list_models_text())

    def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        start, end = copy_ends(source, dest, self._routers)
        if isinstance(start, str) and isinstance(end, str):
            return self._origin.models.copy(start, end, overwrite=overwrite).result()
        return self._carry(start, end, overwrite)

    def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        start, end = move_ends(source, dest, self._routers)
        if isinstance(end, str):
            return self._origin.models.move(start, end, overwrite=overwrite).result()
        return self._origin.models.move_out(
            start, lambda artifacts: _saved_through(end, artifacts).model_artifacts_info
        )

    def remove_model(self, url: str) -> ModelArtifactsInfo:
        return self._origin.models.remove(url).result()

    def local_storage(self) -> Storage:
        """The origin's localStorage, in this process; each call is another client of it."""
        return Storage(AreaBackend(self._origin.area, source=self.author))

    def estimate(self) -> StorageEstimate:
        return self._origins.estimate(self._origin.name)

    def origins(self) -> dict[str, StorageEstimate]:
        return self._origins.estimates()

    def with_origin(self, origin: str) -> EmbeddedStore:
        return EmbeddedStore(self._origins, origin, owner=False, author=self.author)

    def events(self, *, own: bool = True) -> Iterator[StoreEvent]:
        return EventQueue(partial(self._origin.subscribe, source=None if own else self.author))

    def run(self, function: Callable[Concatenate[AsyncStore, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        from .async_embedded import AsyncEmbeddedStore

        async def call() -> T:
            return await function(AsyncEmbeddedStore(self), *args, **kwargs)

        return run_on_own_loop(call)

    def close(self) -> None:
        if self._owner:
            self._origins.close()

    def __enter__(self) -> EmbeddedStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _carry(self, start: str | LoadHandler, end: str | SaveHandler, overwrite: bool) -> ModelArtifactsInfo:
        """A copy with at least one end in the calling process."""
        artifacts = self._origin.models.artifacts(start, verify=True) if isinstance(start, str) else start.load()
        if not isinstance(end, str):
            return _saved_through(end, artifacts).model_artifacts_info
        return self._origin.models.save(end, StoredModel.of(artifacts), overwrite=overwrite).result()


def _saved_through(handler: SaveHandler, artifacts: ModelArtifacts) -> SaveResult:
    return save_result(handler, artifacts, handler.save(artifacts))
