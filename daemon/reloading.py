"""SIGHUP: the configuration is read again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ..errors import ConfigurationError
from ..wire.configuration import Configuration
from . import logs
from .guard import Guard
from .notification import Notifier
from .service import Service

RELOADED: Final = (
    "access.users",
    "access.groups",
    "access.origins",
    "sync.pairs",
    "sync.users",
    "log.format",
    "log.level",
)
"""What takes effect without a restart."""
_CLIENTS: Final = ("autostart",)
"""Settings that no daemon looks at."""


async def reload(service: Service, load: Callable[[], Configuration], notifier: Notifier) -> None:
    """Takes over what may change (RELOADED); names in the log what only a restart changes."""
    notifier.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        configuration = load()
        guard = Guard.of(configuration)
    except ConfigurationError as error:
        logs.LOGGER.error("the configuration is wrong; the old one stays in force", extra={"error": str(error)})
    else:
        service.guard.become(guard)
        service.connections.cut_admitted(origins=service.web_guard.admit_origins(configuration["access.origins"]))
        logs.configure(configuration["log.format"], configuration["log.level"])
        await service.synchronizer.configure(configuration["sync.pairs"])
        _tell(service.configuration, configuration)
    notifier.notify("READY=1")


def _tell(old: Configuration, new: Configuration) -> None:
    later = [name for name, setting in new if name not in (*RELOADED, *_CLIENTS) and setting.value != old[name]]
    logs.LOGGER.info("read the configuration again", extra={"needs_restart": later} if later else {})
