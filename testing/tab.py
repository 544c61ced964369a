"""One tab of a simulated browser, and the view that it has of storage areas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..storage_backends.abc import Durability
from ..storage_backends.browsers import Browser
from ..storage_backends.web_storage.backend import Area
from ..storage_backends.web_storage.operations import Operation, SetItem
from ..storage_backends.web_storage.session_area import SessionArea
from ..storage_backends.web_storage.storage_event import StorageListener

if TYPE_CHECKING:
    from .profile import BrowserProfile


class Tab:
    """A tab: its sessions by origin, and who listens in its pages."""

    def __init__(self, profile: BrowserProfile) -> None:
        self.profile = profile
        self._sessions: dict[str, SessionArea] = {}
        self._listening: dict[tuple[str, StorageListener], Callable[[], None]] = {}
        profile.tabs.add(self)

    def session(self, origin: str) -> SessionArea:
        """The tab's sessionStorage of an origin."""
        if origin not in self._sessions:
            self._sessions[origin] = SessionArea(self.profile.browser)
        return self._sessions[origin]

    def sessions(self) -> dict[str, list[tuple[str, str]]]:
        """All items of sessionStorage by origin."""
        return {origin: area.items() for origin, area in self._sessions.items()}

    def replace_sessions(self, sessions: dict[str, list[tuple[str, str]]]) -> None:
        """Puts other items in place of all."""
        self._sessions = {origin: _filled(self.profile.browser, items) for origin, items in sessions.items()}

    def copy_sessions(self, opener: Tab) -> None:
        """Starts with what the tab that opened this one has."""
        self._sessions = {name: area.copy(self.profile.browser) for name, area in opener._sessions.items()}

    def listen(self, origin: str, area: Area, listener: StorageListener) -> Callable[[], None]:
        """The listener hears what other tabs change in the area, until the page goes or the result is called."""
        self._listening[origin, listener] = area.subscribe(listener, source=self)

        def remove() -> None:
            unsubscribe = self._listening.pop((origin, listener), None)
            if unsubscribe is not None:
                unsubscribe()

        return remove

    def listen_again(self, origin: str, area: Area) -> None:
        """The listeners of an origin go on with the area that there is now."""
        for listener in [listener for name, listener in self._listening if name == origin]:
            self.listen(origin, area, listener)

    def unload(self) -> None:
        """The pages of the tab go: so do their listeners and what their tasks had freed."""
        for unsubscribe in self._listening.values():
            unsubscribe()
        self._listening.clear()
        for area in self._sessions.values():
            area.end_task()

    def forget(self, origin: str) -> None:
        """sessionStorage of an origin is erased."""
        self._sessions.pop(origin, None)

    def end_session(self) -> None:
        """The browser ends."""
        self.unload()
        self._sessions.clear()


def _filled(browser: Browser, items: Sequence[tuple[str, str]]) -> SessionArea:
    area = SessionArea(browser)
    area.submit([SetItem(key, value) for key, value in items])
    return area


class PresentArea:
    """The area that there is when it is used, whatever restarts lie between; ``check`` is asked before each use.

    Satisfies ``web_storage.backend.Area``.
    """

    def __init__(self, present: Callable[[], Area], check: Callable[[], None]) -> None:
        self._present = present
        self._check = check

    def _area(self) -> Area:
        self._check()
        return self._present()

    def at_hand(self, key: str) -> str | None:
        """None: every access is checked."""
        return None

    def get_item(self, key: str, *, source: object = None) -> str | None:
        return self._area().get_item(key, source=source)

    def key(self, index: int, *, source: object = None) -> str | None:
        return self._area().key(index, source=source)

    def length(self, *, source: object = None) -> int:
        return self._area().length(source=source)

    def keys(self, *, source: object = None) -> list[str]:
        return self._area().keys(source=source)

    def items(self, *, source: object = None) -> list[tuple[str, str]]:
        return self._area().items(source=source)

    def set_at_once(self, key: str, value: str, durability: Durability = "strict") -> bool:
        """False: every change goes through ``submit``, where it can be denied."""
        return False

    def submit(
        self,
        operations: Sequence[Operation],
        durability: Durability = "strict",
        *,
        source: object = None,
        url: str = "",
    ) -> Future[None]:
        return self._area().submit(operations, durability, source=source, url=url)

    def subscribe(self, listener: StorageListener, *, source: object = None) -> Callable[[], None]:
        return self._present().subscribe(listener, source=source)
