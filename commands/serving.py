"""``tfjsd serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .invocation import Invocation


def run(invocation: Invocation) -> int:
    """Runs the daemon in this process until it is told to end.

    Raises:
        HomeInUseError: another process owns the home (exit code 75).
        ConfigurationError: ``--http`` names no loopback address, or a port that is taken.
    """
    arguments = invocation.arguments
    from ..daemon.main import ServeOptions, main

    flags = {
        "home": arguments.text("--home"),
        "socket": arguments.text("--socket"),
        "origin": arguments.text("--origin"),
        "http": arguments.text("--http"),
        "browser": arguments.text("--browser"),
        "idle_exit": arguments.text("--idle-exit"),
    }
    descriptor = arguments.number("--ready-fd")
    return main(ServeOptions(flags, detached=arguments.flag("--detached"), ready_descriptor=descriptor))
