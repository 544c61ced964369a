"""Requests settle in the order in which they were made, whatever the order of their answers."""

from __future__ import annotations

import asyncio

import pytest

from tfjsd.errors import AbortError
from tfjsd.storage_backends.indexed_db.request_queue import RequestQueue

TURNS = 6


@pytest.fixture
async def settled():
    return []


@pytest.fixture
async def queue(settled):
    return RequestQueue(asyncio.get_running_loop(), lambda: None, lambda _, problem: settled.append(problem))


def placed(queue, settled, count):
    requests = [queue.place(None, None, None) for _ in range(count)]
    for number, request in enumerate(requests):
        request.add_done_callback(lambda request, number=number: settled.append((number, request.result)))
    return requests


async def some_turns():
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def test_an_answer_waits_for_those_before_it(queue, settled):
    first, second, third = (request.answered for request in placed(queue, settled, 3))
    second("b", None)
    third("c", None)
    await some_turns()
    assert settled == []
    first("a", None)
    await some_turns()
    assert settled == [(0, "a"), (1, "b"), (2, "c")]
    assert not queue


async def test_what_fails_in_turn_comes_before_what_has_no_answer_yet(queue, settled):
    first, second = (request.answered for request in placed(queue, settled, 2))
    first("a", None)
    problem = AbortError("why")
    queue.fail_in_turn(problem, lambda _: None)
    await some_turns()
    assert settled == [(0, "a"), problem]
    second("b", None)
    await some_turns()
    assert settled == [(0, "a"), problem, (1, "b")]


async def test_nothing_settles_in_a_pause(queue, settled):
    first, second = (request.answered for request in placed(queue, settled, 2))
    queue.pause()
    first("a", None)
    second("b", None)
    await some_turns()
    assert settled == []
    queue.resume()
    await some_turns()
    assert settled == [(0, "a"), (1, "b")]


async def test_at_the_end_all_have_an_error_of_their_own(queue, settled):
    requests = placed(queue, settled, 2)
    requests[0].answered("a", None)
    queue.end(lambda: AbortError("over"))
    await some_turns()
    errors = [request.error for request in requests]
    assert all(isinstance(error, AbortError) for error in errors)
    assert errors[0] is not errors[1]
    assert not queue


async def test_a_result_that_cannot_be_made_is_a_failure_and_holds_up_nobody(queue, settled):
    first = queue.place(None, None, lambda answer: 1 // answer)
    second = queue.place(None, None, None)
    second.add_done_callback(lambda request: settled.append(request.result))
    first.answered(0, None)
    second.answered("b", None)
    await some_turns()
    assert isinstance(settled[0], ZeroDivisionError)
    assert settled[1:] == ["b"]
