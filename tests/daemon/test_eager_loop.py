"""Who asks to be asked first is, and takes nothing from the rest of the loop."""

import asyncio
import os
import socket

import pytest

from tfjsd.daemon.eager_loop import Arrival, EagerLoop


class Gathering(asyncio.Protocol):
    def __init__(self):
        self.data = bytearray()
        self.arrived = asyncio.Event()

    def data_received(self, data):
        self.data += data
        self.arrived.set()


class Meeting:
    """A transport on one end of a pair of sockets, whose bytes ``handler`` sees first."""

    def __init__(self, loop, handler):
        self.loop = loop
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.asked = 0
        self._handler = handler

    async def __aenter__(self):
        self.transport, self.protocol = await self.loop.create_connection(Gathering, sock=self.here)
        self.loop.ask_first(self.here.fileno(), self._ask)
        return self

    async def __aexit__(self, *_):
        self.loop.ask_no_more(self.here.fileno())
        self.transport.close()
        self.there.close()
        await asyncio.sleep(0)

    def _ask(self):
        self.asked += 1
        return self._handler(self)


def echo(meeting):
    os.write(meeting.here.fileno(), os.read(meeting.here.fileno(), 100))
    return Arrival.ANSWERED


def leave(meeting):
    return Arrival.UNTOUCHED


def schedule(meeting):
    meeting.loop.call_soon(meeting.protocol.data_received, os.read(meeting.here.fileno(), 100))
    return Arrival.SCHEDULED


@pytest.fixture
def within():
    """Runs a test's coroutine on a loop of the daemon's kind."""

    def run(function):
        async def limited():
            async with asyncio.timeout(30):
                await function(asyncio.get_running_loop())

        with asyncio.Runner(loop_factory=EagerLoop) as runner:
            runner.run(limited())

    return run


def test_what_the_handler_answers_does_not_reach_the_protocol(within):
    async def scenario(loop):
        async with Meeting(loop, echo) as meeting:
            for number in range(50):
                meeting.there.send(b"%d" % number)
                assert await asyncio.to_thread(meeting.there.recv, 100) == b"%d" % number
            assert meeting.asked == 50
            assert not meeting.protocol.data

    within(scenario)


@pytest.mark.parametrize("handler", [leave, schedule])
def test_what_it_does_not_answer_reaches_the_protocol(within, handler):
    async def scenario(loop):
        async with Meeting(loop, handler) as meeting:
            meeting.there.send(b"something")
            await meeting.protocol.arrived.wait()
            assert meeting.protocol.data == b"something"

    within(scenario)


def test_nobody_is_asked_any_more(within):
    async def scenario(loop):
        async with Meeting(loop, echo) as meeting:
            loop.ask_no_more(meeting.here.fileno())
            meeting.there.send(b"something")
            await meeting.protocol.arrived.wait()
            assert not meeting.asked

    within(scenario)


def test_others_are_served_while_one_keeps_the_handler_busy(within):
    def never_read(meeting):
        return Arrival.ANSWERED  # so that there is always something to read

    async def scenario(loop):
        async with Meeting(loop, never_read) as busy, Meeting(loop, leave) as other:
            busy.there.send(b"again and again")
            other.there.send(b"something")
            await other.protocol.arrived.wait()
            await asyncio.sleep(0.001)
            await asyncio.to_thread(int)
            assert busy.asked

    within(scenario)
