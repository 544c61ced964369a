"""``service``: the daemon under the service manager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Command, Example, Option

if TYPE_CHECKING:
    from .invocation import Invocation


def _install(invocation: Invocation) -> int:
    from .service_installation import install

    return install(invocation)


def _remove(invocation: Invocation) -> int:
    from .service_installation import remove

    return remove(invocation)


def _status(invocation: Invocation) -> int:
    from .service_installation import status

    return status(invocation)


COMMANDS = (
    Command(
        "service",
        "have the service manager run the daemon",
        description="systemd or launchd: for the user, or as root for the whole system.",
        examples=(
            Example("tfjsd service install"),
            Example("sudo tfjsd service install", "a store for a group of users"),
        ),
        children=(
            Command(
                "install",
                "install the service, start it, and have it started again",
                _install,
                options=(
                    Option("--http", "also listen on loopback TCP, for web pages", "127.0.0.1:PORT"),
                    Option("--dry-run", "print the files, change nothing"),
                ),
                description="The user's service, from login on; as root the system's. A running daemon is ended first.",
                examples=(Example("tfjsd service install"), Example("tfjsd service install --dry-run")),
            ),
            Command(
                "remove",
                "stop the service and remove its files; the store stays",
                _remove,
                examples=(Example("tfjsd service remove"),),
            ),
            Command(
                "status",
                "show whether the service is installed and running",
                _status,
                description="Exits 1 where it is not running.",
                examples=(Example("tfjsd service status"),),
            ),
        ),
    ),
)
