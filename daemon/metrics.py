"""Counters in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .activity import Activity

_SYNC_METRICS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], object]], ...] = (
    ("tfjsd_sync_up", "gauge", lambda status: int(status["error"] is None)),
    ("tfjsd_sync_paused", "gauge", lambda status: int(status["state"] == "paused")),
    ("tfjsd_sync_models", "gauge", lambda status: status["models"]["known"]),
    ("tfjsd_sync_pending", "gauge", lambda status: len(status["pending"])),
    ("tfjsd_sync_problems", "gauge", lambda status: len(status["problems"])),
    ("tfjsd_sync_held_deletions", "gauge", lambda status: len(status["held"])),
    ("tfjsd_sync_conflicts", "gauge", lambda status: len(status["conflicts"])),
    ("tfjsd_sync_conflict_copies", "gauge", lambda status: sum(map(len, status["conflict_copies"].values()))),
    ("tfjsd_sync_last_pass_seconds", "gauge", lambda status: status["last_seconds"] or 0),
    ("tfjsd_sync_passes_total", "counter", lambda status: status["passes"]),
)


def metrics_text(activity: Activity, connections: int, pairs: Mapping[str, Mapping[str, Any]]) -> str:
    """One sample per line, names and labels as Prometheus wants them."""
    lines = [
        "# TYPE tfjsd_uptime_seconds gauge",
        f"tfjsd_uptime_seconds {time.monotonic() - activity.started:.3f}",
        "# TYPE tfjsd_connections gauge",
        f"tfjsd_connections {connections}",
        "# TYPE tfjsd_requests_running gauge",
        f"tfjsd_requests_running {activity.running}",
        "# TYPE tfjsd_subscribers gauge",
        f"tfjsd_subscribers {activity.holders}",
        "# TYPE tfjsd_resident_bytes_max gauge",
        f"tfjsd_resident_bytes_max {_peak_resident_bytes()}",
        "# TYPE tfjsd_answers_total counter",
    ]
    for (route, status), count in sorted(activity.answers.items()):
        lines.append(f'tfjsd_answers_total{{route="{route}",status="{status}"}} {count}')
    lines.append("# TYPE tfjsd_answer_seconds_total counter")
    for route, seconds in sorted(activity.seconds.items()):
        lines.append(f'tfjsd_answer_seconds_total{{route="{route}"}} {seconds:.6f}')
    return "\n".join([*lines, *_sync_lines(pairs), ""])


def _sync_lines(pairs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """``pairs``: name to status, as ``/v1/sync`` has it."""
    for metric, kind, value in _SYNC_METRICS if pairs else ():
        yield f"# TYPE {metric} {kind}"
        for name, status in pairs.items():
            yield f'{metric}{{pair="{name}"}} {value(status)}'
    if pairs:
        yield "# TYPE tfjsd_sync_applied_total counter"
    for name, status in pairs.items():
        for action, count in sorted(status["applied"].items()):
            yield f'tfjsd_sync_applied_total{{pair="{name}",action="{action}"}} {count}'


def _peak_resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # getrusage(2): kilobytes on Linux
