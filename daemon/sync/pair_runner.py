"""One pair at work: it waits for changes, lets a burst of them end, makes a pass, and waits again."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from ...errors import SyncError, TfjsdError
from ...model_io.model_files import translated
from ...model_io.origin import Origin, Origins
from ...model_io.store import StoreEvent
from ...wire.sync_pair import SyncPair
from ..logs import LOGGER
from .announcements import Announcements
from .directory_snapshot import DirectoryView
from .discards import Discards
from .memory import Memory, MemoryFile, memory_path
from .one_pass import RETRY_SECONDS, PassOptions, run_pass
from .pair_report import result_json, status_json
from .pass_result import PassResult
from .planning import Step
from .reading_time import LINGER_SECONDS
from .store_watch import StoreWatch
from .sweeping import sweep
from .watching import POLL_SECONDS, Watch

T = TypeVar("T")
RESCAN_SECONDS = 3600.0
LOOK_SECONDS = 300.0
_BURST_SECONDS = 2.0
_DISPLACED_SECONDS = 3.0
_FAILED_SECONDS = 60.0
_END_SECONDS = 4.0  # a pass ends between two steps; a step of gigabytes is finished by its thread
_ONCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all pairs of a daemon share."""

    origins: Origins
    state: Path
    options: PassOptions
    threads: Executor
    closed: Callable[[], bool]


