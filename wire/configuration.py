"""Settings: flag > environment > the user's ``tfjsd/config.toml`` > ``/etc/tfjsd/config.toml`` > default."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ..errors import ConfigurationError
from .addresses import Address, client_address, configuration_files, default_home, default_socket
from .configuration_file import Setting, settings_of
from .configuration_keys import KEY_OF, KEYS


def _raise(mistake: ConfigurationError) -> NoReturn:
    raise mistake


class Configuration:
    """All settings, resolved; reading a file happens once and only if it exists."""

    def __init__(self, settings: Mapping[str, Setting], environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        files: tuple[Path, ...] | None = None,
        defaults: Mapping[str, object] | None = None,
        mistaken: Callable[[ConfigurationError], None] = _raise,
    ) -> Configuration:
        """``flags`` that are None were not given; ``defaults`` take the place of the keys' own. ``mistaken`` may take
        what is wrong in a file without raising it: that setting is then as if it were not there.

        Raises ConfigurationError that names the line and a near name.
        """
        environ = os.environ if environ is None else environ
        usual = {key.name: key.default for key in KEYS} | dict(defaults or {})
        settings = {name: Setting(value, "default") for name, value in usual.items()}
        for file in reversed(configuration_files(environ) if files is None else files):
            settings |= settings_of(file, mistaken)
        for key in KEYS:
            if key.variable is not None and environ.get(key.variable):
                settings[key.name] = Setting(key.value_of(environ[key.variable], key.variable), key.variable)
        for name, value in (flags or {}).items():
            if value is not None:
                flag = f"--{name.rpartition('.')[2].replace('_', '-')}"
                settings[name] = Setting(KEY_OF[name].value_of(value, flag), flag)
        return cls(settings, environ)

    def __getitem__(self, name: str) -> Any:
        return self._settings[name].value

    def __iter__(self) -> Iterator[tuple[str, Setting]]:
        return iter(self._settings.items())

    @property
    def home(self) -> Path:
        value: Path | None = self["home"]
        return (default_home(self._environ) if value is None else value).absolute()

    def client_address(self) -> Address:
        """Where a client looks for the daemon."""
        return client_address(self.home, self["socket"], self._environ)

    def server_address(self) -> Address:
        """Where a daemon listens."""
        return Address(self.home, self["socket"] or default_socket(self.home, self._environ))
