"""The two ends of a save, load, copy or move: the store itself, or a handler that runs in the calling process.

Daemon clients, embedded stores and simulated browsers decide with these functions, so that a URL means the
same in each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UnsupportedURLError
from .model_url import MEDIA, advice_about, scheme_of
from .router_registry import IORouterRegistry, LoadHandler, SaveHandler

if TYPE_CHECKING:
    from .store import ModelURL, Progress

Routers = Callable[[], IORouterRegistry]
"""Builds the registry of the handlers that run in the calling process; called only when one is needed."""


def caller_options(on_progress: Progress | None, timeout: float | None) -> dict[str, object]:
    """What the arguments of a save or load are to a handler; what was not given is left out."""
    given = {"on_progress": on_progress, "timeout": timeout}
    return {name: option for name, option in given.items() if option is not None}


def load_end(url: ModelURL, routers: Routers, **options: object) -> str | LoadHandler:
    """The URL, where the store itself has the model, else the handler to load it through, given ``options``.

    Raises UnsupportedURLError with tfjs's text where nobody knows the URL (tfjs-layers/src/models.ts,
    loadLayersModelInternal).
    """
    if isinstance(url, str) and scheme_of(url) in MEDIA:
        return url
    if isinstance(url, str | os.PathLike | list | tuple):
        handlers = routers().load_handlers(url, **options)
        if len(handlers) == 1:
            return handlers[0]
        shown = (
            os.fspath(url) if isinstance(url, os.PathLike) else url if isinstance(url, str) else ",".join(map(str, url))
        )
        if handlers:
            raise UnsupportedURLError(f"Found more than one ({len(handlers)}) load handlers for URL '{shown}'")
        raise UnsupportedURLError(f"Cannot find any load handlers for URL '{shown}'", hint=_hint(url))
    if isinstance(url, LoadHandler):
        return url
    raise UnsupportedURLError(
        "Cannot proceed with model loading because the IOHandler provided does not have the `load` method implemented."
    )


def save_end(url: ModelURL, routers: Routers, **options: object) -> str | SaveHandler:
    """The URL, where the store itself takes the model, else the handler to save it through, given ``options``.

    Raises UnsupportedURLError with tfjs's text where nobody knows the URL (tfjs-layers/src/engine/training.ts, save).
    """
    if isinstance(url, str) and scheme_of(url) in MEDIA:
        return url
    if isinstance(url, str | os.PathLike):
        handlers = routers().save_handlers(url, **options)
        if len(handlers) == 1:
            return handlers[0]
        if handlers:
            raise UnsupportedURLError(f"Found more than one ({len(handlers)}) save handlers for URL '{url}'")
        raise UnsupportedURLError(f"Cannot find any save handlers for URL '{os.fspath(url)}'", hint=_hint(url))
    if isinstance(url, SaveHandler):
        return url
    raise UnsupportedURLError(
        "LayersModel.save() cannot proceed because the IOHandler provided does not have the `save` attribute defined."
    )


def copy_ends(source: ModelURL, dest: ModelURL, routers: Routers) -> tuple[str | LoadHandler, str | SaveHandler]:
    """Both ends of a copy, checked in tfjs's order and with its texts (tfjs-core/src/io/model_management.ts)."""
    if isinstance(source, str) and source == dest:
        raise UnsupportedURLError(f"Old path and new path are the same: '{source}'")
    return _copy_source(source, routers), _copy_dest(dest, routers)


def move_ends(source: ModelURL, dest: ModelURL, routers: Routers) -> tuple[str, str | SaveHandler]:
    """Both ends of a move. Only the store's own media can be moved from: tfjs finds no manager for others, after it has
    loaded the model; here that is said before."""
    start, end = copy_ends(source, dest, routers)
    if isinstance(start, str):
        return start, end
    scheme = scheme_of(source) if isinstance(source, str) else "file" if isinstance(source, os.PathLike) else None
    raise UnsupportedURLError(f"Cannot find model manager for scheme '{scheme}'", hint="use copy")


def _copy_source(source: ModelURL, routers: Routers) -> str | LoadHandler:
    if not isinstance(source, str) or scheme_of(source) in MEDIA:
        return load_end(source, routers)
    handlers = routers().load_handlers(source)
    if not handlers:
        raise UnsupportedURLError(
            f"Copying failed because no load handler is found for source URL {source}.", hint=_hint(source)
        )
    if len(handlers) > 1:
        raise UnsupportedURLError(
            f"Copying failed because more than one ({len(handlers)}) load handlers for source URL {source}."
        )
    return handlers[0]


def _copy_dest(dest: ModelURL, routers: Routers) -> str | SaveHandler:
    if not isinstance(dest, str) or scheme_of(dest) in MEDIA:
        return save_end(dest, routers)
    handlers = routers().save_handlers(dest)
    if not handlers:
        raise UnsupportedURLError(
            f"Copying failed because no save handler is found for destination URL {dest}.", hint=_hint(dest)
        )
    if len(handlers) > 1:
        raise UnsupportedURLError(
            f"Copying failed because more than one ({len(handlers)}) save handlers for destination URL {dest}."
        )
    return handlers[0]


def _hint(url: ModelURL) -> str | None:
    return advice_about(url) if isinstance(url, str) else None
