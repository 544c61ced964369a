"""``multipart/form-data`` as TensorFlow.js's http handler sends a model, and a parser that is fed in chunks.

https://www.rfc-editor.org/rfc/rfc7578 · https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import InvalidArtifactsError
from ..storage_backends.abc import Buffer
from .composite_buffer import CompositeBuffer, flat_view
from .io_utils import basename
from .model_json import ModelJSON, model_json_text, parse_model_json

MODEL_JSON = "model.json"
WEIGHTS = "model.weights.bin"
MAX_HEADER_BYTES = 32 << 10
"""Headers of one part, and what may stand before the first part."""

_BOUNDARY = re.compile(r";\s*boundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70})(?=[\s;]|$))", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*([\w-]+)=(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;\"]*))")
_MAX_PADDING = 256


@dataclass(frozen=True, slots=True)
class PartBegin:
    """The headers of a part, names in lower case; ``name`` and ``filename`` are its Content-Disposition's."""

    headers: Mapping[str, str]
    name: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """Bytes of the current part: a view of the chunk that was fed, valid as long as that chunk is."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The current part is complete."""


Event = PartBegin | PartData | PartEnd

_Step = Callable[[memoryview, int, list[Event]], int | None]


def boundary_of(content_type: str) -> str:
    """The boundary of a Content-Type. Raises InvalidArtifactsError unless it is multipart/form-data with one."""
    kind = content_type.partition(";")[0].strip().lower()
    match = _BOUNDARY.search(content_type)
    if kind != "multipart/form-data" or match is None or not (match[1] or match[2]).isascii():
        raise InvalidArtifactsError(f"expected multipart/form-data with a boundary, received {content_type[:200]!r}")
    return match[1] or match[2]


