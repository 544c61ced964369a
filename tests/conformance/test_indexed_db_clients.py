"""Several clients on one daemon's databases: they see each other, and one that is lost or silent harms nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from client_support.daemon_thread import DaemonThread, running_daemon

import tfjsd
from tfjsd.client import blocking, delivery
from tfjsd.client.effects import Open
from tfjsd.client.indexed_db import row_arrival
from tfjsd.client.mapped_weights import BlobUnreachable
from tfjsd.daemon.indexed_db import served_connection, served_transaction, transit
from tfjsd.errors import AbortError, DOMError, OutcomeUnknownError, UnknownError
from tfjsd.storage_backends.indexed_db import idb_cursor
from tfjsd.storage_backends.indexed_db.idb_database import IDBDatabase
from tfjsd.wire.indexed_db import INLINE_VALUE

pytest.importorskip("plyvel")


@pytest.fixture
def daemon() -> Iterator[DaemonThread]:
    with running_daemon() as daemon:
        yield daemon


class Clients:
    def __init__(self, daemon: DaemonThread, stack: AsyncExitStack) -> None:
        self.daemon = daemon
        self._stack = stack

    async def client(self) -> tfjsd.AsyncClient:
        return await self._stack.enter_async_context(tfjsd.aconnect(home=self.daemon.home, autostart=False))

    async def database(self, version: int | None = 1, **listeners: Any) -> IDBDatabase:
        """A connection of a client of its own to a database with a store ``s``."""
        client = await self.client()

        def upgrade(db: IDBDatabase, tx: Any, old: int, new: int) -> None:
            if not old:
                db.create_object_store("s")

        database: IDBDatabase = await client.indexed_db().open("d", version, upgrade=upgrade, **listeners)
        return database


@pytest.fixture
async def clients(daemon: DaemonThread) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        yield Clients(daemon, stack)


def cut(database: IDBDatabase) -> None:
    """As if the client's process had died."""
    connection: Any = database._connection
    connection._session._web_socket._transport.abort()


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


# -- Several clients -----------------------------------------------------------------------------------------------------


async def test_clients_see_each_others_versionchange_events(clients):
    events: list[Any] = []

    def close(event: Any) -> None:
        events.append((event.old_version, event.new_version))
        first.close()

    first = await clients.database(versionchange=close)
    blocked: list[Any] = []
    second = await clients.database(2, blocked=blocked.append)
    assert (second.version, events, blocked) == (2, [(1, 2)], [])


async def test_an_open_connection_blocks_until_it_is_closed(clients):
    first = await clients.database()
    blocked: list[Any] = []
    client = await clients.client()
    deletion = client.indexed_db().delete_database("d", blocked=blocked.append)
    await until(lambda: blocked)
    assert deletion.ready_state == "pending"
    first.close()
    await deletion
    assert deletion.old_version == 1


async def test_writers_of_two_clients_take_turns(clients):
    databases = [await clients.database(), await clients.database()]

    async def add(database: IDBDatabase) -> None:
        for _ in range(20):
            async with database.transaction("s", "readwrite") as tx:
                number = await tx.object_store("s").get("n")
                await tx.object_store("s").put(1 if number is tfjsd.UNDEFINED else number + 1, "n")

    await asyncio.gather(*map(add, databases))
    assert await databases[0].transaction("s").object_store("s").get("n") == 40


async def test_the_browser_is_learnt_without_holding_the_loop(monkeypatch):
    with running_daemon("firefox") as daemon:
        async with tfjsd.aconnect(home=daemon.home, autostart=False) as client:
            with monkeypatch.context() as patch:
                patch.setattr(blocking, "run", None)
                db = await client.indexed_db().open("d", 2)
                with pytest.raises(tfjsd.NotFoundError, match="is not a known object store name"):
                    db.transaction("s")
                with pytest.raises(tfjsd.VersionError, match="stored database is a higher version"):
                    await client.indexed_db().open("d", 1)
        async with tfjsd.aconnect(home=daemon.home, autostart=False) as client:
            with pytest.raises(TypeError, match=r"IDBFactory\.open: "):  # before any answer
                client.indexed_db().open("d", -1)


