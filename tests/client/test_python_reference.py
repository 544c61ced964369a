"""docs/python.md names everything that is public."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import tfjsd
from tfjsd.client import AsyncClient, Client
from tfjsd.model_io.store import AsyncStore, Store

REFERENCE = (Path(__file__).parents[2] / "docs" / "python.md").read_text("utf-8")
INDEXED_DB = {name for name, home in tfjsd._HOMES.items() if home.startswith("tfjsd.storage_backends")}


def documented(name: str) -> bool:
    return re.search(rf"(?<![A-Za-z_]){re.escape(name)}(?![A-Za-z_])", REFERENCE) is not None


def test_every_public_name_is_in_the_reference():
    """IndexedDB's names have a page of their own."""
    assert [name for name in tfjsd.__all__ if name not in INDEXED_DB and not documented(name)] == []


def test_every_error_has_one_line():
    described = re.findall(r"^\| `(\w+Error_?)`", REFERENCE, re.MULTILINE)
    assert sorted(described) == sorted(set(described))


@pytest.mark.parametrize("kind", [Store, AsyncStore, Client, AsyncClient])
def test_every_method_is_in_the_reference(kind):
    methods = [name for name, _ in inspect.getmembers(kind) if not name.startswith("_")]
    assert [name for name in methods if not documented(name)] == []


@pytest.mark.parametrize(("protocol", "client"), [(Store, Client), (AsyncStore, AsyncClient)])
def test_clients_have_the_signatures_of_the_protocols(protocol, client):
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if not name.startswith("_"):
            mine = inspect.signature(getattr(client, name)).parameters
            assert list(mine) == list(inspect.signature(method).parameters), name


def test_the_twins_have_the_same_methods():
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(Client) - public(AsyncClient) == {"run", "close"}
    assert public(AsyncClient) - public(Client) == {"aclose", "indexed_db"}
