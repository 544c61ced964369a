"""What one pass saw and did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from .planning import Plan


@dataclass(slots=True)
class PassResult:
    """What one pass saw and did. ``stale``: models that changed meanwhile; ``again``: seconds until the next pass is
    due, None where only a change makes one so."""

    plan: Plan
    seconds: float = 0.0
    models: dict[str, int] = field(default_factory=dict)
    read: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    stale: dict[str, str] = field(default_factory=dict)
    again: float | None = None

    @property
    def problems(self) -> dict[str, str]:
        """Models that need a hand, and why."""
        unready = {model: why.reason for model, why in self.plan.waiting.items() if why.problem}
        return {**unready, **self.failures}

    @property
    def pending(self) -> dict[str, str]:
        """Models that only need time."""
        return {**{model: why.reason for model, why in self.plan.waiting.items() if not why.problem}, **self.stale}

    @property
    def clean(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.problems or self.pending or self.plan.held or self.plan.conflicts)
