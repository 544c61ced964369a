"""``tfjsd serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NotInThisVersionError

if TYPE_CHECKING:
    from .invocation import Invocation


def run(invocation: Invocation) -> int:
    """Runs the daemon in this process until it is told to end.

    Raises:
        HomeInUseError: another process owns the home (exit code 75).
        NotInThisVersionError: ``--http``.
    """
    arguments = invocation.arguments
    if arguments.text("--http") is not None:
        raise NotInThisVersionError("serve --http is not in this version of tfjsd")
    from ..daemon.main import ServeOptions, main

    flags = {
        "home": arguments.text("--home"),
        "socket": arguments.text("--socket"),
        "origin": arguments.text("--origin"),
        "browser": arguments.text("--browser"),
        "idle_exit": arguments.text("--idle-exit"),
    }
    descriptor = arguments.number("--ready-fd")
    return main(ServeOptions(flags, detached=arguments.flag("--detached"), ready_descriptor=descriptor))
