"""Counters in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import resource
import sys
import time

from .activity import Activity


def metrics_text(activity: Activity, connections: int) -> str:
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
    return "\n".join([*lines, ""])


def _peak_resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # getrusage(2): kilobytes on Linux
