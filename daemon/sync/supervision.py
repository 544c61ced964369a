"""All pairs of a daemon, each at work on its own: where they are written down, and what is asked of them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from ...errors import BadRequestError, SyncError, SyncPairNotFoundError, TfjsdError, UnsupportedFormatError
from ...model_io.model_files import translated
from ...model_io.origin import Origins
from ...storage_backends import durable
from ...wire.sync_pair import KEEP, Keep, SyncPair
from ..activity import Activity
from ..logs import LOGGER
from .conflict_resolution import decide, settle_copies
from .memory import memory_path
from .mount_guard import accept_directory
from .one_pass import PassOptions
from .overlap import feed_each_other
from .pair_runner import PairRunner, Surroundings

REGISTER_FORMAT = 1
_THREADS = 2
_ADVICE = "mend the file or move it away (its pairs are then to be added again), and tfjsd restart"


class Synchronizer:
    """Belongs to the event loop. Without pairs it has no thread, no file and no watcher."""

    def __init__(self, home: Path, origins: Origins, activity: Activity, options: PassOptions) -> None:
        self._home = home
        self._origins = origins
        self._activity = activity
        self._options = options
        self._runners: dict[str, PairRunner] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._threads: Executor | None = None
        self._changing = asyncio.Lock()
        """Held while a pair comes or goes: what was checked, and what stands in the register, is then still so."""
        self.damage: UnsupportedFormatError | None = None

    async def start(self, configured: Iterable[SyncPair]) -> None:
        """Starts the pairs of the configuration and of the register. With a register that cannot be read the store goes
        on without its pairs, says so (``damage``), and takes no others, which would overwrite it."""
        try:
            for pair in _read_register(self._register):
                self._begin(pair, configured=False)
        except UnsupportedFormatError as error:
            self.damage = error
            LOGGER.error("sync: the register of the pairs cannot be read", extra={"error": str(error)})
        await self.configure(configured)

    async def configure(self, configured: Iterable[SyncPair]) -> None:
        """The configuration's pairs are these from now on."""
        wanted = {pair.name: pair for pair in configured}
        async with self._changing:
            for name, runner in list(self._runners.items()):
                is_other = wanted.get(name) != runner.pair if runner.configured else name in wanted
                if is_other:
                    await self._end(name)
            for name, pair in wanted.items():
                if name not in self._runners:
                    self._begin_configured(pair)

    def _begin_configured(self, pair: SyncPair) -> None:
        """One that cannot be had is reported: the others, and the daemon, go on."""
        try:
            self._check(pair)
        except TfjsdError as error:
            LOGGER.error("sync: a pair of the configuration is refused", extra={"pair": pair.name, "error": str(error)})
        else:
            self._begin(pair, configured=True)

    async def stop(self) -> None:
        """Ends all pairs, each between two steps."""
        await asyncio.gather(*(self._end(name) for name in list(self._runners)))
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    def get(self, name: str) -> PairRunner:
        """Raises SyncPairNotFoundError."""
        runner = self._runners.get(name)
        if runner is None:
            raise SyncPairNotFoundError(f"There is no sync pair '{name}'.", hint="tfjsd sync list shows them")
        return runner

    async def add(self, pair: SyncPair) -> tuple[PairRunner, bool]:
        """Durable on return; and whether the directory was made for it. Raises SyncError, BadRequestError for a
        directory that overlaps with the home or is none, UnsupportedFormatError for a damaged register,
        QuotaExceededError (unit ``disk``), AccessDeniedError, StoreFailedError."""
        self._require_register()
        self._check(pair)
        created = await asyncio.to_thread(_make, pair.directory)  # a file system that hangs keeps no others waiting
        async with self._changing:
            self._check(pair)
            await asyncio.to_thread(_forget, memory_path(self._register.parent, pair.name))
            await self._write_register([*self._registered(), pair])
            return self._begin(pair, configured=False), created

    async def remove(self, name: str) -> None:
        """Forgets the pair, durably; both sides keep what they hold.

        Raises SyncPairNotFoundError, BadRequestError for one of the configuration, and as ``add`` where the register
        cannot be written: the pair goes on then.
        """
        self._require_register()
        async with self._changing:
            runner = self.get(name)
            if runner.configured:
                raise BadRequestError(f"The pair '{name}' stands in config.toml.", hint="take it out there and reload")
            await self._write_register([pair for pair in self._registered() if pair.name != name])
            await self._end(name)
            await asyncio.to_thread(runner.file.remove)

    async def approve(self, name: str) -> int:
        """Lets the deletions pass that are held; how many. What is deleted later needs an approval of its own. The
        directory is the right one from now on, as it is mounted now."""
        runner = self.get(name)
        async with runner.alone():
            await runner.in_thread(accept_directory, runner.pair.directory, runner.memory)
        await runner.once(dry_run=False)
        async with runner.alone():
            held = () if runner.last is None else runner.last.plan.held
            runner.memory.approved |= {(step.model, step.digest) for step in held}
            await runner.in_thread(runner.file.write, runner.memory)
        runner.wake()
        return len(held)

    async def resolve(self, name: str, model: object, keep: object) -> None:
        """Raises BadRequestError where the model has no conflict."""
        runner = self.get(name)
        if not isinstance(model, str) or keep not in KEEP:
            raise BadRequestError('"model" must be a text and "keep" dir, store or both')
        async with runner.alone():
            memory, dispute = runner.memory, None if runner.last is None else runner.last.plan.conflicts.get(model)
            if dispute is not None:
                decide(memory, model, cast(Keep, keep), dispute)
            else:
                origin = self._origins.get(runner.pair.origin)
                await runner.in_thread(settle_copies, runner.pair, origin, memory, runner.discards, model, keep)
            await runner.in_thread(runner.file.write, memory)
        runner.wake()

    def status(self) -> dict[str, Any]:
        """Name to status."""
        return {name: runner.status() for name, runner in sorted(self._runners.items())}

    # -- Inside --------------------------------------------------------------------------------------------------------

    @property
    def _register(self) -> Path:
        return self._home / "sync" / "pairs.json"

    def _require_register(self) -> None:
        if self.damage is not None:
            raise self.damage

    def _check(self, pair: SyncPair) -> None:
        real, home = os.path.realpath(pair.directory), os.path.realpath(self._home)
        if os.path.commonpath([real, home]) in (real, home):
            raise BadRequestError(f"{pair.directory} overlaps with the daemon's own data in {home}.")
        for name, runner in self._runners.items():
            other = runner.pair
            if name == pair.name:
                raise SyncError(f"There is a sync pair '{name}' already.", hint="choose another --name")
            if (other.directory, other.prefix, other.origin) == (pair.directory, pair.prefix, pair.origin):
                raise SyncError(f"The sync pair '{name}' has the same directory and prefix.")
            if feed_each_other(other, pair):
                raise SyncError(
                    f"The sync pair '{name}' shares files and models with this one, and gives them other names.",
                    hint="two pairs may share directories or a part of the store, not both",
                )

    def _begin(self, pair: SyncPair, *, configured: bool) -> PairRunner:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tfjsd-sync")
            durable.make_directory(self._register.parent)
        shared = Surroundings(self._origins, self._register.parent, self._options, self._threads, self._refusing)
        runner = PairRunner(pair, shared, configured=configured)
        self._runners[pair.name] = runner
        task = asyncio.create_task(runner.run(), name=f"sync {pair.name}")
        task.add_done_callback(_log_end(pair.name))
        self._tasks[pair.name] = task
        self._activity.pairs = len(self._runners)
        return runner

    def _refusing(self) -> bool:
        return self._activity.refusing

    async def _end(self, name: str) -> None:
        if name not in self._runners:  # it is being ended: the daemon stops while the pair is removed
            return
        runner, task = self._runners.pop(name), self._tasks.pop(name)
        runner.stop()
        task.cancel()
        await asyncio.wait([task])  # what it may have failed with was logged then
        await runner.close()
        self._activity.pairs = len(self._runners)

    def _registered(self) -> list[SyncPair]:
        return [runner.pair for runner in self._runners.values() if not runner.configured]

    async def _write_register(self, pairs: Iterable[SyncPair]) -> None:
        await asyncio.to_thread(_write_register, self._register, sorted(pairs, key=lambda pair: pair.name))


