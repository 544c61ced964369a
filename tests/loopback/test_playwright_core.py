"""The browser's side in JavaScript: playwright-core drives Debian's Chromium, a file of tests/js/browser per test."""

import json
import os
import subprocess

import pytest
from loopback import pages
from loopback.conftest import running
from loopback.npm_project import need_node
from loopback.pages import JS

STORIES = sorted(path.name for path in (JS / "browser").glob("*.test.mjs"))


@pytest.fixture(scope="module")
def site():
    with pages.site("localhost") as url:
        yield url


@pytest.mark.parametrize("story", STORIES)
def test_the_story_is_true(story, site):
    need_node()
    with running(**{"access.origins": [site]}) as daemon:
        given = {
            "chromium": pages.chromium_path(),
            "url": daemon.url,
            "socket": str(daemon.socket),
            "token": daemon.token,
            "site": site,
        }
        done = subprocess.run(
            ["node", "--test", "--test-reporter=spec", f"browser/{story}"],
            cwd=JS,
            env={**os.environ, "TFJSD_TEST": json.dumps(given)},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-3000:]


def test_there_are_stories():
    assert {"mirror.test.mjs", "over_http.test.mjs", "scheme.test.mjs"} <= set(STORIES)
