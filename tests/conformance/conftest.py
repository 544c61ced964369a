"""Stores of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from client_support.daemon_thread import running_daemon

import tfjsd
from tfjsd.testing import simulate_browser


@pytest.fixture(params=["embedded", "simulated", "daemon"])
def any_store(request: pytest.FixtureRequest) -> Iterator[tfjsd.Store]:
    if request.param == "embedded":
        with tfjsd.open_store() as opened:
            yield opened
    elif request.param == "simulated":
        with simulate_browser("chrome", quirks=None) as page:
            yield page
    else:
        pytest.importorskip("plyvel")
        with running_daemon() as daemon, tfjsd.connect(home=daemon.home, autostart=False) as client:
            yield client
