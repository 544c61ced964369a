"""The pytest plugin: loaded by pytest itself where tfjsd is installed. ``docs/testing.md`` is its manual.

It lives beside pytest-playwright (whose ``browser``, ``page`` and ``--browser`` it leaves alone), pytest-asyncio in
both modes and pytest-xdist. Nothing but pytest is imported until a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from ..embedded import EmbeddedStore
    from .daemon_process import DaemonProcess
    from .simulated_browser import SimulatedBrowser

MARKER = "tfjsd_browsers"
BROWSER_NAMES = ("chrome", "firefox", "safari", "unlimited")
DEFAULT_BROWSER = "chrome"
DEFAULT_QUIRKS = "tfjs-4.22"


class Shown(NamedTuple):
    """Which browser a test is run with."""

    browser: str
    quirks: Any = DEFAULT_QUIRKS


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--tfjsd-browser``."""
    parser.getgroup("tfjsd").addoption(
        "--tfjsd-browser",
        action="append",
        choices=BROWSER_NAMES,
        metavar="NAME",
        help="browser that tfjsd's fixtures simulate in tests without the marker tfjsd_browsers: chrome (default), "
        "firefox, safari, unlimited; may be given several times",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(*names, quirks='tfjs-4.22'): run the test once for each of these simulated browsers "
        "(chrome, firefox, safari, unlimited), with these faults of TensorFlow.js (None: without)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses a simulated browser runs once for each browser that its marker, or the option, names."""
    if "tfjsd_shown" not in metafunc.fixturenames:
        return
    shown = _shown(metafunc)
    if len(shown) > 1 or metafunc.definition.get_closest_marker(MARKER) is not None:
        metafunc.parametrize("tfjsd_shown", shown, indirect=True, ids=[each.browser for each in shown])


def _shown(metafunc: pytest.Metafunc) -> list[Shown]:
    marker = metafunc.definition.get_closest_marker(MARKER)
    chosen = metafunc.config.getoption("tfjsd_browser") or [DEFAULT_BROWSER]
    if marker is None:
        return [Shown(name) for name in chosen]
    if unknown := marker.kwargs.keys() - {"quirks"}:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {MARKER} has no argument {', '.join(sorted(unknown))}")
    if others := set(marker.args) - set(BROWSER_NAMES):
        names = f"{', '.join(map(repr, others))}: there are {', '.join(BROWSER_NAMES)}"
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {MARKER} knows no browser {names}")
    quirks = marker.kwargs.get("quirks", DEFAULT_QUIRKS)
    return [Shown(name, quirks) for name in marker.args or chosen]


@pytest.fixture
def tfjsd_shown(request: pytest.FixtureRequest) -> Shown:
    """The simulated browser's name and faults; set by the marker and the option."""
    shown = getattr(request, "param", None)
    return shown or Shown((request.config.getoption("tfjsd_browser") or [DEFAULT_BROWSER])[0])


@pytest.fixture
def tfjsd_browser_factory(tfjsd_shown: Shown) -> Iterator[Callable[..., SimulatedBrowser]]:
    """Makes simulated browsers: ``tfjsd_browser_factory("safari", quota=10_000)``. They are closed with the test.

    The arguments are those of ``tfjsd.testing.simulate_browser``; browser and quirks are by default what the marker and
    the option say.
    """
    from .launching import simulate_browser

    made: list[SimulatedBrowser] = []

    def make(browser: Any = None, /, **options: Any) -> SimulatedBrowser:
        options.setdefault("quirks", tfjsd_shown.quirks)
        made.append(simulate_browser(browser or options.pop("browser", None) or tfjsd_shown.browser, **options))
        return made[-1]

    yield make
    for browser in reversed(made):
        browser.close()


@pytest.fixture
def tfjsd_browser(tfjsd_browser_factory: Callable[..., SimulatedBrowser]) -> SimulatedBrowser:
    """A simulated browser: a ``tfjsd.Store``; ``tfjsd_browser.aio`` is the same page as a ``tfjsd.AsyncStore``."""
    return tfjsd_browser_factory()


@pytest.fixture
def tfjsd_store(tfjsd_shown: Shown) -> Iterator[EmbeddedStore]:
    """A ``tfjsd.Store`` in memory as a daemon keeps one: the browser's quotas, none of the faults of TensorFlow.js."""
    from ..embedded import open_store

    with open_store(None, browser=tfjsd_shown.browser) as store:
        yield store


@pytest.fixture
def tfjsd_daemon(tfjsd_shown: Shown, tmp_path: Path) -> Iterator[DaemonProcess]:
    """A daemon in another process, on a home of its own: ``.connect()``, ``.cli("list")``, ``.kill()``, …"""
    from .daemon_process import DaemonProcess

    with DaemonProcess(tmp_path / "tfjsd-home", browser=tfjsd_shown.browser) as daemon:
        yield daemon
