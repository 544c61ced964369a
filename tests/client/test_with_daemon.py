"""Clients and a real daemon: hand-over of weights, restarts, kills, memory."""

from __future__ import annotations

import asyncio
import errno
import json
import mmap
import os
import pickle
import signal
import threading
import time
import tracemalloc
import warnings
from collections.abc import Iterator
from io import BytesIO, RawIOBase
from pathlib import Path

import pytest
from client_support.daemon_thread import DaemonThread, running_daemon, short_directory

import tfjsd
from tfjsd.client import ingest, load_operation
from tfjsd.client.connection import Connection
from tfjsd.client.mapped_weights import BlobMoved, BlobUnreachable, map_blob
from tfjsd.errors import TooLargeError
from tfjsd.testing.conformance.models import BLOB, INGEST, example, other

pytest.importorskip("plyvel")

LARGE = 32 << 20


@pytest.fixture
def daemon() -> Iterator[DaemonThread]:
    with running_daemon() as daemon:
        yield daemon


@pytest.fixture
def store(daemon):
    with tfjsd.connect(home=daemon.home, autostart=False) as store:
        yield store


@pytest.fixture
def home() -> Iterator[Path]:
    """A home whose daemon, a process of its own, is started by whoever needs it."""
    with short_directory() as directory:
        yield directory / "home"
        with tfjsd.connect(home=directory / "home") as store:
            os.kill(store.status()["pid"], signal.SIGTERM)
        while (directory / "home" / "daemon.json").exists():
            time.sleep(0.01)


def files_in(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


# -- weights without a copy ------------------------------------------------------------------------------------------


def test_large_weights_are_mapped(store):
    store.save("indexeddb://a", example(BLOB))
    weights = store.load("indexeddb://a").weight_data
    assert isinstance(weights.obj, mmap.mmap)
    array = store.load("indexeddb://a").weights()["dense/kernel"]
    assert not array.flags.writeable
    assert not array.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        array[0] = True


def test_streamed_weights_need_no_second_copy_either(store, monkeypatch):
    monkeypatch.setattr(Connection, "peer_user", lambda _: os.geteuid() + 1)
    specs = [{"name": "w", "shape": [BLOB], "dtype": "float32"}]
    store.save("indexeddb://a", tfjsd.ModelArtifacts({}, specs, bytes(BLOB * 4)))
    array = store.load("indexeddb://a").weights()["w"]
    assert not array.flags.owndata, "the bytes are aligned where they were received"
    assert not array.flags.writeable


def test_a_blob_that_moved_meanwhile_is_asked_for_again(store, monkeypatch):
    store.save("indexeddb://a", example(BLOB))
    failures = iter([BlobMoved("gone"), BlobMoved("gone")])

    def moved(blob):
        if (failure := next(failures, None)) is not None:
            raise failure
        return map_blob(blob)

    monkeypatch.setattr(load_operation, "map_blob", moved)
    loaded = store.load("indexeddb://a")
    assert loaded == example(BLOB)
    assert isinstance(loaded.weight_data.obj, mmap.mmap)


@pytest.mark.parametrize("failure", [BlobMoved, BlobUnreachable])
def test_a_blob_that_cannot_be_reached_is_streamed(store, monkeypatch, failure):
    store.save("indexeddb://a", example(BLOB))

    def unreachable(blob):
        raise failure(blob.path)

    monkeypatch.setattr(load_operation, "map_blob", unreachable)
    assert store.load("indexeddb://a") == example(BLOB)


def test_another_file_under_the_blobs_name_is_not_mapped(tmp_path):
    from tfjsd.wire.model_body import MappedBlob

    file = tmp_path / "blob"
    file.write_bytes(b"12345678")
    status = file.stat()
    assert bytes(map_blob(MappedBlob(str(file), status.st_dev, status.st_ino, 8, ""))) == b"12345678"
    for wrong in ((status.st_dev + 1, status.st_ino, 8), (status.st_dev, 1, 8), (status.st_dev, status.st_ino, 9)):
        with pytest.raises(BlobUnreachable):
            map_blob(MappedBlob(str(file), *wrong, ""))
    (tmp_path / "link").symlink_to(file)
    with pytest.raises(BlobUnreachable):
        map_blob(MappedBlob(str(tmp_path / "link"), status.st_dev, status.st_ino, 8, ""))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BlobUnreachable):
        map_blob(MappedBlob(str(tmp_path / "fifo"), status.st_dev, status.st_ino, 8, ""))
    with pytest.raises(BlobMoved):
        map_blob(MappedBlob(str(tmp_path / "gone"), status.st_dev, status.st_ino, 8, ""))


