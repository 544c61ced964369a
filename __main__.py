"""The process ``tfjsd``, also ``python -m tfjsd``: what a signal does to it from its first line on.

This module is the entry point, and loads nothing itself: Ctrl-C may come while the command's modules are loaded.
"""

from __future__ import annotations

INTERRUPTED = 130


def main() -> int:
    """Runs the command of this process; returns its exit code. SIGTERM ends it as ever, but tidied up."""
    try:
        import signal

        from tfjsd.cli import main
        from tfjsd.commands.termination import Terminated, terminable

        terminable()
        try:
            return main()
        except Terminated:
            signal.raise_signal(signal.SIGTERM)
            raise
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main())
