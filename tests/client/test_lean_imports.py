"""What the client costs before it does anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("plyvel", "aiohttp", "watchdog", "numpy", "asyncio", "http.client", "email", "ssl", "logging", "h5py")


def loaded(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import tfjsd",
        "import tfjsd; tfjsd.connect; tfjsd.Client; tfjsd.errors",
        "import tfjsd.client.client, tfjsd.client.storage_operations, tfjsd.client.model_operations, tfjsd.client.transfer_operations",
        "import tfjsd.wire.configuration; tfjsd.wire.configuration.Configuration.load()",
    ],
)
def test_the_synchronous_client_loads_nothing_heavy(statement):
    assert not loaded(statement) & set(HEAVY)


def test_the_asynchronous_client_loads_neither_engine_nor_server_nor_numpy():
    assert not loaded("import tfjsd; tfjsd.AsyncClient") & (set(HEAVY) - {"asyncio", "ssl", "logging"})


def test_only_public_names_are_announced():
    from tfjsd import client

    assert sorted(client.__all__) == ["AsyncClient", "Client", "aconnect", "connect"]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = client.nothing
