"""How long a body may take: the peer's time counts, the daemon's own does not."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader, web

from tfjsd.daemon.body_reader import BodyReader
from tfjsd.errors import BadRequestError


@pytest.fixture
async def stream():
    return StreamReader(Mock(), 2**20, loop=asyncio.get_running_loop())


def reader(stream: StreamReader, pause: float) -> BodyReader:
    return BodyReader(cast("web.BaseRequest", SimpleNamespace(content=stream, content_length=None)), pause=pause)


async def test_a_daemon_that_is_busy_makes_nobody_silent(stream):
    body = reader(stream, pause=2.0)
    loop = asyncio.get_running_loop()
    for _ in range(4):
        loop.call_later(0.01, stream.feed_data, b"x" * 1000)
        assert await body.exactly(1000)  # waited for
        stream.feed_data(b"x" * 1000)
        await asyncio.sleep(0.8)
        assert await body.exactly(1000)  # at hand


async def test_a_peer_that_trickles_is_refused(stream):
    body = reader(stream, pause=0.5)

    async def trickle():
        while True:
            stream.feed_data(b"x")
            await asyncio.sleep(0.02)

    feeding = asyncio.create_task(trickle())
    with pytest.raises(BadRequestError, match=r"stopped coming for 0\.5 seconds"):
        await body.exactly(100_000)
    feeding.cancel()
