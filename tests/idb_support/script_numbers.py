"""Numbers of JavaScript that JSON cannot say."""

from __future__ import annotations

import math

NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}


def name_of(value: float) -> str | None:
    """What stands for the number where JSON has no way to say it; None where it has one."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return "-0" if value == 0 and math.copysign(1, value) < 0 else None