class MultipartReader:
    """Events of a body that arrives in chunks of any size; keeps no more of it than a header block or a delimiter.

    >>> reader = MultipartReader(boundary_of(content_type))
    >>> for chunk in chunks:
    ...     for event in reader.feed(chunk): ...
    >>> reader.close()
    """

    def __init__(self, boundary: str, *, max_header_bytes: int = MAX_HEADER_BYTES) -> None:
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        self._search = re.compile(re.escape(self._delimiter)).search
        self._max_header_bytes = max_header_bytes
        self._kept = b""
        self._step: _Step = self._read_start

    def feed(self, chunk: Buffer) -> list[Event]:
        """What the chunk completes; data as views of the chunk.

        Raises InvalidArtifactsError for malformed or oversized headers.
        """
        view = flat_view(self._kept + bytes(chunk) if self._kept else chunk)
        self._kept = b""
        events: list[Event] = []
        position = 0
        while (after := self._step(view, position, events)) is not None:
            position = after
        return events

    def close(self) -> None:
        """Raises InvalidArtifactsError where the body ended before its last delimiter."""
        if self._step != self._read_epilogue:
            raise InvalidArtifactsError("the multipart body is truncated")

    # Each step reads from ``position`` and returns where the next one reads on, or None when it needs more bytes.

    def _wait(self, view: memoryview, position: int) -> None:
        """Needs more bytes; keeps those that it has not used."""
        self._kept = bytes(view[position:])

    def _read_start(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        """The first delimiter, which no line end need precede."""
        opening = self._delimiter[2:]
        head = bytes(view[: len(opening)])
        if len(head) < len(opening) and opening.startswith(head):
            self._wait(view, 0)
            return None
        self._step = self._read_preamble
        if head == opening:
            self._step = self._read_after_delimiter
            return len(opening)
        return 0

    def _read_preamble(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        return self._read_to_delimiter(view, position, [])  # what stands before the first part means nothing

    def _read_data(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        return self._read_to_delimiter(view, position, events)

    def _read_to_delimiter(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        found = self._search(view, position)
        end = found.start() if found else self._possible_delimiter(view, position)
        if end > position:
            events.append(PartData(view[position:end]))
        if found is None:
            self._wait(view, end)
            return None
        events.append(PartEnd())
        self._step = self._read_after_delimiter
        return found.end()

    def _possible_delimiter(self, view: memoryview, position: int) -> int:
        """Where a delimiter begins whose end is still to come; the end of the view if nowhere."""
        first = max(position, len(view) - len(self._delimiter) + 1)
        tail = bytes(view[first:])
        start = tail.rfind(b"\r")  # the delimiter holds no other one
        return first + start if start >= 0 and self._delimiter.startswith(tail[start:]) else len(view)

    def _read_after_delimiter(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        """``--`` after the last delimiter, else the rest of its line."""
        line = bytes(view[position : position + _MAX_PADDING])
        if line.startswith(b"--"):
            self._step = self._read_epilogue
            return position
        end = line.find(b"\r\n")
        if end < 0 and len(line) < _MAX_PADDING:
            self._wait(view, position)
            return None
        if end < 0 or line[:end].strip(b" \t"):
            raise InvalidArtifactsError("the multipart body has text after a boundary")
        self._step = self._read_headers
        return position + end

    def _read_headers(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        block = bytes(view[position : position + self._max_header_bytes])
        end = block.find(b"\r\n\r\n")
        if end < 0 and len(block) < self._max_header_bytes:
            self._wait(view, position)
            return None
        if end < 0:
            raise InvalidArtifactsError(f"a multipart part has more than {self._max_header_bytes} bytes of headers")
        events.append(_part_begin(block[:end]))
        self._step = self._read_data
        return position + end + 4

    def _read_epilogue(self, view: memoryview, position: int, events: list[Event]) -> int | None:
        return None


def _part_begin(block: bytes) -> PartBegin:
    headers = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    parameters = {
        match[1].lower(): match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
        for match in _PARAMETER.finditer(disposition)
    }
    if "name" not in parameters:
        raise InvalidArtifactsError("a multipart part has no Content-Disposition with a name")
    return PartBegin(headers, parameters["name"], parameters.get("filename"))


# -- Models ------------------------------------------------------------------------------------------------------------


def encode_multipart(
    texts: Mapping[str, str], weight_data: Buffer | Sequence[Buffer] | CompositeBuffer | None
) -> tuple[str, list[Buffer]]:
    """Content type and body (in pieces; the weights are not copied) of what tfjs sends for ``model.save('http://…')``."""
    boundary = f"----WebKitFormBoundary{os.urandom(8).hex()}"
    model_json = model_json_text(texts, [f"./{WEIGHTS}"]).encode()
    pieces: list[Buffer] = [_opening(boundary, MODEL_JSON, "application/json"), model_json]
    if weight_data is not None:
        pieces.append(b"\r\n" + _opening(boundary, WEIGHTS, "application/octet-stream"))
        pieces += CompositeBuffer(weight_data).parts
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", pieces


def _opening(boundary: str, name: str, content_type: str) -> bytes:
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    ).encode()


def model_parts(content_type: str, body: Buffer) -> tuple[ModelJSON, list[memoryview] | None]:
    """The model.json of a body and its weight files in the manifest's order (None: no such part); views of ``body``.

    Raises InvalidArtifactsError for a truncated or malformed body, a missing part, and one that belongs to no model.
    """
    parts = _read_parts(content_type, body)
    if MODEL_JSON not in parts:
        raise InvalidArtifactsError(f"the multipart body has no part named '{MODEL_JSON}'")
    model_json = parse_model_json(bytes(parts.pop(MODEL_JSON)))
    if not parts:
        return model_json, None
    names = [basename(path) for path in model_json.paths]
    for name in names:
        if name not in parts:
            raise InvalidArtifactsError(f"Weight file with basename '{name}' is not provided.")
    if unknown := [name for name in parts if name not in names]:
        raise InvalidArtifactsError(f"the multipart body has a part that is no file of the model: '{unknown[0]}'")
    return model_json, [parts[name] for name in names]


def _read_parts(content_type: str, body: Buffer) -> dict[str, memoryview]:
    reader = MultipartReader(boundary_of(content_type))
    parts: dict[str, memoryview] = {}
    name, data = "", memoryview(b"")
    for event in reader.feed(body):
        if isinstance(event, PartBegin):
            name, data = event.name, memoryview(b"")
        elif isinstance(event, PartData):
            data = event.data  # the body is one chunk, so a part's data is one piece
        elif name in parts:
            raise InvalidArtifactsError(f"the multipart body has two parts named '{name}'")
        else:
            parts[name] = data
    reader.close()
    return parts
