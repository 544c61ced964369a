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

_HELP = {
    "tfjsd_sync_up": "0 while the pair's directory is out of reach",
    "tfjsd_sync_paused": "1 while the pair is paused",
    "tfjsd_sync_models": "models that are equal on both sides",
    "tfjsd_sync_pending": "models that only need time",
    "tfjsd_sync_problems": "models that need a hand",
    "tfjsd_sync_held_deletions": "deletions that wait for approval",
    "tfjsd_sync_conflicts": "conflicts that wait for a decision",
    "tfjsd_sync_conflict_copies": "versions that were kept under another name",
    "tfjsd_sync_last_pass_seconds": "how long the last pass took",
    "tfjsd_sync_passes_total": "passes",
    "tfjsd_uptime_seconds": "since the daemon was started",
    "tfjsd_connections": "open connections",
    "tfjsd_requests_running": "requests that are being answered",
    "tfjsd_subscribers": "readers of /v1/events",
    "tfjsd_resident_bytes_max": "the most memory that was resident",
    "tfjsd_answers_total": "by route and status",
    "tfjsd_answer_seconds_total": "by route",
    "tfjsd_sync_applied_total": "steps by action",
}


def metrics_text(activity: Activity, connections: int, pairs: Mapping[str, Mapping[str, Any]]) -> str:
    """One sample per line, names and labels as Prometheus wants them."""
    lines = [
        *_head("tfjsd_uptime_seconds", "gauge"),
        f"tfjsd_uptime_seconds {time.monotonic() - activity.started:.3f}",
        *_head("tfjsd_connections", "gauge"),
        f"tfjsd_connections {connections}",
        *_head("tfjsd_requests_running", "gauge"),
        f"tfjsd_requests_running {activity.running}",
        *_head("tfjsd_subscribers", "gauge"),
        f"tfjsd_subscribers {activity.holders}",
        *_head("tfjsd_resident_bytes_max", "gauge"),
        f"tfjsd_resident_bytes_max {_peak_resident_bytes()}",
        *_head("tfjsd_answers_total", "counter"),
    ]
    for (route, status), count in sorted(activity.answers.items()):
        lines.append(f'tfjsd_answers_total{{route="{route}",status="{status}"}} {count}')
    lines.extend(_head("tfjsd_answer_seconds_total", "counter"))
    for route, seconds in sorted(activity.seconds.items()):
        lines.append(f'tfjsd_answer_seconds_total{{route="{route}"}} {seconds:.6f}')
    return "\n".join([*lines, *_sync_lines(pairs), ""])


def _head(metric: str, kind: str) -> tuple[str, str]:
    return f"# HELP {metric} {_HELP[metric]}", f"# TYPE {metric} {kind}"


def _sync_lines(pairs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """``pairs``: name to status, as ``/v1/sync`` has it."""
    for metric, kind, value in _SYNC_METRICS if pairs else ():
        yield from _head(metric, kind)
        for name, status in pairs.items():
            yield f'{metric}{{pair="{name}"}} {value(status)}'
    if pairs:
        yield from _head("tfjsd_sync_applied_total", "counter")
    for name, status in pairs.items():
        for action, count in sorted(status["applied"].items()):
            yield f'tfjsd_sync_applied_total{{pair="{name}",action="{action}"}} {count}'


def _peak_resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # getrusage(2): kilobytes on Linux
