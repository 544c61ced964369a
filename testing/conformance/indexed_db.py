"""What every ``AsyncStore.indexed_db()`` must do, in process or across a socket.

>>> class TestMyDatabases(IndexedDBConformance):
...     @pytest.fixture
...     def opening(self):
...         return open_my_store()  # an asynchronous context manager; the origin is empty
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest

from ...errors import AbortError, ConstraintError, DOMError, InvalidStateError, NotFoundError, VersionError
from ...model_io.store import AsyncStore
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_factory import IDBFactory
from ...storage_backends.indexed_db.idb_key_range import IDBKeyRange
from ...storage_backends.indexed_db.idb_transaction import IDBTransaction
from ...storage_backends.script_types import UNDEFINED

BOOKS = [{"isbn": 3, "author": "b"}, {"isbn": 1, "author": "a"}, {"isbn": 2, "author": "b"}]


def make_shop(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
    """Books by number, with an index of authors, and a store whose keys are generated."""
    books = db.create_object_store("books", key_path="isbn")
    books.create_index("by_author", "author")
    db.create_object_store("log", auto_increment=True)


class IndexedDBConformance:
    """Inherit, and provide ``opening``."""

    @pytest.fixture
    def opening(self) -> AbstractAsyncContextManager[AsyncStore]:
        raise NotImplementedError("provide the fixture `opening`")

    @pytest.fixture
    async def factory(self, opening: AbstractAsyncContextManager[AsyncStore]) -> AsyncIterator[IDBFactory]:
        async with opening as store:
            yield store.indexed_db()

    @pytest.fixture
    async def shop(self, factory: IDBFactory) -> AsyncIterator[IDBDatabase]:
        """An open database with three books."""
        with await factory.open("shop", 1, upgrade=make_shop) as db:
            async with db.transaction("books", "readwrite") as tx:
                for book in BOOKS:
                    tx.object_store("books").put(book)
            yield db

    # -- Databases --

    async def test_a_database_is_made_listed_and_deleted(self, factory: IDBFactory) -> None:
        assert await factory.databases() == []
        with await factory.open("shop", 2, upgrade=make_shop) as db:
            assert (db.name, db.version, db.object_store_names) == ("shop", 2, ["books", "log"])
            assert await factory.databases() == [("shop", 2)]
        request = factory.delete_database("shop")
        await request
        assert (request.old_version, await factory.databases()) == (2, [])

    async def test_names_are_kept_to_the_code_unit(self, factory: IDBFactory) -> None:
        names = ["", "ä/\n😀", "\ud800", "a" * 300]
        for name in names:
            (await factory.open(name)).close()
        assert sorted(info.name for info in await factory.databases()) == sorted(names)

    @pytest.mark.parametrize("name", [5, None, b"x", 1.5, ["s"]])
    async def test_names_that_are_no_strings_are_refused(self, factory: IDBFactory, name: Any) -> None:
        refused: list[str] = []

        def upgrade(db: Any, tx: Any, old: int, new: int) -> None:
            store = db.create_object_store("s")
            index = store.create_index("i", "a")
            for which, call in (
                ("create a store", lambda: db.create_object_store(name)),
                ("delete a store", lambda: db.delete_object_store(name)),
                ("rename a store", lambda: setattr(store, "name", name)),
                ("create an index", lambda: store.create_index(name, "a")),
                ("delete an index", lambda: store.delete_index(name)),
                ("rename an index", lambda: setattr(index, "name", name)),
                ("find an index", lambda: store.index(name)),
                ("find a store", lambda: tx.object_store(name)),
            ):
                with pytest.raises(TypeError):
                    call()
                refused.append(which)

        with await factory.open("d", 1, upgrade=upgrade) as db:
            assert (len(refused), db.object_store_names) == (8, ["s"])
            with pytest.raises(TypeError):
                db.transaction([name])
        for call in (factory.open, factory.delete_database):
            with pytest.raises(TypeError):
                call(name)
        assert await factory.databases() == [("d", 1)]

    async def test_a_character_and_its_surrogates_are_one_name(self, factory: IDBFactory) -> None:
        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            store = db.create_object_store("😀")
            store.create_index("\ud83d\ude00", "n")
            with pytest.raises(ConstraintError):
                db.create_object_store("\ud83d\ude00")
            with pytest.raises(ConstraintError):
                store.create_index("😀", "n")

        (await factory.open("d", 1, upgrade=upgrade)).close()
        with await factory.open("d") as db:
            store = db.transaction("\ud83d\ude00").object_store("\ud83d\ude00")
            assert (store.name, store.index("\ud83d\ude00").name) == ("😀", "😀")
            assert store.index("\ud83d\ude00") is store.index("😀")

    async def test_an_older_version_is_refused(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        (await factory.open("shop")).close()
        shop.close()
        (await factory.open("shop", 5)).close()
        with pytest.raises(VersionError, match="less than the existing version"):
            await factory.open("shop", 4)

    async def test_an_upgrade_that_raises_is_taken_back(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        shop.close()

        async def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            db.delete_object_store("log")
            tx.object_store("books").name = "volumes"
            await tx.object_store("volumes").clear()
            raise ValueError("no")

        with pytest.raises(AbortError) as caught:
            await factory.open("shop", 2, upgrade=upgrade)
        assert isinstance(caught.value.__cause__, ValueError)
        with await factory.open("shop") as db:
            assert (db.version, db.object_store_names) == (1, ["books", "log"])
            assert await db.transaction("books").object_store("books").count() == 3

    async def test_an_upgrade_changes_stores_and_indexes(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        shop.close()

        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            books = tx.object_store("books")
            books.name = "volumes"
            books.index("by_author").name = "authors"
            books.create_index("pairs", ["author", "isbn"], unique=True)
            db.delete_object_store("log")

        with await factory.open("shop", 2, upgrade=upgrade) as db:
            assert db.object_store_names == ["volumes"]
            volumes = db.transaction("volumes").object_store("volumes")
            assert volumes.index_names == ["authors", "pairs"]
            assert await volumes.index("pairs").get_key(["b", 3]) == 3
            assert await volumes.index("authors").get_all_keys("b") == [2, 3]

    @pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit, ValueError])
    @pytest.mark.parametrize("is_async", [False, True])
    async def test_whatever_an_upgrade_raises_takes_it_back(
        self, factory: IDBFactory, kind: type[BaseException], is_async: bool
    ) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # an unfinished task is told of

        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            db.create_object_store("s")
            raise kind("no")

        async def asynchronous(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            await tx.db.create_object_store("t").put(1, 1)
            upgrade(db, tx, old, new)

        with pytest.raises(AbortError) as caught:
            async with asyncio.timeout(20):
                await factory.open("d", 1, upgrade=asynchronous if is_async else upgrade)
        assert isinstance(caught.value.__cause__, kind)
        assert await factory.databases() == []

    @pytest.mark.parametrize("turns", [1, 2, 3, 10, 30])
    async def test_an_open_that_is_cancelled_leaves_no_connection(self, factory: IDBFactory, turns: int) -> None:
        async def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            await db.create_object_store("s").put(1, 1)

        async def opened(request: Any) -> Any:
            return await request

        request = factory.open("d", 1, upgrade=upgrade)
        task = asyncio.create_task(opened(request))
        for _ in range(turns):
            await asyncio.sleep(0)
        is_open = task.done()
        task.cancel()
        await asyncio.wait([task])
        if is_open:
            task.result().close()
        async with asyncio.timeout(20):
            await factory.delete_database("d")

    async def test_an_open_that_somebody_else_awaits_is_not_cancelled(self, factory: IDBFactory) -> None:
        async def opened(request: Any) -> Any:
            return await request

        request = factory.open("d", 1, upgrade=make_shop)
        tasks = [asyncio.create_task(opened(request)) for _ in range(2)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        with await tasks[1] as db:
            assert db.object_store_names == ["books", "log"]
            assert await request is db

    async def test_an_asynchronous_listener_may_close_before_others_are_blocked(self, factory: IDBFactory) -> None:
        async def close(event: Any) -> None:
            await asyncio.sleep(0)
            event.target.close()

        blocked: list[Any] = []
        db = await factory.open("shop", 1, upgrade=make_shop, versionchange=close)
        await factory.delete_database("shop", blocked=blocked.append)
        assert (blocked, db.is_closing) == ([], True)

    async def test_an_index_that_cannot_be_unique_aborts_the_upgrade(
        self, factory: IDBFactory, shop: IDBDatabase
    ) -> None:
        shop.close()

        def upgrade(db: IDBDatabase, tx: IDBTransaction, old: int, new: int) -> None:
            tx.object_store("books").create_index("unique", "author", unique=True)

        with pytest.raises(AbortError) as caught:
            await factory.open("shop", 2, upgrade=upgrade)
        assert isinstance(caught.value.__cause__, ConstraintError)

    async def test_other_connections_are_told(self, factory: IDBFactory, shop: IDBDatabase) -> None:
        events: list[tuple[int, int | None]] = []

        def close(event: Any) -> None:
            events.append((event.old_version, event.new_version))
            watching.close()

        watching = await factory.open("shop", versionchange=close)
        shop.close()
        (await factory.open("shop", 2)).close()
        assert (events, watching.is_closing) == ([(1, 2)], True)

    # -- Records --

    async def test_records_are_read_in_order(self, shop: IDBDatabase) -> None:
        books = shop.transaction("books").object_store("books")
        assert [book["isbn"] for book in await books.get_all()] == [1, 2, 3]
        assert await books.get(2) == {"isbn": 2, "author": "b"}
        assert await books.get(9) is UNDEFINED
        assert await books.get_all_keys(IDBKeyRange.lower_bound(1, True), 1) == [2]
        assert await books.count(IDBKeyRange.bound(1, 2)) == 2
        assert [record.key for record in await books.index("by_author").get_all_records()] == ["a", "b", "b"]

    async def test_keys_are_generated(self, shop: IDBDatabase) -> None:
        tx = shop.transaction("log", "readwrite")
        log = tx.object_store("log")
        assert [await log.add("a"), await log.put("b", 10), await log.add("c")] == [1, 10, 11]
        await tx.done

    async def test_cursors_walk_update_and_delete(self, shop: IDBDatabase) -> None:
        async with shop.transaction("books", "readwrite") as tx:
            books = tx.object_store("books")
            async for cursor in books.iterate(None, "prev"):
                if cursor.key == 3:
                    await cursor.delete()
                else:
                    await cursor.update({"isbn": cursor.key, "author": "new"})
        books = shop.transaction("books").object_store("books")
        assert [(book["isbn"], book["author"]) for book in await books.get_all()] == [(1, "new"), (2, "new")]

    async def test_a_cursor_goes_where_it_is_sent(self, shop: IDBDatabase) -> None:
        async with shop.transaction("log", "readwrite") as tx:
            for number in range(300):
                tx.object_store("log").put(number, number)
        log = shop.transaction("log").object_store("log")
        cursor: Any = await log.open_cursor(IDBKeyRange.lower_bound(10))
        seen = [cursor.key]
        for _ in range(100):
            cursor = await cursor.continue_()
            seen.append(cursor.value)
        cursor = await cursor.advance(50)
        cursor = await cursor.continue_(250)
        assert (seen, cursor.key) == (list(range(10, 111)), 250)
        assert await (await cursor.continue_(299)).continue_() is None

    async def test_values_come_back_as_they_were(self, shop: IDBDatabase) -> None:
        shared = [1]
        value = {
            "numbers": [0, -1, 1.5, 2**60, -0.0],
            "none": [None, UNDEFINED, True],
            "text": "ä\ud800😀" * 10,
            "bytes": bytes(range(256)),
            "large": bytes(range(256)) * 2000,
            "long": "x" * 300_000,
            "date": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "map": {1: "a"},
            "set": {1, 2},
            "shared": [shared, shared],
        }
        async with shop.transaction("log", "readwrite") as tx:
            await tx.object_store("log").put(value, "v")
        found = await shop.transaction("log").object_store("log").get("v")
        assert list(found) == list(value)
        assert all(found[name] == value[name] for name in value if name not in ("map", "set"))
        assert found["shared"][0] is found["shared"][1]
        assert (dict(found["map"]), set(found["set"])) == ({1: "a"}, {1, 2})

    async def test_arrays_keep_dtype_and_shape(self, shop: IDBDatabase) -> None:
        numpy = pytest.importorskip("numpy")
        matrix = numpy.arange(6, dtype="float32").reshape(2, 3)
        arrays = [matrix, numpy.ones((200, 300), "float64"), numpy.zeros(0, "int8")]
        async with shop.transaction("log", "readwrite") as tx:
            tx.object_store("log").put(arrays, "a")
        found = await shop.transaction("log").object_store("log").get("a")
        assert [(array.dtype, array.shape) for array in found] == [(array.dtype, array.shape) for array in arrays]
        assert all((got == put).all() for got, put in zip(found, arrays, strict=True))

    # -- Transactions --

    async def test_an_abort_takes_everything_back(self, shop: IDBDatabase) -> None:
        tx = shop.transaction(["books", "log"], "readwrite")
        await tx.object_store("books").clear()
        await tx.object_store("log").add("x")
        tx.abort()
        with pytest.raises(AbortError):
            await tx.done
        tx = shop.transaction(["books", "log"], "readwrite")
        assert await tx.object_store("books").count() == 3
        assert await tx.object_store("log").add("y") == 1

    async def test_a_failed_request_aborts_unless_it_is_prevented(self, shop: IDBDatabase) -> None:
        tx = shop.transaction("books", "readwrite")
        with pytest.raises(ConstraintError):
            await tx.object_store("books").add({"isbn": 1}).prevent_default()
        await tx.object_store("books").put({"isbn": 4})
        await tx.done
        tx = shop.transaction("books", "readwrite")
        tx.object_store("books").put({"isbn": 5})
        with pytest.raises(ConstraintError):
            await tx.object_store("books").add({"isbn": 1})
        with pytest.raises(ConstraintError):
            await tx.done
        assert await shop.transaction("books").object_store("books").get_all_keys() == [1, 2, 3, 4]

    async def test_writers_take_turns_and_readers_do_not_wait_for_each_other(self, shop: IDBDatabase) -> None:
        order: list[str] = []

        async def write(name: str) -> None:
            async with shop.transaction("log", "readwrite") as tx:
                order.append(f"{name} begins")
                await tx.object_store("log").add(name)
                await tx.object_store("log").get_all()
                order.append(f"{name} ends")

        await asyncio.gather(write("first"), write("second"))
        assert await shop.transaction("log").object_store("log").get_all() == ["first", "second"]
        counts = [shop.transaction("log").object_store("log").count() for _ in range(2)]
        assert [await count for count in counts] == [2, 2]
        assert order.index("first ends") < order.index("second ends")

    async def test_transactions_that_live_at_once_may_put_equal_binaries(self, shop: IDBDatabase) -> None:
        data = bytes(range(256)) * 1024

        async def put(store: str, value: Any) -> None:
            async with shop.transaction(store, "readwrite") as tx:
                await tx.object_store(store).put(value)

        await asyncio.gather(*(put("books", {"isbn": n, "cover": data}) for n in range(5)), put("log", data))
        books = await shop.transaction("books").object_store("books").get_all(IDBKeyRange.upper_bound(4))
        assert [bytes(book["cover"]) for book in books] == [data] * 5
        assert [bytes(entry) for entry in await shop.transaction("log").object_store("log").get_all()] == [data]

    async def test_requests_that_nobody_awaits_are_carried_out_in_order(self, shop: IDBDatabase) -> None:
        tx = shop.transaction("log", "readwrite", durability="relaxed")
        for number in range(200):
            tx.object_store("log").put(number, number % 50)
        await tx.commit()
        assert await shop.transaction("log").object_store("log").get_all() == list(range(150, 200))

    async def test_a_callback_that_raises_aborts_its_transaction_and_is_reported(self, shop: IDBDatabase) -> None:
        reported: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
        tx = shop.transaction("log", "readwrite")
        first, second = (tx.object_store("log").put(number) for number in range(2))
        first.add_done_callback(lambda _: 1 / 0)
        async with asyncio.timeout(20):
            with pytest.raises(AbortError) as caught:
                await tx.done
            with pytest.raises(AbortError):
                await second
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert reported == [caught.value.__cause__]
        assert (await first, await shop.transaction("log").object_store("log").count()) == (1, 0)

    async def test_a_callback_that_raises_keeps_nobody_from_hearing_of_the_end(self, shop: IDBDatabase) -> None:
        reported: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
        tx = shop.transaction("log", "readwrite")
        tx.object_store("log").put(1)
        tx.add_done_callback(lambda _: 1 / 0)
        async with asyncio.timeout(20):
            await tx.done
        assert [type(problem) for problem in reported] == [ZeroDivisionError]

    async def test_an_aborted_request_says_why(self, shop: IDBDatabase) -> None:
        tx = shop.transaction("books", "readwrite")
        with pytest.raises(ConstraintError):
            await tx.object_store("books").add(BOOKS[0])
        overtaken = tx.object_store("books").put({"isbn": 9})
        with pytest.raises(AbortError) as caught:
            await overtaken
        assert isinstance(caught.value.__cause__, ConstraintError)
        assert caught.value.__cause__ is tx.error

    async def test_a_block_of_an_ended_transaction_cannot_be_entered(self, shop: IDBDatabase) -> None:
        tx = shop.transaction("log")
        await tx.done
        for ended in (tx, shop.transaction("log")):
            if ended.is_active:
                ended.commit()
            with pytest.raises(InvalidStateError, match="has ended"):
                await ended.__aenter__()

    async def test_a_block_does_not_wait_for_itself(self, shop: IDBDatabase) -> None:
        with pytest.raises(InvalidStateError, match="ends with the block"):
            async with shop.transaction("log") as tx:
                await tx.done
        async with shop.transaction("log", "readwrite") as tx:
            tx.object_store("log").put(1)
            tx.commit()
            await tx.done
        assert await shop.transaction("log").object_store("log").count() == 1

    async def test_closing_the_store_settles_what_is_under_way(
        self, opening: AbstractAsyncContextManager[AsyncStore]
    ) -> None:
        async with opening as store:
            factory = store.indexed_db()
            db = await factory.open("shop", 1, upgrade=make_shop)
            held = db.transaction("log", "readwrite")
            held.hold()
            await held.object_store("log").put(1)
            waiting = db.transaction("log", "readwrite")
            put, opened = waiting.object_store("log").put(1), factory.open("shop", 2)
        for settled in (held.done, put, waiting.done, opened):
            with pytest.raises(AbortError):
                async with asyncio.timeout(20):
                    await settled
        with pytest.raises(InvalidStateError):
            db.transaction("log")

    async def test_misuse_is_raised_by_the_call(self, shop: IDBDatabase) -> None:
        with pytest.raises(NotFoundError):
            shop.transaction("none")
        tx = shop.transaction("books")
        with pytest.raises(DOMError, match="read-only"):
            tx.object_store("books").clear()
        await tx.done
        with pytest.raises(DOMError):
            tx.object_store("books")
