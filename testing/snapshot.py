"""All that a simulated browser holds at one moment."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..storage_backends.backup import backup, restore

if TYPE_CHECKING:
    from .profile import BrowserProfile
    from .tab import Tab


@dataclass(frozen=True, slots=True)
class BrowserSnapshot:
    """Made by ``SimulatedBrowser.snapshot``; any browser can restore it, tabs' sessions only the one it is of."""

    data: bytes
    """A backup of every origin (``docs/on-disk-format.md``)."""
    downloads: Mapping[str, bytes]
    persisted: frozenset[str]
    leaked: Mapping[str, int]
    sessions: tuple[tuple[Tab, dict[str, list[tuple[str, str]]]], ...]


def take_snapshot(profile: BrowserProfile) -> BrowserSnapshot:
    """The profile as it is."""
    data = io.BytesIO()
    backup(profile.home, data)
    sessions = tuple((tab, tab.sessions()) for tab in profile.tabs)
    return BrowserSnapshot(
        data.getvalue(), dict(profile.downloads), frozenset(profile.persisted), dict(profile.leaked), sessions
    )


def restore_snapshot(profile: BrowserProfile, snapshot: BrowserSnapshot) -> None:
    """The profile as it was."""
    home = profile.new_home()
    try:
        restore(home, io.BytesIO(snapshot.data))
    except BaseException:
        home.close()
        raise
    profile.leaked = dict(snapshot.leaked)
    profile.replace_home(home)
    profile.downloads.replace(snapshot.downloads)
    profile.persisted = set(snapshot.persisted)
    known = dict(snapshot.sessions)
    for tab in profile.tabs:
        tab.replace_sessions(known.get(tab, {}))
