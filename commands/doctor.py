"""``tfjsd doctor``: what is checked, what was found, what to do about it. Changes nothing, starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import checks
from .checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .invocation import Invocation
    from .render import Colour

_MARKS: dict[str, tuple[str, Colour]] = {
    "ok": ("ok", "green"),
    "warning": ("warn", "yellow"),
    "failure": ("FAIL", "red"),
}


def run(invocation: Invocation) -> int:
    """Prints the findings; 1 where something needs mending."""
    output = invocation.output
    findings = list(_findings(invocation))
    if output.json:
        output.document({"checks": [finding.document() for finding in findings]})
    else:
        for finding in findings:
            mark, colour = _MARKS[finding.state]
            output.line(f"{output.paint(f'{mark:4}', colour)}  {finding.subject:14} {finding.text}")
            if finding.advice:
                output.line(f"{'':21}{output.paint('hint:', 'cyan')} {finding.advice}")
    return 1 if any(finding.state == "failure" for finding in findings) else 0


def _findings(invocation: Invocation) -> Iterator[Finding]:
    yield checks.installation()
    yield checks.leveldb()
    configuration, finding = checks.configuration(invocation)
    yield finding
    if configuration is None:
        return
    address = configuration.client_address()
    yield from checks.home(address.home)
    yield checks.space(address.home)
    yield from checks.socket(address.socket)
    yield checks.daemon(invocation, address)
    yield from checks.pairs(invocation)
    yield from checks.watches()