async def test_who_computes_after_an_upgrade_keeps_no_client_waiting(clients):
    async def open_it(client: Any) -> int:
        async with asyncio.timeout(30):
            with await client.indexed_db().open("d") as db:
                return db.version

    def open_elsewhere() -> int:
        with tfjsd.connect(home=clients.daemon.home, autostart=False) as client:
            return client.run(open_it)

    await clients.database()
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(open_elsewhere).result() == 1, "this loop does not turn meanwhile"


# -- Lost and silent ones ------------------------------------------------------------------------------------------------


async def test_a_lost_connection_aborts_its_transactions(clients):
    first, second = await clients.database(), await clients.database()

    async def work() -> None:
        async with first.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put("mine", 1)
            put = second.transaction("s", "readwrite").object_store("s").add("theirs", 1)
            cut(first)
            await put
            await tx.object_store("s").get(1)

    with pytest.raises(DOMError):
        await work()
    assert await second.transaction("s").object_store("s").get(1) == "theirs"
    assert first.is_closing
    with pytest.raises(DOMError):
        first.transaction("s")


async def test_of_a_commit_that_is_lost_the_outcome_is_unknown(clients):
    database = await clients.database()
    tx = database.transaction("s", "readwrite")
    await tx.object_store("s").put(1, 1)
    done = tx.commit()
    cut(database)
    with pytest.raises(UnknownError) as caught:
        await done
    assert isinstance(caught.value.__cause__, OutcomeUnknownError)


async def test_an_upgrade_that_is_lost_is_taken_back(clients):
    (await clients.database()).close()
    reached = asyncio.Event()

    async def upgrade(db: IDBDatabase, tx: Any, old: int, new: int) -> None:
        db.create_object_store("new")
        await tx.object_store("s").put(1, 1)
        reached.set()
        cut(db)
        await tx.object_store("s").get(1)

    client = await clients.client()
    with pytest.raises(AbortError):
        await client.indexed_db().open("d", 2, upgrade=upgrade)
    assert reached.is_set()
    again = await clients.database(None)
    assert (again.version, again.object_store_names) == (1, ["s"])


async def test_a_silent_transaction_gives_its_locks_back(clients, monkeypatch):
    monkeypatch.setattr(served_transaction, "IDLE_SECONDS", 0.1)
    first, second = await clients.database(), await clients.database()

    async def work() -> None:
        async with first.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put("mine", 1)
            await second.transaction("s", "readwrite").object_store("s").add("theirs", 1)

    with pytest.raises(AbortError):
        await work()
    assert await first.transaction("s").object_store("s").get(1) == "theirs"


async def test_what_waits_for_a_lock_does_not_fill_the_daemon(clients, monkeypatch):
    monkeypatch.setattr(served_transaction, "MAX_WAITING", 150_000)
    first, second = await clients.database(), await clients.database()
    async with first.transaction("s", "readwrite") as tx:
        await tx.object_store("s").put("first", 0)
        waiting = second.transaction("s", "readwrite")
        for number in range(4):
            waiting.object_store("s").put("x" * 50_000, number)
        with pytest.raises(UnknownError, match="bytes of values wait for their transactions"):
            await waiting.done
        fits = second.transaction("s", "readwrite")
        for number in range(3):
            fits.object_store("s").put("y" * 49_000, number)
        await tx.object_store("s").put("last", 9)
    await fits.done
    assert await second.transaction("s").object_store("s").get_all_keys() == [0, 1, 2, 9]


async def test_who_leaves_a_versionchange_unheard_is_closed(clients, monkeypatch):
    monkeypatch.setattr(served_connection, "IDLE_SECONDS", 0.1)
    first = await clients.database()
    monkeypatch.setattr(first._connection._opening, "_version_change", lambda _: None)
    second = await clients.database(2)
    assert second.version == 2
    await until(lambda: first.is_closing)


async def test_who_closes_while_a_versionchange_is_under_way_keeps_nobody_waiting(clients, monkeypatch):
    monkeypatch.setattr(served_connection, "IDLE_SECONDS", 1e6)
    factory = (await clients.client()).indexed_db()
    first = await factory.open("d", 1)
    monkeypatch.setattr(first._connection._opening, "_version_change", lambda _: first.close())
    with await factory.open("other", 1):  # keeps the session
        async with asyncio.timeout(20):
            second = await clients.database(2)
    assert second.version == 2


