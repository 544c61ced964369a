"""``tfjsd.connect("http://127.0.0.1:PORT")``: the same client, over TCP with the token."""

import socket

import pytest

import tfjsd


@pytest.fixture
def store(loopback):
    with tfjsd.connect(loopback.url, token=loopback.token) as client:
        yield client


def artifacts(size):
    specs = [{"name": "w", "shape": [size], "dtype": "bool"}]
    return tfjsd.ModelArtifacts({"class_name": "Model"}, specs, bytes(range(256)) * (size // 256))


def test_models_and_local_storage(store):
    for size in (256, 1 << 20):
        store.save("indexeddb://a/b", artifacts(size))
        loaded = store.load("indexeddb://a/b")
        assert bytes(loaded.weight_data) == bytes(range(256)) * (size // 256)
    store.move_model("indexeddb://a/b", "indexeddb://c")
    assert list(store.list_models()) == ["indexeddb://c"]
    store.local_storage()["k"] = "v"
    assert store.local_storage()["k"] == "v"
    assert store.estimate().usage > 1 << 20
    store.remove_model("indexeddb://c")


async def test_indexed_db(loopback):
    async with tfjsd.aconnect(loopback.url, token=loopback.token) as store:
        factory = store.indexed_db()
        db = await factory.open("shop", 1, upgrade=lambda db, tx, old, new: db.create_object_store("books"))
        async with db.transaction(["books"], "readwrite") as tx:
            await tx.object_store("books").put({"title": "x" * 100_000}, "one")
        async with db.transaction(["books"]) as tx:
            assert (await tx.object_store("books").get("one"))["title"] == "x" * 100_000
        db.close()


async def test_ipv6(loopback_daemon):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")
    with loopback_daemon(http="[::1]:0") as daemon:
        assert daemon.url == f"http://[::1]:{daemon.port}"
        with tfjsd.connect(daemon.url, token=daemon.token) as store:
            store.local_storage()["k"] = "v"
        async with tfjsd.aconnect(daemon.url, token=daemon.token) as store:
            assert await store.local_storage().get_item("k") == "v"
            (await store.indexed_db().open("d")).close()


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_the_token_it_is_refused(loopback, token, monkeypatch):
    monkeypatch.delenv("TFJSD_TOKEN_FILE", raising=False)
    with (
        pytest.raises(tfjsd.UnauthorizedError, match="no valid token"),
        tfjsd.connect(loopback.url, token=token) as store,
    ):
        store.list_models()


def test_the_token_may_come_from_its_file(loopback, monkeypatch):
    monkeypatch.setenv("TFJSD_TOKEN_FILE", str(loopback.home / "http-token"))
    monkeypatch.setenv("TFJSD_URL", loopback.url)
    with tfjsd.connect() as store:
        assert store.status()["http"] == loopback.url
