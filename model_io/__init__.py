"""What TensorFlow.js has in ``tf.io``, file for file; see the modules, and ``docs/handlers.md`` for the handlers.

The handlers' functions can be imported from here; each is loaded when it is first asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # absolute: mypy also meets this directory as the namespace of tests/model_io
    from tfjsd.model_io.browser_downloads import downloads as downloads
    from tfjsd.model_io.chosen_files import browser_files as browser_files
    from tfjsd.model_io.http import http_request as http_request
    from tfjsd.model_io.node_file_system import file_system as file_system
    from tfjsd.model_io.passthrough import from_memory as from_memory
    from tfjsd.model_io.passthrough import with_save_handler as with_save_handler
    from tfjsd.model_io.router_registry import IOHandler as IOHandler
    from tfjsd.model_io.weights_loader import load_weights as load_weights

_HOMES = {
    "IOHandler": "router_registry",
    "browser_files": "chosen_files",
    "downloads": "browser_downloads",
    "file_system": "node_file_system",
    "from_memory": "passthrough",
    "http_request": "http",
    "load_weights": "weights_loader",
    "with_save_handler": "passthrough",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    """PEP 562. No module may have the name of a function here: importing it would put it in the function's place."""
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
