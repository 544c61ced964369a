"""From a client to its IDBFactory."""

from __future__ import annotations

from ...storage_backends.indexed_db.idb_factory import IDBFactory
from ..session import Session
from .remote_backing_store import RemoteBackingStore


def factory_of(session: Session) -> IDBFactory:
    """The factory of the session's origin."""
    stores = session.link.backing_stores
    if session.origin not in stores:
        stores[session.origin] = RemoteBackingStore(session)
    return IDBFactory(stores[session.origin])
