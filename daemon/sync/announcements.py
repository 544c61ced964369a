"""What of a pass is told once, when it begins to wait for a hand: in the log, and to subscribers."""

from __future__ import annotations

from ...model_io.origin import Origin
from ...model_io.store import StoreEvent
from ..logs import LOGGER
from .pass_result import PassResult


class Announcements:
    """Of one pair. What a pass before has found as well is not told again; after a restart it is."""

    def __init__(self, pair: str) -> None:
        self._pair = pair
        self._problems: dict[str, str] = {}
        self._conflicts: set[str] = set()
        self._held: set[tuple[str, str]] = set()

    def tell(self, result: PassResult, origin: Origin) -> None:
        """In the thread of the pass: log lines, and events of type ``sync`` with the actions ``problem``, ``conflict``
        and ``held``."""
        self._tell_problems(result, origin)
        self._tell_conflicts(result, origin)
        self._tell_held(result, origin)

    def _tell_problems(self, result: PassResult, origin: Origin) -> None:
        before, self._problems = self._problems, result.problems
        for model, problem in self._problems.items():
            if before.get(model) != problem:
                extra = {"pair": self._pair, "model": model, "problem": problem}
                LOGGER.warning("sync: a model waits for a hand", extra=extra)
                self._publish(origin, "problem", model)

    def _tell_conflicts(self, result: PassResult, origin: Origin) -> None:
        before, self._conflicts = self._conflicts, {*result.plan.conflicts}
        for model in sorted(self._conflicts - before):
            LOGGER.warning("sync: a conflict waits for a decision", extra={"pair": self._pair, "model": model})
            self._publish(origin, "conflict", model)

    def _tell_held(self, result: PassResult, origin: Origin) -> None:
        """One line for all of them: they come in masses."""
        before, self._held = self._held, {(step.model, str(step.to)) for step in result.plan.held}
        new = sorted(self._held - before)
        if new:
            extra = {"pair": self._pair, "deletions": len(self._held), "model": new[0][0]}
            LOGGER.warning("sync: deletions are held", extra=extra)
        for model, to in new:
            self._publish(origin, "held", model, to)

    def _publish(self, origin: Origin, action: str, model: str, to: str | None = None) -> None:
        data = {"pair": self._pair, "action": action, "model": model, "to": to, "name": None}
        origin.events.publish(StoreEvent("sync", origin.name, data))
