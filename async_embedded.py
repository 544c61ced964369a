"""``AsyncEmbeddedStore``: the store in process for asyncio."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from .embedded import EmbeddedStore
from .model_io.event_queue import AsyncEventQueue
from .storage_backends.web_storage.async_storage import AsyncAreaBackend, AsyncStorage
from .storage_backends.web_storage.backend import AreaBackend

if TYPE_CHECKING:
    from .model_io.store import AsyncEvents, ModelURL, Progress, StorageEstimate
    from .model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult
    from .storage_backends.abc import Durability
    from .storage_backends.indexed_db.idb_factory import IDBFactory


class AsyncEmbeddedStore:
    """``tfjsd.AsyncStore`` on a home of this process. Models are saved and loaded in threads, so that neither hashing
    nor the disk holds the loop; a cancelled ``await`` leaves a save whole or absent."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store

    @property
    def origin(self) -> str:
        return self._store.origin

    async def save(
        self,
        url: ModelURL,
        artifacts: ModelArtifacts,
        *,
        overwrite: bool = True,
        include_optimizer: bool = True,
        durability: Durability = "strict",
        on_progress: Progress | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (bounds the wait for the disk, as in the synchronous twin)
    ) -> SaveResult:
        save = partial(
            self._store.save,
            overwrite=overwrite,
            include_optimizer=include_optimizer,
            durability=durability,
            on_progress=on_progress,
            timeout=timeout,
        )
        return await asyncio.to_thread(save, url, artifacts)

    async def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> ModelArtifacts:
        load = partial(self._store.load, verify=verify, on_progress=on_progress, timeout=timeout)
        return await asyncio.to_thread(load, url)

    async def list_models(self) -> dict[str, ModelArtifactsInfo]:
        return await asyncio.to_thread(self._store.list_models)

    async def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        return await asyncio.to_thread(partial(self._store.copy_model, overwrite=overwrite), source, dest)

    async def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        return await asyncio.to_thread(partial(self._store.move_model, overwrite=overwrite), source, dest)

    async def remove_model(self, url: str) -> ModelArtifactsInfo:
        return await asyncio.to_thread(self._store.remove_model, url)

    def local_storage(self) -> AsyncStorage:
        """The origin's localStorage; its methods are awaited."""
        return AsyncStorage(
            AsyncAreaBackend(
                AreaBackend(self._store.storage.area, source=self._store.author), asyncio.wrap_future, asyncio.to_thread
            )
        )

    def indexed_db(self) -> IDBFactory:
        """The origin's IDBFactory; what it opens belongs to the running loop."""
        from .storage_backends.indexed_db.idb_factory import IDBFactory

        return IDBFactory(self._store.storage.databases)

    async def estimate(self) -> StorageEstimate:
        return await asyncio.to_thread(self._store.estimate)

    async def origins(self) -> dict[str, StorageEstimate]:
        return await asyncio.to_thread(self._store.origins)

    def with_origin(self, origin: str) -> AsyncEmbeddedStore:
        return AsyncEmbeddedStore(self._store.with_origin(origin))

    def events(self, *, own: bool = True) -> AsyncEvents:
        """What is committed from this call on, in this origin."""
        return AsyncEventQueue(partial(self._store.storage.subscribe, source=None if own else self._store.author))

    async def aclose(self) -> None:
        """Commits what is pending and frees the home."""
        await asyncio.to_thread(self._store.close)

    async def __aenter__(self) -> AsyncEmbeddedStore:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
