"""``AsyncSimulatedBrowser``: a simulated browser for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..async_embedded import AsyncEmbeddedStore
from ..storage_backends.web_storage.async_storage import AsyncAreaBackend, AsyncStorage
from .simulated_browser import SimulatedBrowser

if TYPE_CHECKING:
    from ..storage_backends.indexed_db.idb_factory import IDBFactory


class AsyncSimulatedBrowser(AsyncEmbeddedStore):
    """``tfjsd.AsyncStore`` on the page of a SimulatedBrowser; what a store does not have is done through ``page``.

    ``async with simulate_browser(…).aio as store:`` closes the browser at its end, as leaving ``with`` does.
    """

    def __init__(self, page: SimulatedBrowser) -> None:
        super().__init__(page)
        self.page = page

    def local_storage(self) -> AsyncStorage:
        """The page's ``localStorage``; its methods are awaited. Raises SecurityError where it is denied."""
        return AsyncStorage(AsyncAreaBackend(self.page.local_storage_backend(), asyncio.wrap_future))

    def indexed_db(self) -> IDBFactory:
        """The page's ``indexedDB``. Raises SecurityError where it is denied."""
        self.page.use_indexed_db()
        return super().indexed_db()

    def with_origin(self, origin: str) -> AsyncSimulatedBrowser:
        return AsyncSimulatedBrowser(self.page.with_origin(origin))

    async def __aenter__(self) -> AsyncSimulatedBrowser:
        return self
