"""The daemon's clients: ``Client`` and its asynchronous twin, over one core that does no I/O itself.

Names are imported when they are first asked for: the synchronous client never loads asyncio.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # absolute: mypy also meets this directory as the namespace of tests/client
    from tfjsd.client.async_client import AsyncClient as AsyncClient
    from tfjsd.client.async_client import aconnect as aconnect
    from tfjsd.client.client import Client as Client
    from tfjsd.client.client import connect as connect

_MODULES = {"AsyncClient": "async_client", "aconnect": "async_client", "Client": "client", "connect": "client"}

__all__ = ["AsyncClient", "Client", "aconnect", "connect"]


def __getattr__(name: str) -> object:
    """PEP 562."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
