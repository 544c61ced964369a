"""The handlers that run in the calling process: which URL goes to which."""

from __future__ import annotations

from functools import partial

from .quirks import NO_QUIRKS, Quirks
from .router_registry import IORouterRegistry


def caller_routers(quirks: Quirks = NO_QUIRKS) -> IORouterRegistry:
    """A new registry of what runs in the calling process: ``downloads://`` (saves only), ``http(s)://``, and ``file://``
    with path objects, in the order of TensorFlow.js. Handlers get those of the faults that concern them."""
    from .browser_downloads import downloads_router
    from .http import http_router
    from .node_file_system import file_system_router

    registry = IORouterRegistry()
    registry.register_save_router(downloads_router)
    for router in (partial(http_router, quirks=quirks), partial(file_system_router, quirks=quirks)):
        registry.register_save_router(router)
        registry.register_load_router(router)
    return registry
