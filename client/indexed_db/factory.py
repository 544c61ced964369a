"""From a client to its IDBFactory."""

from __future__ import annotations

from ...storage_backends.browsers import browser_named
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from .. import blocking, store_operations
from ..session import Session
from .remote_backing_store import RemoteBackingStore


def factory_of(session: Session) -> IDBFactory:
    """The factory of the session's origin. Raises DaemonUnavailableError."""
    link = session.link
    if link.browser is None:
        link.browser = str(blocking.run(store_operations.status(session))["browser"])
    if session.origin not in link.backing_stores:
        link.backing_stores[session.origin] = RemoteBackingStore(session, browser_named(link.browser))
    return IDBFactory(link.backing_stores[session.origin])
