"""What waits for a client to read, and who waits for that."""

import asyncio
import threading

from tfjsd.daemon.indexed_db.outbox import Outbox

HUGE = bytes(5 << 20)


async def test_the_loop_that_empties_it_does_not_wait_for_room():
    outbox, written = Outbox(), []

    async def write(frame):
        written.append(len(frame))

    for _ in range(3):
        outbox.send(HUGE)
    await outbox.flush(write)
    assert written == [len(HUGE)] * 3


async def test_another_thread_waits_for_room():
    outbox, sent = Outbox(), []

    async def write(_frame):
        await asyncio.sleep(0)

    def send():
        for number in range(3):
            outbox.send(HUGE)
            sent.append(number)

    thread = threading.Thread(target=send)
    thread.start()
    while not sent:
        await asyncio.sleep(0.001)
    assert sent == [0]
    while thread.is_alive():
        await outbox.flush(write)
    thread.join()
    assert sent == [0, 1, 2]
