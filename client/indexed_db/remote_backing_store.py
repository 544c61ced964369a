"""The databases of an origin at the daemon, as IndexedDB's front end sees them."""

from __future__ import annotations

import asyncio

from ...storage_backends.browsers import Browser, browser_named
from ...storage_backends.indexed_db.abc import BackingStore, FrontThread, OpenEvents, Reply
from ...wire.indexed_db import Message
from .. import blocking, store_operations
from ..session import Session
from .remote_connection import RemoteOpening
from .remote_session import RemoteSession


class RemoteBackingStore(BackingStore):
    """Each loop that uses it has a session of its own, and the backing store calls back on that loop."""

    def __init__(self, client: Session) -> None:
        self._client = client
        self._sessions: dict[asyncio.AbstractEventLoop, RemoteSession] = {}
        client.link.on_close(self.close)

    @property
    def browser(self) -> Browser:
        """The one that the daemon shows. Each of its answers says which: it is asked only for what is thrown before the
        first of them. Raises DaemonUnavailableError."""
        link = self._client.link
        name = link.browser or blocking.run(store_operations.status(self._client))["browser"]
        return browser_named(name)

    def open(self, name: str, version: int | None, events: OpenEvents, thread: FrontThread) -> None:
        def again() -> None:
            RemoteOpening(self._session(), events).open(name, version)

        RemoteOpening(self._session(), events, again).open(name, version)

    def delete_database(self, name: str, events: OpenEvents, thread: FrontThread) -> None:
        RemoteOpening(self._session(), events).delete(name)

    def databases(self, thread: FrontThread, reply: Reply) -> None:
        self._databases(reply, may_ask_again=True)

    def _databases(self, reply: Reply, *, may_ask_again: bool) -> None:
        session = self._session()

        def answer(message: Message | None, problem: BaseException | None) -> bool:
            if may_ask_again and problem is not None and session.was_cut(problem):
                self._databases(reply, may_ask_again=False)
                return True
            found = [] if message is None else message.fields.get("result", [])
            reply([(name, version) for name, version in found], problem)
            return True

        request = session.expect(answer)
        session.send(Message("databases", {"request": request}))

    def close(self) -> None:
        """Ends the sessions: what is open in them is aborted and closed."""
        for session in list(self._sessions.values()):
            session.close()

    def _session(self) -> RemoteSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.is_over:
            self._sessions = {loop: session for loop, session in self._sessions.items() if not session.is_over}
            session = self._sessions[loop] = RemoteSession(self._client, loop)
        return session
