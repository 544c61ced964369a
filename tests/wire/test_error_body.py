"""An exception crosses the wire whole."""

import json

import pytest

from tfjsd import errors
from tfjsd.wire.error_body import error_body, error_from_json, error_status


def crossed(error):
    return error_from_json(json.loads(error_body(error)))


PUBLIC = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TfjsdError)]
PUBLIC.remove(errors.DOMError)  # has no name of its own: it is raised as one of its subclasses


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_class_comes_back_as_itself(kind):
    error = crossed(kind("the text \ud800 ✓", hint="do this"))
    assert (type(error), error.message, error.hint) == (kind, "the text \ud800 ✓", "do this")


def test_a_quota_error_keeps_its_numbers_and_its_cause():
    original = errors.QuotaExceededError("tfjs's text", limit=10, needed=11, unit="utf16")
    original.__cause__ = errors.QuotaExceededError("engine's text", quota=5.0, requested=6.0, interface="DOMException")
    error = crossed(original)
    assert isinstance(error, errors.QuotaExceededError)
    assert (error.limit, error.needed, error.unit, error.quota) == (10, 11, "utf16", None)
    cause = error.__cause__
    assert isinstance(cause, errors.QuotaExceededError)
    assert (cause.message, cause.quota, cause.requested, cause.interface) == ("engine's text", 5.0, 6.0, "DOMException")
    assert error_status(original) == 507


def test_dom_errors_carry_their_code():
    assert json.loads(error_body(errors.DataCloneError("x")))["error"]["code"] == 25


def test_what_is_not_ours_tells_its_class_only():
    body = json.loads(error_body(OSError("/secret/path")))
    assert "secret" not in body["error"]["message"]
    assert error_status(OSError()) == 500


@pytest.mark.parametrize("body", [None, [], "x", {}, {"error": 1}, {"error": {"name": "AbortError"}}])
def test_an_error_of_unknown_form_is_still_an_error(body):
    assert type(error_from_json(body)) is errors.TfjsdError


def test_an_unknown_name_is_the_root_class():
    assert type(error_from_json({"error": {"name": "FutureError", "message": "m"}})) is errors.TfjsdError
