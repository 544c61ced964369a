"""The real TensorFlow.js, in Node and in Chromium, saves to the daemon and loads from it, and so does Python."""

import json
import subprocess

import pytest
from loopback import pages
from loopback.conftest import running
from loopback.npm_project import need_node
from loopback.pages import JS

import tfjsd

PACKAGES = {"@tensorflow/tfjs": "4.22", "tfjs-3": "3.21", "tfjs-2": "2.8"}
KINDS = 14


@pytest.fixture(scope="module")
def site():
    """A page of a listed origin, which holds TensorFlow.js and the models of these tests."""
    with pages.site("localhost") as url:
        yield url


@pytest.fixture(scope="module")
def served(site):
    with running(**{"access.origins": [site]}) as daemon:
        yield daemon


def in_node(what, package, daemon, prefix, saved=None):
    return node(["roundtrip.mjs", what, package, daemon.url, prefix], {"token": daemon.token, "saved": saved})


def in_page(what, package, daemon, prefix, site, saved=None):
    given = {"chromium": pages.chromium_path(), "site": site, "url": daemon.url, "token": daemon.token, "saved": saved}
    return node(["browser/roundtrip.mjs", what, package, prefix], given)


def node(words, given):
    need_node()
    done = subprocess.run(
        ["node", *words],
        cwd=JS,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def check_in_python(daemon, prefix, saved, again, *, training):
    """What tfjs saved is what Python loads; Python saves it under another name, from its parsed objects. The http
    handler of tfjs 2 leaves the training configuration out."""
    assert len(saved) == KINDS
    with tfjsd.connect(str(daemon.socket), home=str(daemon.home)) as store:
        for name, expected in saved.items():
            artifacts = store.load(f"indexeddb://{prefix}{name}")
            assert bytes(artifacts.weight_data).hex() == expected["weights"], name
            assert artifacts.model_topology == expected["topology"], name
            assert artifacts.weight_specs == expected["specs"], name
            assert artifacts.user_defined_metadata == expected["metadata"], name
            if training:
                assert artifacts.training_config == expected["training"], name
            store.save(f"indexeddb://{again}{name}", artifacts)


@pytest.mark.parametrize("package", PACKAGES, ids=PACKAGES.get)
def test_fourteen_kinds_of_models_go_round_from_node(served, package):
    version = PACKAGES[package]
    saved = in_node("save", package, served, f"node/{version}/")
    check_in_python(served, f"node/{version}/", saved, f"py/{version}/", training=version != "2.8")
    assert in_node("load", package, served, f"node/{version}/", saved) == []
    assert in_node("load", package, served, f"py/{version}/", saved) == []


@pytest.mark.parametrize("package", PACKAGES, ids=PACKAGES.get)
def test_fourteen_kinds_of_models_go_round_from_chromium(served, site, package):
    version = PACKAGES[package]
    saved = in_page("saveAll", package, served, f"page/{version}/", site)
    check_in_python(served, f"page/{version}/", saved, f"py page/{version}/", training=version != "2.8")
    assert in_page("differences", package, served, f"page/{version}/", site, saved) == []
    assert in_page("differences", package, served, f"py page/{version}/", site, saved) == []


def test_heads_ranges_and_entity_tags_over_tcp(served):
    with tfjsd.connect(str(served.socket), home=str(served.home)) as store:
        weights = bytes(range(256)) * 4096
        specs = [{"name": "w", "shape": [len(weights)], "dtype": "bool"}]
        store.save("indexeddb://big", tfjsd.ModelArtifacts({"class_name": "Model"}, specs, weights))
    target = "/v1/models/indexeddb/big/weights.bin"
    status, headers, body = served.request("HEAD", target, headers=served.authorization)
    assert (status, int(headers["content-length"]), body) == (200, len(weights), b"")
    status, part, body = served.request("GET", target, headers={"Range": "bytes=1000-1999", **served.authorization})
    assert (status, body) == (206, weights[1000:2000])
    assert part["etag"] == headers["etag"]
    known = {"If-None-Match": headers["etag"], **served.authorization}
    assert served.request("GET", target, headers=known)[0] == 304
    assert served.request("GET", target, headers=served.authorization)[2] == weights
