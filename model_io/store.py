"""The store as callers see it: one typed protocol for synchronous code, one for asynchronous code.

Clients of the daemon, embedded stores and simulated browsers all satisfy them, so that code written for one
runs on each. ``isinstance(x, tfjsd.Store)`` checks that the methods are there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from ..storage_backends.abc import Durability
    from ..storage_backends.indexed_db.idb_factory import IDBFactory
    from ..storage_backends.web_storage.async_storage import AsyncStorage
    from ..storage_backends.web_storage.storage import Storage
    from .router_registry import IOHandler
    from .types import ModelArtifacts, ModelArtifactsInfo, SaveResult

    ModelURL = str | PathLike[str] | Sequence[str] | IOHandler
    """``<medium>://<path>``; an ``os.PathLike`` is a file path, an object with ``save`` or ``load`` a handler. A list
    or tuple of two, for a load only, names topology and manifest (the legacy form)."""

P = ParamSpec("P")
T = TypeVar("T")

Progress = Callable[[int, int | None], None]
"""Called with the weight bytes done and their total (None while unknown), in the caller's thread or loop."""


@dataclass(frozen=True, slots=True)
class StorageEstimate:
    """``navigator.storage.estimate()`` of one origin, in bytes."""

    usage: int
    quota: int
    usage_details: Mapping[str, int] = field(default_factory=dict)
    """Per medium (``localStorage``, ``indexedDB``)."""
    local_storage_units: int = 0
    """UTF-16 code units of localStorage's keys and values."""
    local_storage_quota: int | None = None
    """Code units that localStorage may have; None where it has no limit of its own."""
    models: int | None = None
    """How many models there are, where it is known."""


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """Something that was committed: ``storage`` (a browser's StorageEvent) or ``model``."""

    type: str
    origin: str
    data: Mapping[str, object]
    """``storage``: ``key``, ``oldValue``, ``newValue``; ``model``: ``action`` (saved, removed), ``url``."""


@runtime_checkable
class Store(Protocol):
    """Models and localStorage of one origin, synchronously; thread-safe.

    URLs of ``localstorage://`` and ``indexeddb://`` are the store's own; ``file://``, ``downloads://``,
    ``http(s)://``, path objects and handlers run in the calling process. What returned without an exception
    is durable (unless ``durability="relaxed"`` was asked for); what raised changed nothing, but for
    StoreFailedError and OutcomeUnknownError.
    """

    @property
    def origin(self) -> str: ...

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
        """Stores a model, wholly or not at all.

        Raises QuotaExceededError, InvalidArtifactsError, ModelExistsError (``overwrite=False`` met a model),
        UnsupportedURLError.
        """

    def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,
    ) -> ModelArtifacts:
        """The model. Its weights may be mapped: read-only, valid after ``close`` and after its removal; ``verify``
        checks mapped bytes against their digest first.

        Raises ModelNotFoundError, CorruptionError, UnsupportedURLError.
        """

    def list_models(self) -> dict[str, ModelArtifactsInfo]:
        """URL to info, localStorage first, each medium in the browser's order."""

    def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        """Copies a model; the info is the one of the save. Raises as ``load`` and ``save`` do."""

    def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        """Moves a model within the store, atomically, or out of it: saved at ``dest`` before it is removed.

        Raises UnsupportedURLError where the source's scheme has no manager (``file``, ``http``): use
        ``copy_model``.
        """

    def remove_model(self, url: str) -> ModelArtifactsInfo:
        """Removes a model; its info. Raises ModelNotFoundError."""

    def local_storage(self) -> Storage:
        """The origin's localStorage."""

    def estimate(self) -> StorageEstimate: ...

    def origins(self) -> dict[str, StorageEstimate]:
        """Every origin that holds something."""

    def with_origin(self, origin: str) -> Store:
        """The same store seen from another origin; closing it leaves this one open."""

    def events(self, *, own: bool = True) -> Iterator[StoreEvent]:
        """What is committed from now on, in this origin, until the iterator is closed. With ``own=False`` without the
        events of what this store's ``local_storage()`` changes, as a page hears them in a browser."""

    def run(self, function: Callable[Concatenate[AsyncStore, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``function(async_store, *args)`` to its end on a loop of its own: the way to IndexedDB from
        synchronous code."""

    def close(self) -> None:
        """Frees what the store holds; idempotent. Loaded weights stay valid."""

    def __enter__(self) -> Store: ...

    def __exit__(self, *exc: object) -> None: ...


class AsyncEvents(Protocol):
    """An asynchronous iterator, as ``AsyncStore.events`` gives it. ``async with`` subscribes before its block begins,
    and closes after it."""

    def __aiter__(self) -> AsyncIterator[StoreEvent]: ...

    async def __anext__(self) -> StoreEvent: ...

    async def aclose(self) -> None:
        """Ends the subscription; idempotent."""

    async def __aenter__(self) -> AsyncEvents: ...

    async def __aexit__(self, *exc: object) -> None: ...


@runtime_checkable
class AsyncStore(Protocol):
    """The asynchronous twin of ``Store``: the same methods, awaited; ``local_storage``, ``indexed_db``,
    ``with_origin`` and ``events`` are plain calls.

    Cancelling an ``await`` leaves a save whole or absent.
    """

    @property
    def origin(self) -> str: ...

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
    ) -> SaveResult: ...

    async def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> ModelArtifacts: ...

    async def list_models(self) -> dict[str, ModelArtifactsInfo]: ...

    async def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo: ...

    async def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo: ...

    async def remove_model(self, url: str) -> ModelArtifactsInfo: ...

    def local_storage(self) -> AsyncStorage:
        """The origin's localStorage; its methods are awaited."""

    def indexed_db(self) -> IDBFactory:
        """The origin's IDBFactory."""

    async def estimate(self) -> StorageEstimate: ...

    async def origins(self) -> dict[str, StorageEstimate]: ...

    def with_origin(self, origin: str) -> AsyncStore: ...

    def events(self, *, own: bool = True) -> AsyncEvents: ...

    async def aclose(self) -> None: ...

    async def __aenter__(self) -> AsyncStore: ...

    async def __aexit__(self, *exc: object) -> None: ...
