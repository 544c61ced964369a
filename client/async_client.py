"""``AsyncClient``: the daemon's store, on an asyncio loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from ..errors import StoreClosedError
from ..model_io.own_loop import run_on_own_loop
from . import delivery, maintenance_operations, model_operations, on_loop, store_operations, transfer_operations
from .daemon_link import DaemonLink
from .opening import open_session, reopened
from .session import Session

if TYPE_CHECKING:
    import os

    from ..model_io.store import AsyncStore, ModelURL, StorageEstimate, StoreEvent
    from ..model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult
    from ..storage_backends.abc import Durability
    from ..storage_backends.indexed_db.idb_factory import IDBFactory
    from ..storage_backends.web_storage.async_storage import AsyncStorage
    from .maintenance_operations import Writable
    from .messages import Progress
    from .sync_pairs import AsyncSyncPairs
    from .target import Target

P = ParamSpec("P")
T = TypeVar("T")


def aconnect(
    target: str | os.PathLike[str] | None = None,
    *,
    home: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    token: str | None = None,
    autostart: bool = True,
    timeout: float | None = 30.0,
) -> Connecting:
    """As ``connect``: ``async with tfjsd.aconnect() as store`` or ``store = await tfjsd.aconnect()``."""
    return Connecting(open_session(target, home=home, origin=origin, token=token, autostart=autostart, timeout=timeout))


class Connecting:
    """An AsyncClient that is on its way: to be awaited, or entered with ``async with``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client: AsyncClient | None = None

    def __await__(self) -> Generator[Any, None, AsyncClient]:
        return self._connect().__await__()

    async def __aenter__(self) -> AsyncClient:
        self._client = await self._connect()
        return self._client

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _connect(self) -> AsyncClient:
        await on_loop.run(delivery.connect(self._session.link, self._session.timeout))
        return AsyncClient(self._session)


