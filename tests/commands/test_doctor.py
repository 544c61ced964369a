"""``tfjsd doctor`` reports to its end, whatever it is not let look at."""

import contextlib
import os

from tfjsd.commands import checks

NOBODY = 65534


@contextlib.contextmanager
def out_of_reach(directory):
    """This process may not look into the directory; the superuser becomes nobody for it."""
    directory.mkdir(mode=0)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        directory.chmod(0o700)


def test_a_home_out_of_reach_is_one_finding_among_others(tmp_path):
    place = tmp_path / "closed"
    checks.space(tmp_path)  # loads what nobody might not be let load
    with out_of_reach(place):
        findings = [*checks.home(place / "home"), checks.space(place / "home"), *checks.socket(place / "s")]
    states = {finding.subject: (finding.state, finding.text) for finding in findings}
    assert states["home"] == ("failure", f"{place / 'home'}: Permission denied")
    assert states["socket"] == ("failure", f"{place / 's'}: Permission denied")
    assert "free at" in states["disk"][1]
