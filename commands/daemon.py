"""``serve``, ``start``, ``stop``, ``restart``, ``status``, ``logs``, ``doctor``, ``events``: the daemon's life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import Command, Example, Option

if TYPE_CHECKING:
    from .invocation import Invocation


def _serve(invocation: Invocation) -> int:
    from .serving import run

    return run(invocation)


def _start(invocation: Invocation) -> int:
    from .lifecycle import start

    return start(invocation)


def _stop(invocation: Invocation) -> int:
    from .lifecycle import stop

    return stop(invocation)


def _restart(invocation: Invocation) -> int:
    from .lifecycle import restart

    return restart(invocation)


def _status(invocation: Invocation) -> int:
    from .status import run

    return run(invocation)


def _logs(invocation: Invocation) -> int:
    from .logs import run

    return run(invocation)


def _doctor(invocation: Invocation) -> int:
    from .doctor import run

    return run(invocation)


def _events(invocation: Invocation) -> int:
    from .events import run

    return run(invocation)


COMMANDS = (
    Command(
        "serve",
        "run the daemon in the foreground",
        _serve,
        options=(
            Option("--http", "also listen on loopback TCP, for web pages; they need its token", "127.0.0.1:PORT"),
            Option(
                "--browser",
                "whose quotas, key order and error texts the stores show",
                "NAME",
                choices=("chrome", "firefox", "safari", "unlimited"),
            ),
            Option("--idle-exit", "end after so many seconds without a request; 0: never", "SECONDS"),
            Option("--ready-fd", "for who starts it: write ready, or the error, to this descriptor", "FD"),
            Option("--detached", "for who starts it: log to the home's log file"),
        ),
        description="""\
It ends on SIGTERM or Ctrl-C, within five seconds and with everything that it acknowledged on disk. A second daemon on
one home exits 75.""",
        examples=(
            Example("tfjsd serve"),
            Example("tfjsd serve --http 127.0.0.1:8765", "for web pages as well; see tfjsd token"),
            Example("tfjsd serve --home ./store --browser safari", "a store of its own, with Safari's limits"),
        ),
    ),
    Command(
        "start",
        "start the daemon in the background",
        _start,
        options=(Option("--wait", "wait as long as it takes; otherwise at most 30 seconds"),),
        description="Other commands do so by themselves. A daemon so started ends after ten idle minutes.",
        examples=(Example("tfjsd start"), Example("tfjsd start --home ./store --wait")),
    ),
    Command(
        "stop",
        "end the daemon; what it acknowledged is on disk",
        _stop,
        examples=(Example("tfjsd stop"),),
    ),
    Command("restart", "stop the daemon and start it again", _restart, examples=(Example("tfjsd restart"),)),
    Command(
        "status",
        "show whether the daemon runs, where, and what it holds",
        _status,
        description="Never starts the daemon; exits 69 where none runs.",
        examples=(Example("tfjsd status"), Example("tfjsd status --json | jq .pid")),
    ),
    Command(
        "logs",
        "print the log of the daemon in the background",
        _logs,
        options=(
            Option("--follow", "go on printing what is written", short="-f"),
            Option("--lines", "only the last N lines", "N", short="-n"),
        ),
        description="With --json each line as it was logged. A daemon under systemd logs to the journal instead.",
        examples=(Example("tfjsd logs -n 20"), Example("tfjsd logs -f")),
    ),
    Command(
        "doctor",
        "check the home, the socket, the disk and the installation, and say what to do",
        _doctor,
        description="Never starts the daemon. Exits 1 where something needs mending.",
        examples=(Example("tfjsd doctor"),),
    ),
    Command(
        "events",
        "print what is committed in the origin, as it happens",
        _events,
        description="Until Ctrl-C. With --json one JSON object per line.",
        examples=(Example("tfjsd events"), Example("tfjsd events --json | jq -r .data.url")),
    ),
)
