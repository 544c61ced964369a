"""A code opens the page once; whatever else comes in its place does not."""

import pytest

from tfjsd.daemon.page_access import PageAccess
from tfjsd.errors import UnauthorizedError


def test_a_code_is_redeemed_once():
    pages = PageAccess()
    code = pages.issue()
    assert pages.admits(pages.redeem(code))
    with pytest.raises(UnauthorizedError):
        pages.redeem(code)


@pytest.mark.parametrize("code", ["", "x", "ä", "\ud800"], ids=ascii)
def test_any_other_text_is_refused(code):
    pages = PageAccess()
    pages.issue()
    with pytest.raises(UnauthorizedError):
        pages.redeem(code)
    assert not pages.admits(code)
