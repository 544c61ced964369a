"""Who may call: the daemon's own user, and whom the configuration names."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import AccessDeniedError, ConfigurationError
from ..wire.configuration import Configuration
from .peer import Peer, own_uid


@dataclass(slots=True)
class Guard:
    """Ids, resolved at start and when the configuration is read again. ``sync_users`` may add and change sync pairs."""

    owner: int
    users: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()
    sync_users: frozenset[int] = frozenset()

    @classmethod
    def of(cls, configuration: Configuration) -> Guard:
        """Raises ConfigurationError for a user or a group that this machine does not know; it names the line."""
        return cls(
            own_uid(),
            frozenset(_ids(configuration, "access.users", _user_id, "user")),
            frozenset(_ids(configuration, "access.groups", _group_id, "group")),
            frozenset(_ids(configuration, "sync.users", _user_id, "user")),
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


def socket_group(configuration: Configuration) -> int | None:
    """The group whose the socket is. Raises ConfigurationError as ``Guard.of`` does."""
    return next(iter(_ids(configuration, "access.groups", _group_id, "group")), None)


def _ids(configuration: Configuration, key: str, id_of: Callable[[str], int], kind: str) -> list[int]:
    value, source = dict(configuration)[key]
    ids = []
    for name in value:
        try:
            ids.append(int(name) if name.isdecimal() else id_of(name))
        except KeyError:
            raise ConfigurationError(f"{source}: {key}: there is no {kind} {name!r}") from None
    return ids


def _group_id(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def _user_id(name: str) -> int:
    return pwd.getpwnam(name).pw_uid
