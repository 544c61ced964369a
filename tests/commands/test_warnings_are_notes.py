"""What the client warns of is a sentence on standard error."""

from __future__ import annotations

import warnings

import pytest

from tfjsd.cli import main
from tfjsd.errors import DaemonUnavailableError


@pytest.mark.parametrize(("switches", "shown"), [([], "the daemon is older\n"), (["--json"], "")])
def test_a_warning_is_a_note(capsys, switches, shown):
    def connect(target, **_):
        warnings.warn("the daemon is older", stacklevel=1)
        raise DaemonUnavailableError("nobody there")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["list", *switches], connect=connect) == 69
    before, _, _ = capsys.readouterr().err.partition("error: " if not switches else "{")
    assert before == shown
