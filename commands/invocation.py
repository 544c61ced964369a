"""One run of one command: its arguments, its output, and the store, connected to when first asked for."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ..client import Client
    from ..wire.configuration import Configuration
    from .arguments import Arguments
    from .output import Output


class Connect(Protocol):
    """``tfjsd.connect``, or what a test puts in its place."""

    def __call__(self, target: str | None, *, home: str | None, origin: str | None, autostart: bool) -> Client: ...


class Invocation:
    """What a command's function gets. As a context manager it closes the store."""

    def __init__(self, arguments: Arguments, output: Output, connect: Connect) -> None:
        self.arguments = arguments
        self.output = output
        self._connect = connect
        self._client: Client | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def store(self) -> Client:
        """The daemon's client; starts the daemon where that is allowed.

        Raises:
            DaemonUnavailableError: none runs and none was started.
            HomeInUseError: the daemon that answers has another home.
        """
        if self._client is None:
            autostart = not self.arguments.flag("--no-autostart")
            self._client = self._open.enter_context(self.connect(autostart=autostart))
            self.output.trace(f"connected: {self._client!r}")
        return self._client

    def connect(self, *, autostart: bool) -> Client:
        """A connection of its own, for verbs that never start the daemon."""
        arguments = self.arguments
        return self._connect(
            arguments.text("--socket"),
            home=arguments.text("--home"),
            origin=arguments.text("--origin"),
            autostart=autostart,
        )

    def connect_for(self, words: list[str]) -> Client:
        """A connection as another command line's global options ask for it, without starting a daemon."""
        given = dict(pairwise(words)) | {
            name: value for name, _, value in (word.partition("=") for word in words) if value
        }
        arguments = self.arguments
        return self._connect(
            given.get("--socket", arguments.text("--socket")),
            home=given.get("--home", arguments.text("--home")),
            origin=given.get("--origin", arguments.text("--origin")),
            autostart=False,
        )

    def connect_in_need(self) -> Client:
        """A connection for the verbs that help where something is wrong, with a configuration file, too: what is wrong
        in it is noted and left out. Starts no daemon."""
        try:
            return self.connect(autostart=False)
        except ConfigurationError:
            from ..client.client import connect_configured

            return connect_configured(self.configuration_in_need(), autostart=False)

    def configuration(self) -> Configuration:
        """Flags, environment, configuration files.

        Raises:
            ConfigurationError: one of them is wrong.
        """
        from ..wire.configuration import Configuration

        return Configuration.load(self._settings())

    def configuration_in_need(self) -> Configuration:
        """The same, without what is wrong in the files, which is noted.

        Raises:
            ConfigurationError: a flag or a variable is wrong.
        """
        from ..wire.configuration import Configuration

        def note(mistake: ConfigurationError) -> None:
            self.output.note(f"left out: {mistake}")

        return Configuration.load(self._settings(), mistaken=note)

    def _settings(self) -> dict[str, str | None]:
        return {name: self.arguments.text(f"--{name}") for name in ("home", "socket", "origin")}

    def in_origin(self, origin: str | None) -> Client:
        """The store seen from ``origin``; from the one of ``--origin`` where None."""
        return self.store if origin is None else self.store.with_origin(origin)

    def confirm(self, question: str) -> bool:
        """Asks a person; a program, which nobody can ask, has meant what it said."""
        if self.arguments.flag("--yes") or not self.output.asks:
            return True
        self.output.stderr.write(f"{question} [y/N] ")
        self.output.stderr.flush()
        import sys

        return sys.stdin.readline().strip().lower() in ("y", "yes")
