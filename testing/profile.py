"""A simulated browser's profile: what it keeps on its disk, and what goes for all of its tabs."""

from __future__ import annotations

import random
import weakref
from typing import TYPE_CHECKING

from ..model_io.quirks import Quirks
from ..storage_backends.abc import Clock
from ..storage_backends.browsers import GIB, Browser
from ..storage_backends.engines.memory import memory_engine
from ..storage_backends.home import Home
from ..storage_backends.indexed_db.key_range_words import speak_as
from ..storage_backends.web_storage.bucket_quota import Conditions, OriginUse, origins_to_evict
from .access import Access
from .downloads import Downloads
from .faults import Faults
from .simulated_origin import SimulatedOrigin, SimulatedOrigins
from .site_data import erase

if TYPE_CHECKING:
    from .simulated_browser import SimulatedBrowser
    from .tab import Tab

DISK_TOTAL = 256 * GIB
MEMORY_TOTAL = 8 * GIB


class BrowserProfile:
    """Everything is in memory, and nothing depends on this machine's disk, memory or clock."""

    def __init__(
        self,
        browser: Browser,
        *,
        clock: Clock,
        quirks: Quirks,
        disk_total: int = DISK_TOTAL,
        memory_total: int = MEMORY_TOTAL,
        private: bool = False,
        seed: int = 0,
    ) -> None:
        self.browser = browser
        self.clock = clock
        self.quirks = quirks
        self.disk_total = disk_total
        self.memory_total = memory_total
        self.private = private
        self.random = random.Random(seed)  # noqa: S311 (repeatable, not secret)
        self.faults = Faults()
        self.access = Access(browser)
        self.downloads = Downloads(browser, self.access, clock)
        self.persisted: set[str] = set()
        self.last_used: dict[str, int] = {}
        self.leaked: dict[str, int] = {}
        """Per origin what its localStorage goes on counting though it is lost."""
        self.tabs: weakref.WeakSet[Tab] = weakref.WeakSet()
        self.views: weakref.WeakSet[SimulatedBrowser] = weakref.WeakSet()
        self.home = self.new_home()
        self.origins = SimulatedOrigins(self)
        speak_as(browser, self)

    def conditions(self, origin: str) -> Conditions:
        """What the origin's quota is computed from."""
        return Conditions(self.disk_total, self.memory_total, private=self.private, persisted=origin in self.persisted)

    def use(self, origin: str) -> None:
        """Notes that an origin was used, which keeps it from being evicted for a while."""
        self.last_used[origin] = self.clock.now()

    # -- The end of a process ------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Ends all processes in order and starts them again: tabs are empty, keys are as the engine stores them."""
        for origin in self.origins.opened():
            origin.area.restart()
            self.leaked[origin.name] = origin.area.leaked
            if self.private:
                erase(origin)
                self.leaked.clear()
        for tab in self.tabs:
            tab.end_session()
        self._reopen()

    def crash(self) -> None:
        """Kills all processes, then starts them again: what was not written yet is lost as well."""
        for origin in self.origins.opened():
            origin.area.crash()
        self.restart()

    def _reopen(self) -> None:
        for origin in self.origins.opened():
            origin.databases.disconnect()
        self.origins = SimulatedOrigins(self)
        for view in self.views:
            view.attach()

    # -- Taking data away ----------------------------------------------------------------------------------------------

    def clear(self, name: str) -> None:
        """Erases all that an origin holds, sessions included."""
        self._erase(self.origins.get(name))
        self.persisted.discard(name)

    def evict(self, name: str) -> bool:
        """Erases a best-effort origin, as the browser does for want of room; False where it is persisted.

        In Chromium localStorage is not part of what the quota manager evicts.
        """
        if name in self.persisted:
            return False
        origin = self.origins.get(name)
        if self.browser.engine == "chromium":
            kept = origin.area.items()
            self._erase(origin, sessions=False)
            self.origins.get(name).area.refill(kept)
        else:
            self._erase(origin, sessions=False)
        return True

    def make_room(self, using: str) -> list[str]:
        """Evicts the least recently used origins where all together are too large for the disk; their names."""
        share = self.browser.bucket.pool_share
        if (
            share is None
            or sum(origin.bucket.bytes_used() for origin in self.origins.opened()) <= share * self.disk_total
        ):
            return []
        uses = [
            OriginUse(origin.name, origin.usage(), self.last_used.get(origin.name, 0), origin.name in self.persisted)
            for origin in self.origins.opened()
        ]
        evicted = [name for name in origins_to_evict(self.browser, self.disk_total, uses) if name != using]
        return [name for name in evicted if self.evict(name)]

    def _erase(self, origin: SimulatedOrigin, *, sessions: bool = True) -> None:
        erase(origin)
        self.leaked.pop(origin.name, None)
        if sessions:
            for tab in self.tabs:
                tab.forget(origin.name)
        origin.databases.disconnect()
        self.origins.reopen(origin.name)
        for view in self.views:
            view.attach()

    # -- Home ----------------------------------------------------------------------------------------------------------

    def replace_home(self, home: Home) -> None:
        """Goes on with the data of another home."""
        old, self.home = self.home, home
        self._reopen()
        old.close()

    def new_home(self) -> Home:
        """An empty home in memory."""
        return Home(None, engines=memory_engine, clock=self.clock)
