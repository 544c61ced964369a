"""``tfjsd status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import render
from .pair_health import pair_health, states

if TYPE_CHECKING:
    from ..model_io.store import StorageEstimate
    from .invocation import Invocation


def run(invocation: Invocation) -> int:
    """Shows the daemon that runs.

    Raises:
        DaemonUnavailableError: none does (exit code 69).
    """
    with invocation.connect_in_need() as store:
        status, origins = store.status(), store.origins()
        pairs = pair_health(store) if status.get("sync_pairs") else {}
    document = status | usage(origins) | {"pairs": pairs}
    if invocation.output.json:
        invocation.output.document(document)
    else:
        for name, text in _lines(document):
            invocation.output.line(f"{invocation.output.paint(f'{name}:'.ljust(10), 'bold')}{text}")
    return 0


def usage(origins: dict[str, StorageEstimate]) -> dict[str, int]:
    """Sums over all origins."""
    return {
        "origins": len(origins),
        "models": sum(origin.models or 0 for origin in origins.values()),
        "usage": sum(_bytes(origin) for origin in origins.values()),
    }


def _bytes(origin: StorageEstimate) -> int:
    """All of it: what a browser counts as an origin's usage may leave localStorage out."""
    return max(origin.usage, sum(origin.usage_details.values()))


def _lines(status: dict[str, Any]) -> list[tuple[str, str]]:
    idle, pairs = status["idle_exit"], status.get("sync_pairs", 0)
    ends = f", ends when idle for {render.duration(idle)}" if idle and not pairs else ""
    return [
        ("tfjsd", f"{status['version']}, protocol {status['protocol']}"),
        ("process", f"{status['pid']}, up {render.duration(status['uptime']).lower()}{ends}"),
        ("home", render.printable(status["home"])),
        ("socket", render.printable(f"unix://{status['socket']}")),
        *([("http", status["http"])] if status["http"] else []),
        ("browser", status["browser"]),
        (
            "stores",
            f"{render.counted(status['models'], 'model')} in {render.counted(status['origins'], 'origin')}, "
            f"{render.size(status['usage'])}",
        ),
        ("sync", states(status["pairs"], pairs)),
        (
            "clients",
            f"{render.counted(status['connections'], 'connection')}, "
            f"{render.counted(status['subscribers'], 'subscriber')}, {render.counted(status['requests'], 'request')}",
        ),
        *_health(status),
    ]


def _health(status: dict[str, Any]) -> list[tuple[str, str]]:
    concerns = [(name, pair["concern"]) for name, pair in status["pairs"].items() if pair["concern"]]
    damage = status.get("sync_error")
    lines = [f"no sync pairs: {render.printable(damage)}"] if damage else []
    lines += [f"{name}: {render.printable(concern)} (tfjsd sync show {name})" for name, concern in concerns]
    return [("health", line) for line in lines or ["nothing waits for a hand"]]
