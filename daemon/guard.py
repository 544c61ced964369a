"""Who may call: the daemon's own user, and whom the configuration names."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import AccessDeniedError, ConfigurationError
from .peer import Peer, own_uid


@dataclass(slots=True)
class Guard:
    """Ids, resolved at start and when the configuration is read again. ``sync_users`` may add and change sync pairs."""

    owner: int
    users: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    sync_users: frozenset[int] = frozenset()

    @classmethod
    def of_names(cls, users: Iterable[str], groups: Iterable[str], sync_users: Iterable[str] = ()) -> Guard:
        """Raises ConfigurationError for a user or a group that this machine does not know."""
        return cls(
            own_uid(),
            frozenset(map(_user_id, users)),
            frozenset(map(group_id, groups)),
            frozenset(map(_user_id, sync_users)),
        )

    def become(self, other: Guard) -> None:
        """From now on, who ``other`` lets in."""
        self.users, self.groups, self.sync_users = other.users, other.groups, other.sync_users

    def admits_to_sync(self, peer: Peer | None) -> bool:
        """Whether the peer may see and change sync pairs, and with them make the daemon read and write directories."""
        return peer is not None and (peer.uid in (self.owner, 0) or peer.uid in self.sync_users)

    def admits(self, peer: Peer | None) -> bool:
        return peer is not None and (
            peer.uid in (self.owner, 0) or peer.uid in self.users or bool(peer.groups & self.groups)
        )

    def check(self, peer: Peer | None) -> None:
        """Raises AccessDeniedError. The superuser is let in: it could read the files anyway."""
        if not self.admits(peer):
            who = "a process that the kernel does not name" if peer is None else f"user {peer.uid}"
            raise AccessDeniedError(
                f"The store belongs to user {self.owner}; {who} may not use it.",
                hint="the owner can add users or groups under [access] in tfjsd/config.toml",
            )


def group_id(name: str) -> int:
    """Raises ConfigurationError for a group that does not exist."""
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigurationError(f"access.groups: there is no group {name!r}") from None


def _user_id(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise ConfigurationError(f"access.users: there is no user {name!r}") from None
