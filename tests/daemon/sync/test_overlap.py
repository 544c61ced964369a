"""Which two pairs would hand a model back and forth under ever longer names."""

import pytest

from tfjsd.daemon.sync.overlap import feed_each_other
from tfjsd.wire.sync_pair import SyncPair

ORIGIN = "http://localhost"


def pair(directory, prefix, origin=ORIGIN):
    return SyncPair.of({"directory": directory, "prefix": prefix}, origin=origin)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("/m", "indexeddb://"), ("/m", "indexeddb://z/"), True),
        (("/m", "indexeddb://"), ("/m/a", "indexeddb://"), True),
        (("/m", "indexeddb://"), ("/m/a", "indexeddb://a/b/"), True),
        (("/m", "indexeddb://z/"), ("/m/a", "indexeddb://"), True),
        (("/m", "indexeddb://"), ("/m/a", "indexeddb://a/"), False),
        (("/m", "indexeddb://"), ("/n", "indexeddb://z/"), False),
        (("/m", "indexeddb://"), ("/mm", "indexeddb://"), False),
        (("/m", "indexeddb://"), ("/m", "localstorage://z/"), False),
        (("/m", "indexeddb://a/"), ("/m", "indexeddb://b/"), False),
        (("/m", "indexeddb://"), ("/m", "indexeddb://z/", "https://app.example"), False),
    ],
)
def test_pairs_share_directories_or_a_part_of_the_store(one, other, expected):
    assert feed_each_other(pair(*one), pair(*other)) is expected
    assert feed_each_other(pair(*other), pair(*one)) is expected


def test_a_link_is_the_same_directory(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "link").symlink_to("models")
    assert feed_each_other(
        pair(str(tmp_path / "models"), "indexeddb://"), pair(str(tmp_path / "link"), "indexeddb://z/")
    )


def test_such_a_pair_is_refused(daemons):
    daemon = daemons.in_process()
    place = str(daemons.directory / "models")
    assert daemon.request("POST", "/v1/sync", {"directory": place, "prefix": "indexeddb://"}).status == 201
    body = {"directory": place, "prefix": "indexeddb://team/", "name": "team"}
    assert "other names" in daemon.request("POST", "/v1/sync", body).error["message"]
    assert set(daemon.get("/v1/sync").json) == {"models"}