class AsyncClient:
    """The daemon's store, seen from one origin; satisfies ``tfjsd.AsyncStore``.

    The asynchronous twin of ``Client``, with its guarantees. It is not bound to one loop; use it from one thread at a
    time. Cancelling an ``await`` leaves a save whole or absent, and discards the connection.
    """

    def __init__(self, session: Session, *, owns_link: bool = True) -> None:
        """Use ``tfjsd.aconnect``."""
        self._session = session
        self._owns_link = owns_link

    @property
    def origin(self) -> str:
        return self._session.origin

    async def save(
        self,
        url: ModelURL,
        artifacts: ModelArtifacts,
        *,
        overwrite: bool = True,
        include_optimizer: bool = True,
        durability: Durability = "strict",
        on_progress: Progress | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (no progress for so long; nothing is cancelled)
    ) -> SaveResult:
        """As ``Client.save``."""
        return await on_loop.run(
            transfer_operations.save(
                self._session,
                url,
                artifacts,
                overwrite=overwrite,
                include_optimizer=include_optimizer,
                durability=durability,
                on_progress=on_progress,
                timeout=timeout,
            )
        )

    async def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> ModelArtifacts:
        """As ``Client.load``."""
        return await on_loop.run(
            transfer_operations.load(self._session, url, verify=verify, on_progress=on_progress, timeout=timeout)
        )

    async def list_models(self) -> dict[str, ModelArtifactsInfo]:
        """As ``Client.list_models``."""
        return await on_loop.run(model_operations.list_models(self._session))

    async def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        """As ``Client.copy_model``."""
        return await on_loop.run(transfer_operations.copy(self._session, source, dest, overwrite=overwrite))

    async def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        """As ``Client.move_model``."""
        return await on_loop.run(transfer_operations.move(self._session, source, dest, overwrite=overwrite))

    async def remove_model(self, url: str) -> ModelArtifactsInfo:
        """As ``Client.remove_model``."""
        return await on_loop.run(model_operations.remove(self._session, url))

    def local_storage(self) -> AsyncStorage:
        """The origin's localStorage; its methods are awaited."""
        from ..storage_backends.web_storage.async_storage import AsyncStorage
        from .async_remote_storage import AsyncRemoteStorage

        return AsyncStorage(AsyncRemoteStorage(self._session))

    def indexed_db(self) -> IDBFactory:
        """The origin's IDBFactory, with the objects, the errors and the events that an embedded store has.

        What it opens lives on a connection of its own; when that is lost, open transactions are aborted.
        """
        from .indexed_db.factory import factory_of

        return factory_of(self._session)

    async def estimate(self) -> StorageEstimate:
        """As ``Client.estimate``."""
        return await on_loop.run(store_operations.estimate(self._session))

    async def origins(self) -> dict[str, StorageEstimate]:
        """As ``Client.origins``."""
        return await on_loop.run(store_operations.origins(self._session))

    async def status(self) -> dict[str, Any]:
        """As ``Client.status``."""
        return await on_loop.run(store_operations.status(self._session))

    async def page_address(self) -> str:
        """As ``Client.page_address``."""
        return await on_loop.run(store_operations.page_address(self._session))

    async def verify(self, urls: Sequence[str] | None = None) -> dict[str, Any]:
        """As ``Client.verify``."""
        return await on_loop.run(maintenance_operations.verify(self._session, urls))

    async def backup(self, file: Writable) -> None:
        """As ``Client.backup``; the file is written in a thread."""
        await on_loop.run(maintenance_operations.backup(self._session, file))

    async def restore(self, file: BinaryIO) -> dict[str, Any]:
        """As ``Client.restore``; the file is read in a thread."""
        return await on_loop.run(maintenance_operations.restore(self._session, file))

    def sync_pairs(self) -> AsyncSyncPairs:
        """As ``Client.sync_pairs``; its methods are awaited."""
        from .sync_pairs import AsyncSyncPairs

        return AsyncSyncPairs(self._session)

    def with_origin(self, origin: str) -> AsyncClient:
        """As ``Client.with_origin``."""
        return AsyncClient(self._session._replace(origin=origin), owns_link=False)

    def events(self, *, own: bool = True) -> EventStream:
        """What is committed in this origin from now on: an asynchronous iterator, to be entered with ``async with``
        where the moment at which it begins matters. With ``own=False`` without the storage events of what this client
        changes."""
        return EventStream(self._session, own=own)

    async def aclose(self) -> None:
        """Closes the connections; idempotent. Loaded weights stay valid."""
        if self._owns_link:
            self._session.link.close()

    async def __aenter__(self) -> AsyncClient:
        if self._session.link.closed:
            raise StoreClosedError("The store is closed.")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __reduce__(self) -> tuple[Callable[..., AsyncClient], tuple[Target, str, float | None]]:
        return _reopened, (self._session.link.target, self._session.origin, self._session.timeout)

    def __repr__(self) -> str:
        return f"<AsyncClient {self._session.link.target} {self.origin}>"


class EventStream:
    """Events of one origin; subscribed from the first step, or from ``async with``."""

    def __init__(self, session: Session, *, own: bool) -> None:
        self._events: AsyncIterator[StoreEvent | None] = on_loop.iterate(store_operations.events(session, own=own))
        self._subscribed = False

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> StoreEvent:
        await self._subscribe()
        event = await anext(self._events)
        assert event is not None
        return event

    async def _subscribe(self) -> None:
        if not self._subscribed:
            await anext(self._events)
            self._subscribed = True

    async def aclose(self) -> None:
        """Ends the subscription."""
        await self._events.aclose()  # type: ignore[attr-defined]

    async def __aenter__(self) -> EventStream:
        await self._subscribe()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def run_with_client(
    session: Session,
    function: Callable[Concatenate[AsyncStore, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Runs ``function(async_client, *args)`` on a loop of its own, with connections of its own."""

    async def call() -> T:
        async with AsyncClient(session._replace(link=DaemonLink(session.link.target))) as client:
            return await function(client, *args, **kwargs)

    return run_on_own_loop(call)


def _reopened(target: Target, origin: str, timeout: float | None) -> AsyncClient:
    return AsyncClient(reopened(target, origin, timeout))
