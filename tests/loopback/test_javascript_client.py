"""``/tfjsd.js`` as a file; tests/js/browser has it at work in pages."""

from loopback.conftest import running


def test_the_module_is_served_needs_nothing_and_is_kept_by_browsers():
    with running() as daemon:
        status, headers, body = daemon.request("GET", "/tfjsd.js")
        assert (status, headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert b"export function register" in body
        assert not [line for line in body.splitlines() if line.startswith(b"import ")]
        assert daemon.request("GET", "/tfjsd.js", headers={"If-None-Match": headers["etag"]})[0] == 304