def test_a_damaged_blob_is_found_where_that_is_asked_for(store, daemon):
    store.save("indexeddb://a", example(INGEST))
    (blob,) = [path for path in files_in(daemon.home) if path.stat().st_size == INGEST]
    os.chmod(blob, 0o600)
    with open(blob, "r+b") as file:
        file.seek(1000)
        file.write(b"\xff")
    with pytest.raises(tfjsd.CorruptionError, match=blob.name[:32]):
        store.load("indexeddb://a", verify=True)
    report = store.verify()
    assert len(report["problems"]) == 1


def test_a_file_that_is_still_open_is_streamed_instead(store, monkeypatch):
    """The daemon takes only what nobody can write to any more."""
    monkeypatch.setattr(ingest.IngestFile, "close", lambda _: None)
    store.save("indexeddb://a", example(INGEST))
    assert store.load("indexeddb://a") == example(INGEST)


def test_nothing_is_left_in_the_ingest_directory(store, daemon):
    store.save("indexeddb://a", example(INGEST))
    with pytest.raises(tfjsd.InvalidArtifactsError):
        store.save("indexeddb://a", example(8).replace(weight_data=bytes(INGEST)))
    with pytest.raises(tfjsd.ModelExistsError):
        store.save("indexeddb://a", other(INGEST), overwrite=False)
    with pytest.raises(ZeroDivisionError):
        store.save("indexeddb://a", other(INGEST), on_progress=lambda done, total: 1 // 0)
    assert store.load("indexeddb://a") == example(INGEST)
    assert files_in(daemon.home / "ingest") == []


# -- lost connections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["load", "remove_model"])
def test_a_path_that_no_request_can_name_is_refused_by_the_client(store, operation):
    with pytest.raises(TooLargeError, match="limit of 49152"):
        getattr(store, operation)(f"indexeddb://{'x' * 100_000}")


def test_a_client_survives_a_restart(store, daemon):
    store.save("indexeddb://a", example(BLOB))
    storage = store.local_storage()
    storage["a"] = "1"
    daemon.stop()
    daemon.start()
    assert store.load("indexeddb://a") == example(BLOB)
    daemon.stop()
    daemon.start()
    storage["b"] = "2"
    assert dict(storage.items()) == {"a": "1", "b": "2"}


def test_a_request_waits_for_a_daemon_that_is_restarting(store, daemon):
    store.save("indexeddb://a", example())
    daemon.stop()
    starter = threading.Timer(0.2, daemon.start)
    starter.start()
    assert list(store.list_models()) == ["indexeddb://a"]
    starter.join()


def test_restarts_under_load_are_not_noticed(daemon):
    """Writes included: a request that comes too late has not left, and one that was taken is answered."""
    stop, failures = threading.Event(), []

    def work(number: int) -> None:
        with tfjsd.connect(home=daemon.home, autostart=False) as store:
            storage, written = store.local_storage(), 0
            try:
                while not stop.is_set():
                    written += 1
                    storage[f"{number}"] = str(written)
                    assert storage[f"{number}"] == str(written)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        time.sleep(0.1)
        daemon.stop()
        daemon.start()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_events_end_with_the_daemon(store, daemon):
    events = store.events()
    store.save("indexeddb://a", example())
    assert next(events).type == "model"
    daemon.stop()
    with pytest.raises(tfjsd.DaemonUnavailableError):
        next(events)
    daemon.start()


def test_a_daemon_killed_in_the_middle_of_saves_leaves_whole_models(home):
    """Whatever the client was told, what is there is whole."""
    with tfjsd.connect(home=home) as store:
        for round_ in range(3):
            saved: list[int] = []
            killer = threading.Timer(0.15, os.kill, (store.status()["pid"], signal.SIGKILL))
            killer.start()
            for number in range(1000):
                try:
                    store.save(f"indexeddb://{round_}-{number}", example(BLOB + number))
                except (tfjsd.OutcomeUnknownError, tfjsd.DaemonUnavailableError):
                    break
                saved.append(number)
                if not killer.is_alive() and number > 20:
                    break
            killer.join()
            listed = store.list_models()
            assert {f"indexeddb://{round_}-{number}" for number in saved} <= set(listed)
            for url in listed:
                if url.startswith(f"indexeddb://{round_}-"):
                    assert store.load(url) == example(BLOB + int(url.rpartition("-")[2]))


async def test_cancelled_saves_leave_whole_models_or_none(daemon):
    async with tfjsd.aconnect(home=daemon.home, autostart=False) as store:
        for delay in (0.0, 0.001, 0.002, 0.004, 0.008, 0.016):
            for streamed in (False, True):
                store._session.link.same_user = not streamed
                saving = asyncio.ensure_future(store.save("indexeddb://a", example(4 * INGEST)))
                await asyncio.sleep(delay)
                saving.cancel()
                await asyncio.gather(saving, return_exceptions=True)
        await store.save("indexeddb://b", example())
        for url in await store.list_models():
            assert await store.load(url) in (example(), example(4 * INGEST))
    assert files_in(daemon.home / "ingest") == []


# -- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streamed", [False, True])
def test_neither_saving_nor_loading_copies_the_weights(home, monkeypatch, streamed):
    if streamed:
        monkeypatch.setattr(Connection, "peer_user", lambda _: os.geteuid() + 1)
    artifacts = example(LARGE)
    shards = artifacts.replace(weight_data=[artifacts.weight_data[: LARGE // 3], artifacts.weight_data[LARGE // 3 :]])
    with tfjsd.connect(home=home) as store:
        store.save("indexeddb://warm", example())
        tracemalloc.start()
        try:
            store.save("indexeddb://a", artifacts)
            store.save("indexeddb://b", shards)
            loaded = store.load("indexeddb://b")
            assert tracemalloc.get_traced_memory()[1] < 1 << 20
        finally:
            tracemalloc.stop()
        assert loaded == artifacts


# -- threads and processes -------------------------------------------------------------------------------------------


def test_threads_share_a_client(store):
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(10):
                store.save(f"indexeddb://{number}", example(number + 1))
                assert store.load(f"indexeddb://{number}") == example(number + 1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(store.list_models()) == 8


def test_forked_workers(home):
    with tfjsd.connect(home=home) as store:
        store.save("indexeddb://a", example(BLOB))
        children = []
        for number in range(4):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            if child == 0:
                status = 1
                try:
                    assert store.load("indexeddb://a") == example(BLOB)
                    store.save(f"indexeddb://{number}", example())
                    status = 0
                finally:
                    os._exit(status)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
        assert len(store.list_models()) == 5


def test_pickled_clients(store):
    store.save("indexeddb://a", example())
    with pickle.loads(pickle.dumps(store.with_origin("https://app.example"))) as copy:
        assert copy.origin == "https://app.example"
        assert copy.list_models() == {}
        assert list(copy.with_origin(store.origin).list_models()) == ["indexeddb://a"]


def test_asynchronous_code_from_synchronous(store):
    async def double(asynchronous, path, *, medium):
        await asynchronous.save(f"{medium}://{path}", example())
        return len(await asynchronous.list_models())

    assert store.run(double, "a", medium="indexeddb") == 1

    async def inside_a_loop():
        return store.run(double, "b", medium="indexeddb")

    assert asyncio.run(inside_a_loop()) == 2


# -- the whole store -------------------------------------------------------------------------------------------------


def test_a_backup_restores_into_an_empty_home(store):
    store.save("indexeddb://a", example(BLOB))
    store.with_origin("https://app.example").save("localstorage://b", other())
    backup = BytesIO()
    store.backup(backup)
    with running_daemon() as second, tfjsd.connect(home=second.home, autostart=False) as restored:
        backup.seek(0)
        summary = restored.restore(backup)
        assert len(summary) >= 2
        assert restored.load("indexeddb://a") == example(BLOB)
        assert restored.with_origin("https://app.example").load("localstorage://b") == other()
        assert restored.verify()["problems"] == []
        backup.seek(0)
        with pytest.raises(tfjsd.TfjsdError):
            restored.restore(backup)
    with running_daemon() as third, tfjsd.connect(home=third.home, autostart=False) as empty:
        with pytest.raises(tfjsd.TfjsdError):
            empty.restore(BytesIO(backup.getvalue()[:-10]))
        assert empty.origins() == {}


class Failing(RawIOBase):
    """A file that can be read up to a place, and fails there."""

    def __init__(self, content: bytes, error: OSError) -> None:
        self._content = BytesIO(content)
        self._error = error

    def read(self, size: int = -1) -> bytes:
        if piece := self._content.read(size):
            return piece
        raise self._error


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), TimeoutError("of the file")], ids=str)
async def test_a_backup_that_cannot_be_read_on_is_its_files_error_and_restores_nothing(store, error):
    store.save("indexeddb://a", example(BLOB))
    backup = BytesIO()
    store.backup(backup)
    whole = backup.getvalue()
    with running_daemon() as second, tfjsd.connect(home=second.home, autostart=False) as empty:
        async with tfjsd.aconnect(home=second.home, autostart=False) as twin:
            for size in (0, len(whole) // 2, len(whole)):
                with pytest.raises(OSError, match=str(error.args[-1])) as raised:
                    empty.restore(Failing(whole[:size], error))
                assert raised.value is error
                assert empty.origins() == {}  # answered once the daemon has given the broken restore up
                with pytest.raises(OSError, match=str(error.args[-1])) as raised:
                    await twin.restore(Failing(whole[:size], error))
                assert raised.value is error
                assert empty.origins() == {}
        empty.restore(BytesIO(whole))
        assert list(empty.list_models()) == ["indexeddb://a"]


class Awaited(RawIOBase):
    """A file whose content comes once somebody else has had a turn, as that of a pipe may."""

    def __init__(self, content: bytes, turn: threading.Event) -> None:
        self._content = BytesIO(content)
        self._turn = turn

    def read(self, size: int = -1) -> bytes:
        assert self._turn.wait(20), "the loop waits for the file"
        return self._content.read(size)


async def test_a_backup_that_is_slow_to_read_does_not_hold_the_loop(store):
    store.save("indexeddb://a", example(BLOB))
    backup, turn = BytesIO(), threading.Event()
    store.backup(backup)
    with running_daemon() as second:
        async with tfjsd.aconnect(home=second.home, autostart=False) as empty:
            restoring = asyncio.create_task(empty.restore(Awaited(backup.getvalue(), turn)))
            for _ in range(50):
                await asyncio.sleep(0)
            turn.set()
            await restoring
            assert list(await empty.list_models()) == ["indexeddb://a"]


def test_status_is_plain_json(store, daemon):
    status = store.status()
    assert status == json.loads(json.dumps(status))
    assert status["home"] == str(daemon.home)
