"""What the daemon says of itself."""

from __future__ import annotations

import os
import time

from aiohttp import web

from ... import __version__
from ...wire.protocol import PROTOCOL
from ..metrics import metrics_text
from ..service import Call, json_answer
from . import readable


async def status(call: Call) -> web.StreamResponse:
    """``idle``: nothing but this request is going on."""
    service = call.service
    return json_answer(
        {
            "pid": os.getpid(),
            "version": __version__,
            "protocol": PROTOCOL,
            "home": os.fspath(service.address.home),
            "socket": os.fspath(service.address.socket),
            "http": None if service.loopback is None else service.loopback.url,
            "browser": service.configuration["browser"],
            "uptime": round(time.monotonic() - service.activity.started, 3),
            "autostarted": service.autostarted,
            "idle_exit": service.configuration["idle_exit"],
            "idle": service.activity.running <= 1 and not service.activity.holders and not service.activity.pairs,
            "requests": service.activity.requests,
            "running": service.activity.running,
            "connections": len(service.connections),
            "subscribers": service.activity.holders,
            "sync_pairs": service.activity.pairs,
            "sync_error": None if (damage := service.synchronizer.damage) is None else str(damage),
        }
    )


async def healthz(_call: Call) -> web.StreamResponse:
    return json_answer({"status": "ok"})


async def metrics(call: Call) -> web.StreamResponse:
    """Prometheus' text format."""
    return web.Response(
        text=metrics_text(call.service.activity, len(call.service.connections), call.service.synchronizer.status())
    )


async def openapi(_call: Call) -> web.StreamResponse:
    from ..openapi import document

    return json_answer(document())


ROUTES = (
    *readable("/v1/status", status),
    *readable("/healthz", healthz),
    *readable("/metrics", metrics),
    *readable("/openapi.json", openapi),
)
