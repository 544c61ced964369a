"""Samples of one operation, and how two series compare."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Series:
    """Seconds (or another unit, if the row says so) of one operation, in the order in which they were measured."""

    name: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def ratio(self, limit: Series) -> Series:
        """This by ``limit``, round by round: a machine that slows for a while slows both."""
        pairs = zip(self.samples, limit.samples, strict=True)
        return Series(f"{self.name} / {limit.name}", tuple(mine / theirs for mine, theirs in pairs))

    def scaled(self, factor: float) -> Series:
        return Series(self.name, tuple(sample * factor for sample in self.samples))


Operation = Callable[[int], float | None]
"""Gets the round's number (from -1, which is not counted); gives its seconds, or None if the whole call is the time."""


def interleave(operations: Mapping[str, Operation], rounds: int) -> dict[str, Series]:
    """Each operation once a round, after one round that warms up and is not counted.

    Their order is another one in each round: who follows a large write finds other memory than who comes after that.
    """
    samples: dict[str, list[float]] = {name: [] for name in operations}
    order, chance = list(operations), Random(0)
    for number in range(-1, rounds):
        for name in order:
            seconds = timed(operations[name], number)
            if number >= 0:
                samples[name].append(seconds)
        chance.shuffle(order)
    return {name: Series(name, tuple(values)) for name, values in samples.items()}


def timed(operation: Operation, number: int) -> float:
    gc.collect()
    started = time.perf_counter()
    own = operation(number)
    elapsed = time.perf_counter() - started
    return elapsed if own is None else own