class PairRunner:
    """Belongs to the event loop; passes run in a thread, one at a time. ``memory`` is only changed in ``alone``."""

    def __init__(self, pair: SyncPair, shared: Surroundings, *, configured: bool) -> None:
        self.pair = pair
        self.configured = configured
        self.memory = Memory()
        self.file = MemoryFile(memory_path(shared.state, pair.name), pair)
        self.lock = asyncio.Lock()
        self.last: PassResult | None = None
        self.last_time: float | None = None
        self.failure: str | None = None
        self.advice: str | None = None
        self.passes = 0
        self.applied: Counter[str] = Counter()
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._ready = asyncio.Event()
        self._stopping = False
        self.discards = Discards(pair.directory, LINGER_SECONDS)
        self._view = DirectoryView()
        self._announcements = Announcements(pair.name)
        self._looked = 0.0
        self._asked = False
        self._watch = Watch(pair.directory, self._wake_from_thread)
        self._commit = asyncio.Event()
        self._store = StoreWatch(shared.origins, pair, lambda: self._wake_from_thread(self._commit))
        self._full = time.monotonic()

    async def run(self) -> None:
        """Until cancelled. An error is this pair's own: it is logged, reported, and tried again after."""
        try:
            self.memory = await self.in_thread(self.file.read)
            self._ready.set()
            while True:
                delay = await self._attempt() if not self.memory.paused else RESCAN_SECONDS
                await self._wait(delay)
        finally:
            self.stop()

    def wake(self) -> None:
        """A pass is due now."""
        self._woken.set()

    def stop(self) -> None:
        """A pass that is at work ends between two of its steps, and who waits for the memory is told so."""
        self._stopping = True
        self._ready.set()

    async def close(self) -> None:
        """Ends the watching; the task of ``run`` has ended. A file system that hangs is left to its threads: neither a
        pass that was asked for nor what is to be tidied up is waited for longer than ``_END_SECONDS``."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS), self.lock:
                pass
        self._store.stop()
        # Not in the threads of the passes, which may all be held up.
        tidying = asyncio.create_task(asyncio.to_thread(self._tidy_up), name=f"sync end {self.pair.name}")
        await asyncio.wait([tidying], timeout=_END_SECONDS)

    def _tidy_up(self) -> None:
        self.file.close()
        self._watch.stop()
        with contextlib.suppress(OSError):  # out of reach: swept once it is back
            self.discards.remove(at_once=True)

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """No pass runs in the block, and the memory was read. Raises SyncError where the pair has ended meanwhile: what
        it would write, the next pair of its name would take for its own."""
        await self._ready.wait()
        async with self.lock:
            if self._stopping:
                raise SyncError(f"The sync pair '{self.pair.name}' has ended meanwhile.")
            yield

    def status(self) -> dict[str, Any]:
        """See ``docs/sync.md``."""
        return status_json(self, self._watch)

    async def once(self, *, dry_run: bool) -> dict[str, Any]:
        """Passes until nothing is left that waiting mends. Raises SyncError, AccessDeniedError, StoreFailedError."""
        applied: Counter[str] = Counter()
        deadline = time.monotonic() + _ONCE_SECONDS
        while True:
            self._asked = True
            with translated(f"Cannot sync {self.pair.directory}"):
                result = await self._pass(dry_run=dry_run)
            applied += result.applied
            if dry_run or result.again is None or result.again >= RETRY_SECONDS or time.monotonic() > deadline:
                return result_json(self.pair.name, result, applied)
            await asyncio.sleep(result.again)

    async def set_paused(self, paused: bool) -> None:
        """Survives a restart. A paused pair still obeys ``once``."""
        async with self.alone():
            self.memory.paused = paused
            await self.in_thread(self.file.write, self.memory)
        self.wake()

    async def in_thread(self, work: Callable[..., T], *args: Any, **options: Any) -> T:
        """Runs what blocks. Cancelled, it waits for the end all the same: who follows finds no pass at work, and none
        that is still to begin."""
        future = self._loop.run_in_executor(self._shared.threads, lambda: work(*args, **options))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future], timeout=_END_SECONDS)
            future.cancel()
            raise

    async def _attempt(self) -> float:
        """One pass; seconds until the next one."""
        try:
            result = await self._pass(dry_run=False)
        except (TfjsdError, OSError) as error:
            self._fail(str(error), error.hint if isinstance(error, TfjsdError) else None)
            return RETRY_SECONDS / 2
        except Exception:  # noqa: BLE001 (whatever it is, the daemon and the other pairs go on)
            LOGGER.exception("sync: a pass failed inside", extra={"pair": self.pair.name})
            self.failure, self.advice = "a pass failed inside", "the log (tfjsd logs) says how"
            return _FAILED_SECONDS
        self.failure = self.advice = None
        rescan = LOOK_SECONDS * random.uniform(0.75, 1.25)  # noqa: S311 (spreads the load)
        longest = POLL_SECONDS if self._watch.mode == "polling" else rescan
        return min(seconds for seconds in (longest, result.again, self.discards.rest) if seconds is not None)

    def _fail(self, failure: str, advice: str | None) -> None:
        if failure != self.failure:
            LOGGER.warning("sync: the directory is out of reach", extra={"pair": self.pair.name, "error": failure})
        self.failure = failure
        self.advice = None if advice is None else advice.replace(" ID", f" {self.pair.name}")

    async def _pass(self, *, dry_run: bool) -> PassResult:
        async with self.alone():
            if dry_run:
                options = replace(self._shared.options, dry_run=True)
                return await self.in_thread(self._look, copy.deepcopy(self.memory), options)
            result = await self.in_thread(self._look, self.memory, self._shared.options)
            self._commit.clear()  # most likely this pass's own
            self._note(result)
            return result

    def _look(self, memory: Memory, options: PassOptions) -> PassResult:
        """In a thread."""
        places = frozenset[str]() if options.dry_run else self._places()
        origin, touched = self._store.origin(), self._store.touched()
        full = not options.dry_run and time.monotonic() - self._full > RESCAN_SECONDS / 2
        done = False
        try:
            result = run_pass(
                self.pair,
                origin,
                memory,
                self.file,
                options,
                discards=self.discards,
                view=None if options.dry_run else self._view,
                places=places,
                touched=touched | (memory.store.keys() if full else set()),
                report=lambda step: self._publish(origin, step),
                stopping=lambda: self._stopping or self._shared.closed(),
            )
            done = not options.dry_run
        finally:
            if not done:
                self._store.put_back(touched)
                self._view.forget()
        if full or (done and not self.passes):
            self._full = time.monotonic()
            sweep(self.pair.directory, {file.path for known in memory.directory.values() for file in known.files})
        if done:
            self._announcements.tell(result, origin)
        return result

    def _places(self) -> frozenset[str]:
        """Where the directory is to be looked at again. Events may be missing (a hard link, a mapped file), so now and
        then it is everywhere, and so it is where somebody asks for a pass."""
        if self._watch.is_outdated:
            self._watch.start()
        places, now = self._watch.touched(), time.monotonic()
        if places is None or self._asked or now - self._looked > LOOK_SECONDS:
            self._view.forget()
            self._looked, self._asked = now, False
        return places or frozenset()

    def _wake_from_thread(self, *events: asyncio.Event) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the pair
            for event in (*events, self._woken):
                self._loop.call_soon_threadsafe(event.set)

    def _publish(self, origin: Origin, step: Step) -> None:
        done = {"pair": self.pair.name, "action": step.kind, "model": step.model, "to": step.to}
        LOGGER.debug("sync: done", extra={**done, "as": step.name or None})  # a log record has a name of its own
        origin.events.publish(StoreEvent("sync", origin.name, {**done, "name": step.name or None}))

    def _note(self, result: PassResult) -> None:
        self.last, self.last_time = result, time.time()
        self.passes += 1
        self.applied += result.applied
        if result.applied:
            seconds = round(result.seconds, 3)
            LOGGER.info("sync", extra={"pair": self.pair.name, "seconds": seconds, **result.applied})

    async def _wait(self, delay: float) -> None:
        due = time.monotonic() + delay
        while not await _within(min(due - time.monotonic(), _DISPLACED_SECONDS), self._woken):
            if time.monotonic() >= due or (not self.memory.paused and await self.in_thread(self._is_displaced)):
                break
        limit = time.monotonic() + _BURST_SECONDS
        while (rest := self._unrest()) > 0 and time.monotonic() < limit and not await _within(rest, self._commit):
            pass  # each event starts it anew, a commit in the store ends it
        self._woken.clear()

    def _is_displaced(self) -> bool:
        """Whether a side is another one than was watched, which gives no event: the directory was moved or mounted
        over, also below, a restore has given the origin another object."""
        return self._watch.is_outdated or self._store.is_displaced

    def _unrest(self) -> float:
        """Seconds until the last event is long enough ago. A commit in the store need not rest."""
        return self._watch.last + self._shared.options.settle - time.monotonic()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Waits for the event; whether it came."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
