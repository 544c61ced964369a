"""SIGTERM unwinds a command as Ctrl-C does: what it was writing under a temporary name is removed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM has come; not an error of the command's, and nothing that it handles.

    A KeyboardInterrupt, as that and SystemExit are all that asyncio lets out of a callback.
    """


def terminable() -> None:
    """From now on SIGTERM raises Terminated, once: the next one ends the process at once. Where the caller has it
    ignored, it stays so."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    raise Terminated
