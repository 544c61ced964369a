"""Handlers, and which handler answers for which URL (tfjs-core/src/io/router_registry.ts).

TensorFlow.js keeps one global registry that modules add themselves to. Here a registry is an object that a composition
function builds (``caller_routers``), so that two of them never share state.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from .types import ModelArtifacts, SaveResult

ModelLocation = str | os.PathLike[str] | Sequence[str]
"""What names a model: a URL, a path, or the two URLs of the legacy form (topology and manifest)."""

LoadOptions = Mapping[str, Any]
"""Keyword arguments that a router hands on to its handler."""


@runtime_checkable
class SaveHandler(Protocol):
    """An object that a model can be saved through."""

    def save(self, artifacts: ModelArtifacts) -> SaveResult: ...


@runtime_checkable
class LoadHandler(Protocol):
    """An object that a model can be loaded through."""

    def load(self) -> ModelArtifacts: ...


IOHandler = SaveHandler | LoadHandler
"""An object with ``save(artifacts) -> SaveResult`` and/or ``load() -> ModelArtifacts``; both are plain functions."""

SaveRouter = Callable[[ModelLocation, LoadOptions], SaveHandler | None]
LoadRouter = Callable[[ModelLocation, LoadOptions], LoadHandler | None]
_Handler = TypeVar("_Handler")


class IORouterRegistry:
    """Routers for saving and for loading. Every router is asked; None means that it does not know the URL."""

    def __init__(self) -> None:
        self._save_routers: list[SaveRouter] = []
        self._load_routers: list[LoadRouter] = []

    def register_save_router(self, router: SaveRouter) -> None:
        self._save_routers.append(router)

    def register_load_router(self, router: LoadRouter) -> None:
        self._load_routers.append(router)

    def save_handlers(self, url: ModelLocation, **options: Any) -> list[SaveHandler]:
        """Handlers of all matching routers, in the order of registration. A handler's constructor may raise."""
        return _asked(self._save_routers, url, options)

    def load_handlers(self, url: ModelLocation, **options: Any) -> list[LoadHandler]:
        """As ``save_handlers``."""
        return _asked(self._load_routers, url, options)


def _asked(
    routers: Sequence[Callable[[ModelLocation, LoadOptions], _Handler | None]],
    url: ModelLocation,
    options: LoadOptions,
) -> list[_Handler]:
    answers = [router(url, options) for router in routers]
    return [handler for handler in answers if handler is not None]
