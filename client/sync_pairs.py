"""``client.sync_pairs()``: directories and stores that the daemon keeps equal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

from . import blocking, on_loop, sync_operations
from .session import Session


class SyncPairs:
    """The daemon's sync pairs, synchronously. Only its own user and ``sync.users`` may call these.

    Every method raises AccessDeniedError, DaemonUnavailableError; all but ``list`` and ``add`` SyncPairNotFoundError.
    """

    def __init__(self, session: Session) -> None:
        """Use ``Client.sync_pairs``."""
        self._session = session

    def list(self) -> dict[str, dict[str, Any]]:
        """Name to status; ``docs/sync.md`` lists its members."""
        return blocking.run(sync_operations.pairs(self._session))

    def add(
        self,
        directory: str | os.PathLike[str],
        prefix: str,
        *,
        name: str | None = None,
        direction: Literal["both", "in", "out"] | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        on_conflict: Literal["newest", "dir", "store", "keep-both", "fail"] | None = None,
    ) -> dict[str, Any]:
        """Keeps ``directory`` equal with the models below a URL prefix, in the client's origin, from now on.

        Durable: the pair outlives this client and the daemon. The directory is created where it is missing; the
        answer is the pair's status, and in ``created`` says that. Raises SyncError where the name or the place is
        taken, BadRequestError.
        """
        members = _members(directory, prefix, name, direction, include, exclude, on_conflict)
        return blocking.run(sync_operations.add(self._session, members))

    def remove(self, name: str) -> dict[str, Any]:
        """Forgets the pair; both sides keep what they hold."""
        return blocking.run(sync_operations.remove(self._session, name))

    def once(self, name: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Passes now, until nothing is left to do; ``dry_run``: only the plan of one. Raises SyncError where the
        directory is not there."""
        return blocking.run(sync_operations.act(self._session, name, "once", {"dry_run": dry_run}, patient=True))

    def pause(self, name: str) -> dict[str, Any]:
        """No live passes, also after a restart, until ``resume``."""
        return blocking.run(sync_operations.act(self._session, name, "pause", {}))

    def resume(self, name: str) -> dict[str, Any]:
        """Live passes again."""
        return blocking.run(sync_operations.act(self._session, name, "resume", {}))

    def approve_deletions(self, name: str) -> int:
        """Lets the deletions pass that are held now; how many."""
        body = {"deletions": True}
        return int(blocking.run(sync_operations.act(self._session, name, "approve", body, patient=True))["approved"])

    def resolve(self, name: str, model: str, keep: Literal["dir", "store", "both"]) -> dict[str, Any]:
        """Decides a conflict that waits, or lets go of the copies that one has left."""
        return blocking.run(sync_operations.act(self._session, name, "resolve", {"model": model, "keep": keep}))


class AsyncSyncPairs:
    """``SyncPairs``, awaited."""

    def __init__(self, session: Session) -> None:
        """Use ``AsyncClient.sync_pairs``."""
        self._session = session

    async def list(self) -> dict[str, dict[str, Any]]:
        """As ``SyncPairs.list``."""
        return await on_loop.run(sync_operations.pairs(self._session))

    async def add(
        self,
        directory: str | os.PathLike[str],
        prefix: str,
        *,
        name: str | None = None,
        direction: Literal["both", "in", "out"] | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        on_conflict: Literal["newest", "dir", "store", "keep-both", "fail"] | None = None,
    ) -> dict[str, Any]:
        """As ``SyncPairs.add``."""
        members = _members(directory, prefix, name, direction, include, exclude, on_conflict)
        return await on_loop.run(sync_operations.add(self._session, members))

    async def remove(self, name: str) -> dict[str, Any]:
        """As ``SyncPairs.remove``."""
        return await on_loop.run(sync_operations.remove(self._session, name))

    async def once(self, name: str, *, dry_run: bool = False) -> dict[str, Any]:
        """As ``SyncPairs.once``."""
        return await on_loop.run(sync_operations.act(self._session, name, "once", {"dry_run": dry_run}, patient=True))

    async def pause(self, name: str) -> dict[str, Any]:
        """As ``SyncPairs.pause``."""
        return await on_loop.run(sync_operations.act(self._session, name, "pause", {}))

    async def resume(self, name: str) -> dict[str, Any]:
        """As ``SyncPairs.resume``."""
        return await on_loop.run(sync_operations.act(self._session, name, "resume", {}))

    async def approve_deletions(self, name: str) -> int:
        """As ``SyncPairs.approve_deletions``."""
        approval = sync_operations.act(self._session, name, "approve", {"deletions": True}, patient=True)
        return int((await on_loop.run(approval))["approved"])

    async def resolve(self, name: str, model: str, keep: Literal["dir", "store", "both"]) -> dict[str, Any]:
        """As ``SyncPairs.resolve``."""
        return await on_loop.run(sync_operations.act(self._session, name, "resolve", {"model": model, "keep": keep}))


def _members(
    directory: str | os.PathLike[str],
    prefix: str,
    name: str | None,
    direction: str | None,
    include: Sequence[str] | None,
    exclude: Sequence[str] | None,
    on_conflict: str | None,
) -> dict[str, Any]:
    return {
        "directory": os.path.abspath(directory),
        "prefix": prefix,
        "name": name,
        "direction": direction,
        "include": None if include is None else [*include],
        "exclude": None if exclude is None else [*exclude],
        "on_conflict": on_conflict,
    }
