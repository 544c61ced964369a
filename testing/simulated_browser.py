"""``SimulatedBrowser``: a browser's storage, as a page that runs TensorFlow.js meets it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar

from ..embedded import EmbeddedStore
from ..model_io.browser_downloads import URL_SCHEME as DOWNLOADS
from ..model_io.model_url import scheme_of
from ..model_io.origin import DEFAULT_ORIGIN
from ..model_io.own_loop import run_on_own_loop
from ..storage_backends.browsers import Browser
from ..storage_backends.web_storage.backend import AreaBackend
from ..storage_backends.web_storage.bucket_quota import StorageAPI, persist
from ..storage_backends.web_storage.storage import Storage
from .access import Deniable
from .filling import fill
from .fit import Fit, fit
from .snapshot import BrowserSnapshot, restore_snapshot, take_snapshot
from .tab import PresentArea, Tab

if TYPE_CHECKING:
    from ..model_io.store import AsyncStore, ModelURL, Progress
    from ..model_io.types import ModelArtifacts, ModelArtifactsInfo, SaveResult
    from ..storage_backends.abc import Clock, Durability
    from ..storage_backends.web_storage.storage_event import StorageListener
    from .async_simulated_browser import AsyncSimulatedBrowser
    from .downloads import Downloads
    from .faults import Faults
    from .profile import BrowserProfile
    from .simulated_origin import SimulatedOrigin

P = ParamSpec("P")
T = TypeVar("T")


class SimulatedBrowser(EmbeddedStore):
    """One page's view of a browser: satisfies ``tfjsd.Store``; ``aio`` is the same browser as a ``tfjsd.AsyncStore``.

    Quotas, error texts, key order, faults and losses are the browser's; models have the faults of TensorFlow.js that
    the profile was made with. Everything is in memory. Thread-safe but for what moves the whole browser (``restart``,
    ``restore``, …). The fixture ``tfjsd_browser_factory`` makes them.
    """

    def __init__(self, profile: BrowserProfile, tab: Tab, origin: str = DEFAULT_ORIGIN, *, owner: bool = False) -> None:
        self._profile = profile
        self._tab = tab
        super().__init__(profile.origins, origin, owner=owner, author=tab)
        self._simulated = profile.origins.get(origin)
        profile.views.add(self)

    def attach(self) -> None:
        """Goes on with the origins that the profile has now."""
        self._origins = self._profile.origins
        present = self._profile.origins.get(self.origin)
        if present is not self._simulated:
            self._simulated = self._origin = present
            self._tab.listen_again(self.origin, present.area)

    # -- What it is ----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """``chrome``, ``firefox``, ``safari``, ``unlimited``, or the name of a derived browser."""
        return self._profile.browser.name

    @property
    def browser(self) -> Browser:
        """Its rules, as data."""
        return self._profile.browser

    @property
    def storage(self) -> SimulatedOrigin:
        return self._simulated

    @property
    def clock(self) -> Clock:
        """Its time; a ``SimulatedClock`` unless another one was given."""
        return self._profile.clock

    @property
    def faults(self) -> Faults:
        """Which of the coming writes fail, in every tab."""
        return self._profile.faults

    @property
    def downloads(self) -> Downloads:
        """The downloaded files: name to bytes."""
        return self._profile.downloads

    @property
    def random(self) -> Random:
        """For what a test draws: the same for the same seed. The simulation itself leaves nothing to chance."""
        return self._profile.random

    @property
    def aio(self) -> AsyncSimulatedBrowser:
        """This page for asynchronous code."""
        from .async_simulated_browser import AsyncSimulatedBrowser

        return AsyncSimulatedBrowser(self)

    # -- tfjsd.Store ---------------------------------------------------------------------------------------------------

    def save(
        self,
        url: ModelURL,
        artifacts: ModelArtifacts,
        *,
        overwrite: bool = True,
        include_optimizer: bool = True,
        durability: Durability = "strict",
        on_progress: Progress | None = None,
        timeout: float | None = None,
    ) -> SaveResult:
        """As ``Store.save``; ``downloads://`` goes to ``downloads``. Raises SecurityError where storage is denied."""
        self._use(url)
        with self._changing():
            return super().save(
                self._dest(url),
                artifacts,
                overwrite=overwrite,
                include_optimizer=include_optimizer,
                durability=durability,
                on_progress=on_progress,
                timeout=timeout,
            )

    def load(
        self,
        url: ModelURL,
        *,
        verify: bool = False,
        on_progress: Progress | None = None,
        timeout: float | None = None,
    ) -> ModelArtifacts:
        self._use(url)
        return super().load(url, verify=verify, on_progress=on_progress, timeout=timeout)

    def list_models(self) -> dict[str, ModelArtifactsInfo]:
        self._use("localstorage://", "indexeddb://")
        with self._simulated.area.acting(self._tab, f"{self.origin}/"):
            return super().list_models()

    def copy_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        self._use(source, dest)
        with self._changing():
            return super().copy_model(source, self._dest(dest), overwrite=overwrite)

    def move_model(self, source: ModelURL, dest: ModelURL, *, overwrite: bool = True) -> ModelArtifactsInfo:
        self._use(source, dest)
        with self._changing():
            return super().move_model(source, self._dest(dest), overwrite=overwrite)

    def remove_model(self, url: str) -> ModelArtifactsInfo:
        self._use(url)
        with self._changing():
            return super().remove_model(url)

    def local_storage(self) -> Storage:
        """The page's ``localStorage``; as an object it survives restarts. Raises SecurityError where it is denied."""
        return Storage(self.local_storage_backend())

    def with_origin(self, origin: str) -> SimulatedBrowser:
        """A page of another origin in the same tab."""
        return SimulatedBrowser(self._profile, self._tab, origin)

    def run(self, function: Callable[Concatenate[AsyncStore, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """As ``Store.run``; where this thread runs a loop already (Playwright's synchronous API does), in another."""

        async def call() -> T:
            return await function(self.aio, *args, **kwargs)

        return run_on_own_loop(call)

    def __enter__(self) -> SimulatedBrowser:
        return self

    # -- Beyond a store ------------------------------------------------------------------------------------------------

    @property
    def session_storage(self) -> Storage:
        """The tab's ``sessionStorage``."""
        area = PresentArea(
            lambda: self._tab.session(self.origin), lambda: self._check("localstorage", "sessionStorage")
        )
        return Storage(AreaBackend(area, source=self._tab, url=f"{self.origin}/"))

    def local_storage_backend(self) -> AreaBackend:
        """What ``local_storage`` stands on."""
        self._profile.access.refuse_denied("localstorage")
        area = PresentArea(lambda: self._simulated.area, lambda: self._check("localstorage", "localStorage"))
        return AreaBackend(area, source=self._tab, url=f"{self.origin}/")

    def use_indexed_db(self) -> None:
        """Counts a use of IndexedDB. Raises SecurityError where it is denied."""
        self._check("indexeddb", "indexedDB")

    def fill(self, leave: int = 0, key: str = "fill", text: Literal["latin1", "wide"] = "latin1") -> int:
        """Sets one item so long that ``leave`` units, as the browser counts, are left in localStorage; what is left.

        ``wide`` text is above U+00FF, which takes two bytes per character in Safari: one byte more may be left then.
        No fault counts it, no crash loses it. Raises ValueError where there is no limit, or not so much room.
        """
        return fill(self._simulated.area, self.browser.web_storage, leave, key, text)

    def fits(self, artifacts: ModelArtifacts, url: str) -> Fit:
        """Whether a save would find room, and how much there would be left, or is missing; changes nothing."""
        return fit(self._simulated, artifacts, url)

    def on_storage(self, listener: StorageListener) -> Callable[[], None]:
        """``addEventListener("storage", …)``: what other tabs change in localStorage, until the page is left or the
        returned function is called."""
        return self._tab.listen(self.origin, self._simulated.area, listener)

    def new_tab(self, *, opened_by_page: bool = False) -> SimulatedBrowser:
        """A page of the same origin in another tab, in another process: it may list keys in another order.

        One that this page opened is in the same process, and starts with a copy of sessionStorage.
        """
        tab = Tab(self._profile)
        if opened_by_page:
            tab.copy_sessions(self._tab)
        else:
            self._simulated.area.open_in_new_process(tab)
        return SimulatedBrowser(self._profile, tab, self.origin)

    def reload(self) -> None:
        """Loads the page anew: its listeners go, storage stays."""
        self._tab.unload()
        self._simulated.area.end_task()

    def restart(self) -> None:
        """Quits and starts the browser: sessions end, keys are reordered, and damaged where the engine does that."""
        self._profile.restart()

    def crash(self) -> None:
        """Kills the browser and starts it again: what localStorage had not written yet is lost."""
        self._profile.crash()

    def clear_site_data(self) -> None:
        """Erases all that the origin holds, as the user can."""
        self._profile.clear(self.origin)

    def evict(self) -> bool:
        """Erases the origin as the browser does when the disk is short; False where it is persisted, and stays."""
        return self._profile.evict(self.origin)

    def persist(self, answer: bool | None = None) -> bool:
        """``navigator.storage.persist()``; ``answer`` is the user's, by default what the browser does unasked."""
        if persist(self.browser, answer=answer):
            self._profile.persisted.add(self.origin)
        return self.persisted()

    def persisted(self) -> bool:
        """``navigator.storage.persisted()``."""
        return self.origin in self._profile.persisted

    def deny(self, what: Deniable, after: int = 0) -> None:
        """Denies ``localstorage``, ``indexeddb`` or ``downloads`` in every tab, once used ``after`` times more.

        A model operation or a call of a Storage is one use; of downloads it is one file. Denied downloads fail
        silently, as in a browser.
        """
        self._profile.access.deny(what, after)

    def allow(self, what: Deniable) -> None:
        """Takes a denial back."""
        self._profile.access.allow(what)

    def snapshot(self) -> BrowserSnapshot:
        """All data of all origins and tabs, and the downloads."""
        return take_snapshot(self._profile)

    def restore(self, snapshot: BrowserSnapshot) -> None:
        """Puts a snapshot in place of all there is; the clock goes on. Keys are ordered as after a restart."""
        restore_snapshot(self._profile, snapshot)

    def __repr__(self) -> str:
        return f"<SimulatedBrowser {self.name} {self.origin}>"

    # -- Inside --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """What the block writes is this page's doing; afterwards others may be evicted."""
        with self._simulated.area.acting(self._tab, f"{self.origin}/"):
            yield
        self._profile.make_room(self.origin)

    def _check(self, what: Deniable, api: StorageAPI) -> None:
        self._profile.access.check(what, api)
        self._profile.use(self.origin)

    def _use(self, *urls: ModelURL) -> None:
        """Asks for every medium that the URLs name."""
        for url in urls:
            scheme = scheme_of(url) if isinstance(url, str) else None
            if scheme == "localstorage":
                self._check("localstorage", "localStorage")
            elif scheme == "indexeddb":
                self._check("indexeddb", "indexedDB")

    def _dest(self, url: ModelURL) -> ModelURL:
        """``downloads://`` as the handler of this browser's folder."""
        if isinstance(url, str) and url.startswith(DOWNLOADS):
            return self.downloads.handler(url)
        return url
