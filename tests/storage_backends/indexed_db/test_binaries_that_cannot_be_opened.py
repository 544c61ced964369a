"""Where no file can be opened a request for a large binary fails, and the transaction can go on."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Callable
from typing import Any

import pytest
from idb_support.homes import ORIGIN, open_home

from tfjsd.errors import StoreFailedError, UnknownError
from tfjsd.storage_backends.browsers import CHROME
from tfjsd.storage_backends.indexed_db.backing_store import IndexedDBBackingStore
from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory

pytest.importorskip("plyvel")
DATA = bytes(range(256)) * 1024


@pytest.fixture
async def db(tmp_path):
    with open_home("leveldb", tmp_path) as home:
        store = IndexedDBBackingStore(home.bucket(ORIGIN), CHROME)
        with await IDBFactory(store).open("d", 1, upgrade=lambda db, *_: db.create_object_store("s")) as db:
            async with db.transaction("s", "readwrite") as tx:
                await tx.object_store("s").put(DATA, 1)
            yield db
        store.close()


def _no_descriptor(*_: Any) -> int:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def _no_address_space(*_: Any, **__: Any) -> int:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


_QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "get": lambda store: store.get(1),
    "get_all": lambda store: store.get_all(),
    "open_cursor": lambda store: store.open_cursor(),
}


@pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in _QUESTIONS.items()])
@pytest.mark.parametrize(
    ("module", "name", "refusing"), [(os, "open", _no_descriptor), (mmap, "mmap", _no_address_space)]
)
async def test_it_is_the_requests_failure(db, monkeypatch, ask, module, name, refusing):
    async with db.transaction("s") as tx:
        store = tx.object_store("s")
        assert await store.count() == 1
        with monkeypatch.context() as patch:
            patch.setattr(module, name, refusing)
            with pytest.raises(UnknownError) as caught:
                await ask(store).prevent_default()
        assert isinstance(caught.value.__cause__, StoreFailedError)
        assert await ask(store) is not None
        assert bytes(await store.get(1)) == DATA