async def test_a_session_leaves_nothing_behind(clients):
    database = await clients.database()

    async def work() -> None:
        async with database.transaction("s", "readwrite") as tx:
            await tx.object_store("s").put(bytes(1 << 20), 1)
            cut(database)
            await tx.object_store("s").get(1)

    with pytest.raises(DOMError):
        await work()
    service = clients.daemon._server._service
    await until(lambda: not service.indexed_db._live)
    await until(lambda: not service.activity.holders)
    blobs = service.origins.get("http://localhost").bucket.blobs
    await until(lambda: not list(blobs.digests()))


async def test_a_client_goes_on_after_a_restart_of_the_daemon(clients):
    client = await clients.client()
    factory = client.indexed_db()
    database = await factory.open("d", 1, upgrade=lambda db, *_: db.create_object_store("s"))
    async with database.transaction("s", "readwrite") as tx:
        tx.object_store("s").put("kept", 1)
    await asyncio.to_thread(clients.daemon.stop)
    await until(lambda: database.is_closing)
    await asyncio.to_thread(clients.daemon.start)
    with await factory.open("d") as again:
        assert await again.transaction("s").object_store("s").get(1) == "kept"


@pytest.mark.parametrize("request_of", [lambda factory: factory.open("d"), lambda factory: factory.databases()])
async def test_a_restart_that_the_loop_has_not_heard_of_fails_no_open(clients, request_of):
    factory = (await clients.client()).indexed_db()
    database = await factory.open("d", 1)
    clients.daemon.stop()
    clients.daemon.start()
    assert not database.is_closing, "the loop has not turned"
    await request_of(factory)
    assert database.is_closing


_QUESTIONS = {
    "open": lambda factory: factory.open("d"),
    "delete_database": lambda factory: factory.delete_database("d"),
    "databases": lambda factory: factory.databases(),
}


@pytest.mark.parametrize("ask", [pytest.param(ask, id=name) for name, ask in _QUESTIONS.items()])
@pytest.mark.parametrize("was_there", [False, True])
async def test_without_a_daemon_it_fails_as_every_other_call_does(clients, monkeypatch, ask, was_there):
    monkeypatch.setattr(delivery, "_RECONNECT_PAUSES", (0.0, 0.0))
    client = await clients.client()
    if was_there:
        await client.indexed_db().databases()
    await asyncio.to_thread(clients.daemon.stop)
    tries: list[Any] = []

    def counted(*details: Any) -> Any:
        tries.append(details)
        return Open(*details)

    monkeypatch.setattr(delivery, "Open", counted)
    try:
        with pytest.raises(tfjsd.DaemonUnavailableError):
            await ask(client.indexed_db())
        while_asking = len(tries)
        with pytest.raises(tfjsd.DaemonUnavailableError):
            await client.list_models()
        assert while_asking <= len(tries) - while_asking, "nor does it take longer to find out"
    finally:
        monkeypatch.undo()
        await asyncio.to_thread(clients.daemon.start)


async def test_a_daemon_does_not_idle_out_under_an_open_database(clients):
    database = await clients.database()
    service = clients.daemon._server._service
    await until(lambda: service.activity.holders == 1)
    assert service.activity.idle_seconds() == 0
    cut(database)
    await until(lambda: service.activity.holders == 0)


async def test_closing_a_client_aborts_what_is_open(clients):
    client = await clients.client()
    database = await client.indexed_db().open("d", 1, upgrade=lambda db, *_: db.create_object_store("s"))
    tx = database.transaction("s", "readwrite")
    put = tx.object_store("s").put(1, 1)
    await client.aclose()
    with pytest.raises(AbortError):
        await put
    with pytest.raises(UnknownError):
        await client.indexed_db().open("d")


async def test_a_forked_process_leaves_its_parents_session_alone(clients):
    client = await clients.client()
    factory = client.indexed_db()
    database = await factory.open("d", 1, upgrade=lambda db, *_: db.create_object_store("s"))
    connection: Any = database._connection
    session = connection._session
    session._process -= 1  # as if this were the child
    client._session.link.backing_stores["http://localhost"].close()
    database.close()
    with await factory.open("e") as other:
        assert other._connection._session is not session
    session._process += 1
    assert not session.is_over
    session.close()


# -- What is large -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["mapped", "streamed"])
def _way(request, monkeypatch):
    if request.param == "streamed":

        def unreachable(blob: Any) -> memoryview:
            raise BlobUnreachable(blob.path)

        monkeypatch.setattr(row_arrival, "map_blob", unreachable)


