"""The test harness: simulated browsers, models of any size, assertions. ``docs/testing.md`` tells how to use it.

The fixtures are in ``plugin.py``, which pytest loads by itself. Public names are imported on first use.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # absolute: mypy also meets this directory as the namespace of tests/testing
    from tfjsd.storage_backends.browsers import CHROME as CHROME
    from tfjsd.storage_backends.browsers import FIREFOX as FIREFOX
    from tfjsd.storage_backends.browsers import SAFARI as SAFARI
    from tfjsd.storage_backends.browsers import UNLIMITED as UNLIMITED
    from tfjsd.testing.artifacts import make_artifacts as make_artifacts
    from tfjsd.testing.assertions import assert_models_equal as assert_models_equal
    from tfjsd.testing.assertions import assert_quota_exceeded as assert_quota_exceeded
    from tfjsd.testing.async_simulated_browser import AsyncSimulatedBrowser as AsyncSimulatedBrowser
    from tfjsd.testing.clock import SimulatedClock as SimulatedClock
    from tfjsd.testing.daemon_process import DaemonProcess as DaemonProcess
    from tfjsd.testing.fit import Fit as Fit
    from tfjsd.testing.largest import largest_fitting as largest_fitting
    from tfjsd.testing.launching import simulate_browser as simulate_browser
    from tfjsd.testing.simulated_browser import SimulatedBrowser as SimulatedBrowser
    from tfjsd.testing.snapshot import BrowserSnapshot as BrowserSnapshot

_BROWSERS = "..storage_backends.browsers"
_MODULES = {
    "CHROME": _BROWSERS,
    "FIREFOX": _BROWSERS,
    "SAFARI": _BROWSERS,
    "UNLIMITED": _BROWSERS,
    "AsyncSimulatedBrowser": ".async_simulated_browser",
    "BrowserSnapshot": ".snapshot",
    "DaemonProcess": ".daemon_process",
    "Fit": ".fit",
    "SimulatedBrowser": ".simulated_browser",
    "SimulatedClock": ".clock",
    "assert_models_equal": ".assertions",
    "assert_quota_exceeded": ".assertions",
    "largest_fitting": ".largest",
    "make_artifacts": ".artifacts",
    "simulate_browser": ".launching",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    """PEP 562: the module that defines a public name is imported when the name is first asked for."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module 'tfjsd.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(module, __name__), name)


def __dir__() -> list[str]:
    return __all__
