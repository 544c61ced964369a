"""What is asked of the daemon and what it answers, apart from how it travels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..storage_backends.abc import Buffer

Progress = Callable[[int, int | None], None]


class Request:
    """One HTTP request.

    ``body`` is a sequence of buffers, sent as they are (nothing is joined), or an iterator of them, sent in chunks.
    ``reads`` says that the request changes nothing and may therefore be sent twice.
    """

    __slots__ = ("body", "headers", "method", "on_progress", "reads", "target")

    def __init__(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Iterable[Buffer] = (),
        reads: bool | None = None,
        on_progress: Progress | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = dict(headers or {})
        self.body = body
        self.reads = method in ("GET", "HEAD") if reads is None else reads
        self.on_progress = on_progress

    @property
    def repeatable(self) -> bool:
        """Whether the body can be sent from its start again."""
        return not isinstance(self.body, Iterator)


class Response:
    """One HTTP answer; header names are in lower case, ``body`` is read-only and belongs to the receiver."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: memoryview) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()