@pytest.mark.usefixtures("_way")
async def test_large_values_come_back_as_they_were(clients):
    database = await clients.database()
    array = np.arange(1 << 20, dtype=np.float32).reshape(1024, 1024)
    value = {"array": array, "text": "x" * 300_000, "bytes": bytes(range(256)) * 1000, "list": list(range(30_000))}
    async with database.transaction("s", "readwrite") as tx:
        store = tx.object_store("s")
        puts = [store.put(value, 1), store.put("small", 2), store.put("y" * (INLINE_VALUE + 1), 3)]
        assert [await put for put in puts] == [1, 2, 3]
        found = await store.get(1)
        assert found["array"].shape == (1024, 1024)
    reader = await clients.database()
    found, small, text = await reader.transaction("s").object_store("s").get_all()
    assert (found["array"] == array).all()
    assert {**found, "array": None} == {**value, "array": None}
    assert (small, text) == ("small", "y" * (INLINE_VALUE + 1))
    cursor = await reader.transaction("s").object_store("s").open_cursor()
    assert (cursor.value["array"] == array).all()


@pytest.mark.usefixtures("_way")
async def test_a_walk_over_large_binaries_keeps_those_that_somebody_has(clients, monkeypatch):
    monkeypatch.setattr(idb_cursor, "_MAX_AHEAD", 400_000)
    database = await clients.database()
    async with database.transaction("s", "readwrite") as tx:
        for number in range(7):
            tx.object_store("s").put(bytes([number]) * 200_000, number)
        tx.object_store("s").put([bytes([1]) * 200_000] * 2, 8)
    async with database.transaction("s") as tx:
        held = []
        async for cursor in tx.object_store("s").iterate():
            assert (cursor.value if cursor.key < 8 else cursor.value[1])[0] == cursor.key % 7
            held.append(len(tx.backend.views))
        assert max(held) <= 3, "the last two, and the one at the cursor"
        first, again = await tx.object_store("s").get(1), await tx.object_store("s").get(8)
        assert bytes(first) == bytes(again[0]) == bytes(again[1])


async def test_more_long_values_than_wait_to_be_fetched(clients, monkeypatch):
    monkeypatch.setattr(transit, "_OFFERED", 300_000)
    database = await clients.database()
    texts = [f"{number}" * (INLINE_VALUE + 1) for number in range(10)]
    async with database.transaction("s", "readwrite") as tx:
        for number, text in enumerate(texts):
            tx.object_store("s").put(text, number)
            tx.object_store("s").put(number, 100 + number)
    found = await database.transaction("s").object_store("s").get_all()
    assert found == [*texts, *range(10)]


async def test_many_rows_come_in_several_messages(clients):
    database = await clients.database()
    async with database.transaction("s", "readwrite") as tx:
        for number in range(3000):
            tx.object_store("s").put({"n": number, "pad": "x" * 500}, number)
    found = await database.transaction("s").object_store("s").get_all()
    assert [value["n"] for value in found] == list(range(3000))
    keys = await database.transaction("s").object_store("s").get_all_keys(None, 10, direction="prev")
    assert keys == list(range(2999, 2989, -1))


async def test_a_value_that_is_given_up_leaves_no_bytes(clients):
    database = await clients.database()
    tx = database.transaction("s", "readwrite")
    tx.object_store("s").put(bytes(1 << 20), 1)
    tx.abort()
    await database.transaction("s", "readwrite").object_store("s").put("next", 1)
    assert await database.transaction("s").object_store("s").get(1) == "next"


async def test_a_key_that_is_too_long_for_a_message_aborts_its_transaction(clients):
    database = await clients.database()
    tx = database.transaction("s", "readwrite")
    with pytest.raises(AbortError):
        await tx.object_store("s").put(1, "k" * (5 << 20))
    assert isinstance(tx.error, UnknownError)
    assert await database.transaction("s").object_store("s").count() == 0


def test_synchronous_code_reaches_the_databases(daemon):
    async def fill(client: Any) -> Any:
        with await client.indexed_db().open("d", 1, upgrade=lambda db, *_: db.create_object_store("s")) as db:
            await db.transaction("s", "readwrite").object_store("s").put(1, 1)
            return await client.indexed_db().databases()

    with tfjsd.connect(home=daemon.home, autostart=False) as client:
        assert client.run(fill) == [("d", 1)]
