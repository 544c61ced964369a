"""``application/vnd.tfjsd.model``: a whole model as one body, sent and received without a copy of its weights.

::

    u32 LE   length of the header in bytes
    header   JSON object, UTF-8: the artifacts' fields under tfjs's names, as canonical JSON text; and
             "weightDataBytes": n    bytes of weights (absent: the artifacts have no weights)
             "ingest": "<name>"      (save) the weights lie in that file of the ingest directory; none follow
             "modelArtifactsInfo"    (load) what the store says of the model
             "blob": {…}             (mapped load) where the weights lie; none follow
    weights  the rest, raw; spaces at the end of the header let them begin at a multiple of 64 bytes
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadRequestError, TooLargeError
from .json_text import dump_json, join_members, parse_json, split_members

ALIGNMENT = 64
_LENGTH = struct.Struct("<I")
_RESERVED = ("weightDataBytes", "ingest", "modelArtifactsInfo", "blob")


@dataclass(frozen=True, slots=True)
class MappedBlob:
    """A file that a client of the daemon's own user may map, once ``fstat`` shows the same device, inode and size."""

    path: str
    device: int
    inode: int
    size: int
    digest: str

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "device": self.device,
            "inode": self.inode,
            "size": self.size,
            "digest": self.digest,
        }


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """What comes before the weights. ``texts`` maps tfjs's field names to JSON text, in the order of the wire."""

    texts: Mapping[str, str]
    weight_data_bytes: int | None = None
    ingest: str | None = None
    info: str | None = None
    blob: MappedBlob | None = None

    @property
    def body_weight_bytes(self) -> int:
        """How many bytes of weights follow the header."""
        return 0 if self.ingest is not None or self.blob is not None else self.weight_data_bytes or 0

    def to_text(self) -> str:
        """The header's JSON, spliced from the fields' texts (no field is parsed or rebuilt)."""
        members = dict(self.texts)
        if self.weight_data_bytes is not None:
            members["weightDataBytes"] = str(self.weight_data_bytes)
        if self.ingest is not None:
            members["ingest"] = dump_json(self.ingest)
        if self.info is not None:
            members["modelArtifactsInfo"] = self.info
        if self.blob is not None:
            members["blob"] = dump_json(self.blob.to_json())
        return join_members(members)


def encode_header(header: ModelHeader) -> bytes:
    """Length and header; the weights go after it, from wherever they are.

    Spaces after the JSON let the weights begin at a multiple of 64 bytes: a receiver can use them where they arrive.
    """
    text = header.to_text().encode("utf-8")
    padding = b" " * (-(_LENGTH.size + len(text)) % ALIGNMENT)
    return _LENGTH.pack(len(text) + len(padding)) + text + padding


def parse_header(data: bytes | bytearray | memoryview) -> ModelHeader:
    """The header without its length. Raises BadRequestError. The fields' texts are neither parsed nor canonicalized."""
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise BadRequestError("The header is not UTF-8.") from error
    members = split_members(text)
    own = {name: parse_json(members.pop(name)) for name in _RESERVED[:2] if name in members}
    info = members.pop("modelArtifactsInfo", None)
    blob = members.pop("blob", None)
    return ModelHeader(
        members,
        _checked_count(own.get("weightDataBytes")),
        _checked_name(own.get("ingest")),
        info,
        None if blob is None else _mapped_blob(parse_json(blob)),
    )


class ModelBodyDecoder:
    """Takes a body in pieces of any size; holds only the header in memory.

    >>> decoder = ModelBodyDecoder(header_limit=limits.header_bytes, weights_limit=limits.weights_bytes)
    >>> for piece in pieces:
    ...     sink.write(decoder.feed(piece))
    >>> decoder.finish()
    """

    def __init__(self, *, header_limit: int, weights_limit: int) -> None:
        self._header_limit = header_limit
        self._weights_limit = weights_limit
        self._pending = bytearray()
        self._weights = 0
        self.header: ModelHeader | None = None

    def feed(self, piece: bytes | bytearray | memoryview) -> memoryview:
        """The weights in ``piece`` (a view into it, valid as long as it is); empty while the header is incomplete.

        Raises TooLargeError for a length past its limit before it is read, BadRequestError for a malformed header or
        more weights than the header says.
        """
        view = memoryview(piece)
        if self.header is None:
            view = self._feed_header(view)
        if self.header is not None:
            self._weights += len(view)
            if self._weights > self.header.body_weight_bytes:
                raise BadRequestError(
                    f"The body has more than the {self.header.body_weight_bytes} bytes of weights it declares."
                )
        return view

    def finish(self) -> ModelHeader:
        """The header of a body that has arrived whole. Raises BadRequestError for one that ended early."""
        if self.header is None:
            raise BadRequestError("The body ends inside its header.")
        if self._weights != self.header.body_weight_bytes:
            raise BadRequestError(
                f"The body ends after {self._weights} of the {self.header.body_weight_bytes} declared bytes of weights."
            )
        return self.header

    def _feed_header(self, view: memoryview) -> memoryview:
        view = self._take(view, _LENGTH.size)
        if len(self._pending) < _LENGTH.size:
            return view
        (length,) = _LENGTH.unpack_from(self._pending)
        if length > self._header_limit:
            raise TooLargeError(f"The header of {length} bytes passes the limit of {self._header_limit}.")
        view = self._take(view, _LENGTH.size + length)
        if len(self._pending) == _LENGTH.size + length:
            header = parse_header(memoryview(self._pending)[_LENGTH.size :])
            declared = header.weight_data_bytes or 0
            if declared > self._weights_limit:
                raise TooLargeError(f"Weights of {declared} bytes pass the limit of {self._weights_limit}.")
            self.header = header
            self._pending = bytearray()
        return view

    def _take(self, view: memoryview, total: int) -> memoryview:
        missing = max(total - len(self._pending), 0)
        self._pending += view[:missing]
        return view[missing:]


def _checked_count(value: object) -> int | None:
    if value is not None and (type(value) is not int or value < 0):
        raise BadRequestError("weightDataBytes must be a non-negative integer.")
    return value if isinstance(value, int) else None


def _checked_name(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadRequestError("ingest must be a string.")
    return value


def _mapped_blob(value: object) -> MappedBlob:
    if not isinstance(value, dict):
        raise BadRequestError("blob must be an object.")
    try:
        return MappedBlob(value["path"], value["device"], value["inode"], value["size"], value["digest"])
    except KeyError as error:
        raise BadRequestError(f"blob has no {error}.") from error
