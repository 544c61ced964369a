"""Who is at the other end of a unix socket, as the kernel says."""

from __future__ import annotations

import os
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Final

_PEERGROUPS: Final = 59  # SO_PEERGROUPS, linux/socket.h
_LOCAL_PEERCRED: Final = 0x001  # sys/un.h of Darwin and the BSDs, at level SOL_LOCAL (0)


@dataclass(frozen=True, slots=True)
class Peer:
    """Effective user and groups of the process that connected, at the time it did."""

    uid: int
    groups: frozenset[int]


def peer_of(connection: socket.socket) -> Peer | None:
    """The peer of a connected unix socket; None for any other socket. Raises OSError."""
    if connection.family != socket.AF_UNIX:
        return None
    if sys.platform == "darwin":
        return _darwin_peer(connection)
    _, uid, gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return Peer(uid, frozenset({gid, *_supplementary(connection)}))


def _supplementary(connection: socket.socket) -> tuple[int, ...]:
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _PEERGROUPS, 4 * 4096)
    except OSError:  # a kernel before 4.13, or gVisor: the primary group alone counts
        return ()
    return struct.unpack(f"{len(packed) // 4}I", packed)


def _darwin_peer(connection: socket.socket) -> Peer:
    # struct xucred: u32 version, uid_t uid, short count, gid_t groups[16]
    packed = connection.getsockopt(0, _LOCAL_PEERCRED, 76)
    _, uid, count = struct.unpack_from("IIh", packed)
    return Peer(uid, frozenset(struct.unpack_from(f"{min(count, 16)}I", packed, 12)))


def own_uid() -> int:
    """The user as whom this process acts."""
    return os.geteuid()


def is_own_user(peer: Peer | None) -> bool:
    """Whether the peer runs as this process's user, and so can open its files."""
    return peer is not None and peer.uid == own_uid()
