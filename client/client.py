"""``Client``: the daemon's store, synchronously."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from ..errors import StoreClosedError
from . import blocking, delivery, maintenance_operations, model_operations, store_operations, transfer_operations
from .opening import configured_session, open_session, reopened
from .session import Session

if TYPE_CHECKING:
    import os

    from ..model_io.store import AsyncStore, ModelURL, StorageEstimate, StoreEvent
    from ..model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult
    from ..storage_backends.abc import Durability
    from ..storage_backends.web_storage.storage import Storage
    from ..wire.configuration import Configuration
    from .maintenance_operations import Writable
    from .messages import Progress
    from .sync_pairs import SyncPairs
    from .target import Target

P = ParamSpec("P")
T = TypeVar("T")


def connect(
    target: str | os.PathLike[str] | None = None,
    *,
    home: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    token: str | None = None,
    autostart: bool = True,
    timeout: float | None = 30.0,
) -> Client:
    """A client of the daemon, which is started if none runs (and ``autostart`` and ``TFJSD_AUTOSTART`` allow it).

    ``target``: a socket's path, ``unix:…`` or ``http://127.0.0.1:PORT``; by default the daemon of ``home``.
    ``timeout``: the longest that a request may make no progress, in seconds; None waits for ever.

    Raises DaemonUnavailableError, AccessDeniedError, ConfigurationError, and what the daemon's start failed with.
    """
    session = open_session(target, home=home, origin=origin, token=token, autostart=autostart, timeout=timeout)
    blocking.run(delivery.connect(session.link, timeout))
    return Client(session)


def connect_configured(configuration: Configuration, *, autostart: bool, timeout: float | None = 30.0) -> Client:
    """A client of the daemon that a configuration names, which is started as by ``connect``. Raises as that does."""
    session = configured_session(configuration, autostart=autostart, timeout=timeout)
    blocking.run(delivery.connect(session.link, timeout))
    return Client(session)


class Client:
    """The daemon's store, seen from one origin; satisfies ``tfjsd.Store``.

    Thread-safe: each request in flight has a connection of its own. A forked process opens its own connections. Pickles
    as its address. It reconnects after a restart of the daemon: what only reads is sent again, a write only if none
    of it had left; any other lost write raises OutcomeUnknownError.
    """

    def __init__(self, session: Session, *, owns_link: bool = True) -> None:
        """Use ``tfjsd.connect``."""
        self._session = session
        self._owns_link = owns_link

    @property
    def origin(self) -> str:
        return self._session.origin

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
        """Stores a model, wholly or not at all; its weights are sent from where they lie, without a copy.

        Raises QuotaExceededError, InvalidArtifactsError, ModelExistsError (``overwrite=False`` met a model),
        UnsupportedURLError, OutcomeUnknownError.
        """
        return blocking.run(
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

    def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,
    ) -> ModelArtifacts:
        """The model, its weights mapped from the daemon's file where it runs as the same user: no copy, read-only.

        The bytes stay valid after ``close`` and after the model's removal. ``verify``: mapped bytes are checked against
        their digest (streamed ones always are). Raises ModelNotFoundError, CorruptionError, UnsupportedURLError.
        """
        return blocking.run(
            transfer_operations.load(self._session, url, verify=verify, on_progress=on_progress, timeout=timeout)
        )

    def list_models(self) -> dict[str, ModelArtifactsInfo]:
        """URL to info, localStorage first, each medium in the browser's order."""
        return blocking.run(model_operations.list_models(self._session))

    def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        """Copies a model, inside the daemon where both ends are the store's; the info is the save's."""
        return blocking.run(transfer_operations.copy(self._session, source, dest, overwrite=overwrite))

    def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        """Moves a model: atomically within the store; out of it, it is saved at ``dest`` before it is removed.

        Raises UnsupportedURLError where the source has no manager (``file``, ``http``): use ``copy_model``.
        """
        return blocking.run(transfer_operations.move(self._session, source, dest, overwrite=overwrite))

    def remove_model(self, url: str) -> ModelArtifactsInfo:
        """Removes a model; its info. Raises ModelNotFoundError."""
        return blocking.run(model_operations.remove(self._session, url))

    def local_storage(self) -> Storage:
        """The origin's localStorage: the W3C interface and Python's mapping protocol."""
        from ..storage_backends.web_storage.storage import Storage
        from .remote_storage import RemoteStorage

        return Storage(RemoteStorage(self._session))

    def estimate(self) -> StorageEstimate:
        """Usage and quota of the origin."""
        return blocking.run(store_operations.estimate(self._session))

    def origins(self) -> dict[str, StorageEstimate]:
        """Every origin that holds something."""
        return blocking.run(store_operations.origins(self._session))

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself: ``version``, ``pid``, ``home``, …"""
        return blocking.run(store_operations.status(self._session))

    def page_address(self) -> str:
        """Where a browser finds the daemon's page, with a code that opens it once, within a minute.

        Raises ConfigurationError where the daemon does not listen on TCP, AccessDeniedError for other users.
        """
        return blocking.run(store_operations.page_address(self._session))

    def verify(self, urls: Sequence[str] | None = None) -> dict[str, Any]:
        """Checks models of this origin against their digests, or (None) every record and blob of every origin.

        ``{"checked": {kind: count}, "problems": [{"object", "name", "message"}]}``; damage is reported, not raised.
        """
        return blocking.run(maintenance_operations.verify(self._session, urls))

    def backup(self, file: Writable) -> None:
        """Writes everything, all origins, as of one moment, into an open binary file; writers go on meanwhile.

        Raises DaemonUnavailableError where it was cut off: what the file holds is then no backup.
        """
        blocking.run(maintenance_operations.backup(self._session, file))

    def restore(self, file: BinaryIO) -> dict[str, Any]:
        """Reads a backup into the daemon's home, which must be empty; all or nothing.

        ``{"origins", "records", "blobs", "bytes"}``: how much it was. What reading ``file`` raises is raised, and
        nothing was restored.
        """
        return blocking.run(maintenance_operations.restore(self._session, file))

    def sync_pairs(self) -> SyncPairs:
        """The directories that the daemon keeps equal with its stores. Only for its own user and ``sync.users``."""
        from .sync_pairs import SyncPairs

        return SyncPairs(self._session)

    def with_origin(self, origin: str) -> Client:
        """The same store seen from another origin, over the same connections; closing it leaves this one open."""
        return Client(self._session._replace(origin=origin), owns_link=False)

    def events(self, *, own: bool = True) -> Iterator[StoreEvent]:
        """What is committed in this origin from now on. Close the iterator to end the subscription. With ``own=False``
        without the storage events of what this client changes.

        Raises DaemonUnavailableError, also from the iterator when the daemon ends.
        """
        events = blocking.iterate(store_operations.events(self._session, own=own))
        next(events)  # the subscription is in force
        return events

    def run(self, function: Callable[Concatenate[AsyncStore, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``function(async_client, *args)`` to its end on a loop of its own, in a thread where this one has a
        running loop."""
        from .async_client import run_with_client

        return run_with_client(self._session, function, *args, **kwargs)

    def close(self) -> None:
        """Closes the connections; idempotent. Loaded weights stay valid."""
        if self._owns_link:
            self._session.link.close()

    def __enter__(self) -> Client:
        if self._session.link.closed:
            raise StoreClosedError("The store is closed.")
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Client], tuple[Target, str, float | None]]:
        return _reopened, (self._session.link.target, self._session.origin, self._session.timeout)

    def __repr__(self) -> str:
        return f"<Client {self._session.link.target} {self.origin}>"


def _reopened(target: Target, origin: str, timeout: float | None) -> Client:
    return Client(reopened(target, origin, timeout))
