"""One loop's session with the daemon: messages out and in, and whom they concern."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from ...errors import AbortError, BadRequestError, DaemonUnavailableError, TfjsdError
from ...wire.indexed_db import MAX_REQUEST, PATH, SESSION_HEADER, Message
from ...wire.indexed_db_errors import problem_from_json
from ...wire.model_path import with_query
from .. import on_loop
from ..session import Session
from .web_socket import WebSocket, shake_hands

if TYPE_CHECKING:
    from .remote_connection import RemoteOpening
    from .remote_transaction import RemoteTransaction

Answer = Callable[[Message | None, BaseException | None], bool]
"""Takes a message for a request, or what went wrong; True once there will be no more."""

_LINGER_SECONDS: Final = 1.0


class RemoteSession:
    """Belongs to the loop that made it. It connects by itself and closes when nothing is open any more."""

    def __init__(self, client: Session, loop: asyncio.AbstractEventLoop) -> None:
        self.client = client
        self.loop = loop
        self.token = ""
        self._is_over = False
        self._process = os.getpid()
        self.numbers = count(1)
        self.openings: dict[int, RemoteOpening] = {}
        self.transactions: dict[int, RemoteTransaction] = {}
        self._answers: dict[int, Answer] = {}
        self._thread = threading.get_ident()
        self._web_socket = WebSocket(self._received, self._lost)
        self._waiting: list[bytes] | None = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: asyncio.TimerHandle | None = None
        self.spawn(self._connect())

    @property
    def is_over(self) -> bool:
        """Whether it carries nothing any more. A forked process has no part in its parent's session."""
        return self._is_over or self.loop.is_closed() or self._process != os.getpid()

    def was_cut(self, problem: BaseException) -> bool:
        """Whether it ended because its connection broke, as when the daemon is started anew."""
        return bool(self.token) and isinstance(problem, DaemonUnavailableError)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something beside the session, which ends it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            handshake = await on_loop.run(shake_hands(self.client, with_query(PATH, self.client.query())))
        except Exception as problem:  # noqa: BLE001 (it is what everybody who waits is told)
            self.end(problem)
            return
        self.token = handshake.headers.get(SESSION_HEADER, "")
        if self.is_over:
            handshake.connection.close()
            return
        await self._web_socket.attach(handshake)
        waiting, self._waiting = self._waiting or [], None
        for data in waiting:
            self._web_socket.send(data)

    # -- Out --

    def send(self, message: Message) -> None:
        """Raises BadRequestError where it is too long."""
        data = message.encode()
        if len(data) > MAX_REQUEST:
            raise BadRequestError(f"A request of {len(data)} bytes passes the limit of {MAX_REQUEST}.")
        if self.is_over:
            return
        if self._waiting is not None:
            self._waiting.append(data)
        else:
            self._web_socket.send(data)

    def in_loop(self, function: Callable[[], None]) -> None:
        """Runs ``function`` in the session's thread: at once, if this is it. A finalizer may run in any."""
        if self.is_over:
            return
        if threading.get_ident() == self._thread:
            function()
        else:
            self.loop.call_soon_threadsafe(function)

    def expect(self, answer: Answer) -> int:
        """The number of a request whose answer is taken."""
        number = next(self.numbers)
        self._answers[number] = answer
        return number

    def forget(self, request: int) -> None:
        self._answers.pop(request, None)

    # -- In --

    def _received(self, data: bytes) -> None:
        try:
            message = Message.decode(data)
            self._dispatch(message)
        except BadRequestError as problem:
            self.end(problem)

    def _dispatch(self, message: Message) -> None:
        if "request" in message.fields:
            self._answered(message.number("request"), message)
        elif "transaction" in message.fields:
            transaction = self.transactions.get(message.number("transaction"))
            if transaction is not None:
                transaction.failed(problem_of(message))
        else:
            opening = self.openings.get(message.number("connection"))
            if opening is not None:
                opening.take(message)

    def _answered(self, request: int, message: Message) -> None:
        answer = self._answers.get(request)
        if answer is None:
            return
        problem = problem_of(message) if message.type == "error" else None
        if answer(None if problem is not None else message, problem):
            self._answers.pop(request, None)
            self.settle_down()

    def _lost(self, problem: Exception | None) -> None:
        why = f": {problem}" if problem is not None else ""
        self.end(DaemonUnavailableError(f"The connection to the daemon was lost{why}."))

    # -- The end --

    def settle_down(self) -> None:
        """Closes soon, unless something is open."""
        if not self._is_used and not self.is_over and self._closing is None and not self.loop.is_closed():
            self._closing = self.loop.call_later(_LINGER_SECONDS, self._close_if_unused)

    @property
    def _is_used(self) -> bool:
        return bool(self.openings or self.transactions or self._answers)

    def _close_if_unused(self) -> None:
        self._closing = None
        if not self._is_used:
            self.close()

    def close(self) -> None:
        """What is open is aborted and closed. Idempotent."""
        self.end(AbortError("The store was closed."))

    def _cancel_tasks(self) -> None:
        for task in list(self._tasks):
            if task is not asyncio.current_task(self.loop):
                task.cancel()

    def end(self, problem: BaseException) -> None:
        """Tells everybody. Idempotent."""
        if self._is_over or self._process != os.getpid():
            return
        self._is_over = True
        self._waiting = []
        if self._closing is not None:
            self._closing.cancel()
        if not self.loop.is_closed():
            self._web_socket.close()
            self._cancel_tasks()
        transactions, self.transactions = list(self.transactions.values()), {}
        openings, self.openings = list(self.openings.values()), {}
        answers, self._answers = list(self._answers.values()), {}
        for transaction in transactions:
            transaction.lost(problem)
        for opening in openings:
            opening.lost(problem)
        for answer in answers:
            answer(None, problem)


def problem_of(message: Message) -> TfjsdError:
    """The error that a message tells of."""
    return problem_from_json(message.fields.get("error"))
