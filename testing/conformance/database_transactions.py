"""What every IndexedDB must do with transactions: order them, end them, and take back what failed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ...errors import AbortError, ConstraintError, DOMError, InvalidStateError, NotFoundError
from ...storage_backends.indexed_db.idb_database import IDBDatabase
from ...storage_backends.indexed_db.idb_key_range import IDBKeyRange
from .shop import BOOKS


class DatabaseTransactions:
    """Needs a fixture ``shop``: a database with `BOOKS`."""

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

    async def test_misuse_is_raised_by_the_call(self, shop: IDBDatabase) -> None:
        with pytest.raises(NotFoundError):
            shop.transaction("none")
        tx = shop.transaction("books")
        with pytest.raises(DOMError, match="read-only"):
            tx.object_store("books").clear()
        await tx.done
        with pytest.raises(DOMError):
            tx.object_store("books")