def _make(directory: Path) -> bool:
    """Whether it was missing."""
    with translated(f"Cannot use {directory}"):
        was_there = directory.is_dir()
        durable.make_directory(directory, mode=0o777)
    if not directory.is_dir():
        raise BadRequestError(f"{directory} is no directory.")
    return not was_there


def _forget(memory: Path) -> None:
    """What a pair of this name left, the new one must not take for its own: it would delete what is missing since."""
    with translated("Cannot write down the sync pairs"):
        durable.unlink(memory)  # durable with the register, which is in the same directory


def _read_register(register: Path) -> list[SyncPair]:
    """Raises UnsupportedFormatError for one that is damaged or a newer version's."""
    try:
        content = json.loads(register.read_bytes())
        if content["format"] != REGISTER_FORMAT:
            raise UnsupportedFormatError(f"{register} was written by another version", hint=_ADVICE)
        return [SyncPair.of(pair, origin=pair["origin"]) for pair in content["pairs"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError, BadRequestError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise UnsupportedFormatError(f"{register} is damaged: {what}", hint=_ADVICE) from error


def _write_register(register: Path, pairs: Iterable[SyncPair]) -> None:
    """Durable on return, the old one or this one at any crash. Raises as ``Synchronizer.add``."""
    content = {"format": REGISTER_FORMAT, "pairs": [pair.to_json() for pair in pairs]}
    with translated("Cannot write down the sync pairs"):
        durable.make_directory(register.parent)
        durable.write_file(register, json.dumps(content, indent=2).encode() + b"\n")


def _log_end(name: str) -> Callable[[asyncio.Task[None]], None]:
    def log(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            LOGGER.error("sync: a pair has ended", extra={"pair": name}, exc_info=error)

    return log
