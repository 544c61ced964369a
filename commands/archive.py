"""A model as a tar of ``model.json`` and ``weights.bin``: what ``-`` reads and writes.

Nothing is unpacked to disk: a name in an archive is only ever looked up, so it cannot lead anywhere.
"""

from __future__ import annotations

import posixpath
import sys
import tarfile
import time
from typing import TYPE_CHECKING

from ..errors import InvalidArtifactsError, TooLargeError
from ..model_io.model_json import NODE_ORDER, model_json_text, parse_model_json
from ..model_io.types import ModelArtifacts, SaveResult
from ..model_io.weight_specs import MAX_MODEL_BYTES
from .arguments import UsageError
from .locations import MODEL_JSON

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from ..model_io.model_json import ModelJSON
    from ..model_io.store import Progress
    from ..storage_backends.abc import Buffer
    from .output import Output

WEIGHTS = "weights.bin"
MAX_MODEL_JSON = 64 << 20
_PIECE = 1 << 20
_BEFORE_THE_PIPE = "did the command before the pipe fail?"
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)


class ArchiveWriter:
    """Writes one model to a stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def save(self, artifacts: ModelArtifacts) -> SaveResult:
        """Writes the archive and flushes it; the weights are not copied.

        Raises:
            InvalidArtifactsError: a binary topology, or weights that their specs contradict; nothing was written.
        """
        artifacts.check()
        info = artifacts.info()
        weights = artifacts.weight_pieces
        text = model_json_text(artifacts.texts(), [] if weights is None else [WEIGHTS], order=NODE_ORDER)
        written = self._member(MODEL_JSON, [text.encode()])
        if weights is not None:
            written += self._member(WEIGHTS, weights.parts)
        end = 2 * tarfile.BLOCKSIZE
        self._stream.write(bytes(end + -(written + end) % tarfile.RECORDSIZE))
        self._stream.flush()
        return SaveResult(info)

    def _member(self, name: str, parts: Iterable[Buffer]) -> int:
        views = [memoryview(part) for part in parts]
        header = tarfile.TarInfo(name)
        header.size, header.mtime = sum(view.nbytes for view in views), int(time.time())
        block = header.tobuf()
        padding = bytes(-header.size % tarfile.BLOCKSIZE)
        self._stream.write(block)
        for view in views:
            self._stream.write(view)
        self._stream.write(padding)
        return len(block) + header.size + len(padding)


class ArchiveReader:
    """Reads one model from a stream."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    def load(self) -> ModelArtifacts:
        """The model whose ``model.json`` the archive has, in whatever directory, with the files that it names.

        Raises:
            InvalidArtifactsError: no tar, one that ends too early, no model in it, or more than one.
            TooLargeError: a member passes its limit.
        """
        try:
            with tarfile.open(fileobj=self._stream, mode="r|", bufsize=_PIECE) as archive:
                members = _members(archive, self._progress)
        except (tarfile.TarError, EOFError) as error:
            raise InvalidArtifactsError(
                f"standard input is no tar archive that can be read: {error}", hint=_BEFORE_THE_PIPE
            ) from error
        return _model(members)


def _members(archive: tarfile.TarFile, progress: Progress) -> dict[str, bytearray]:
    """Plain files by name. Sparse members are left out: they declare what they do not hold."""
    members: dict[str, bytearray] = {}
    left = MAX_MODEL_BYTES
    for member in archive:
        if member.type not in _PLAIN or member.sparse is not None:
            continue
        name = posixpath.normpath(member.name)
        if name in members:
            raise InvalidArtifactsError(f"the archive has {name!r} twice")
        limit = MAX_MODEL_JSON if posixpath.basename(name) == MODEL_JSON else left
        if member.size > limit:
            raise TooLargeError(f"{name!r} in the archive has {member.size} bytes; the limit is {limit}")
        members[name] = _content(archive, member, progress)
        left -= member.size
    return members


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, progress: Progress) -> bytearray:
    """Grows with what really arrives, not with what the header says."""
    content = bytearray()
    file = archive.extractfile(member)
    assert file is not None
    while piece := file.read(_PIECE):
        content += piece
        progress(len(content), member.size)
    if len(content) != member.size:
        raise EOFError(f"{member.name!r} ends after {len(content)} of {member.size} bytes")
    return content


def _model(members: dict[str, bytearray]) -> ModelArtifacts:
    found = [name for name in members if posixpath.basename(name) == MODEL_JSON]
    if len(found) != 1:
        raise InvalidArtifactsError(
            f"the archive on standard input has {len(found) or 'no'} {MODEL_JSON}",
            hint=None if found else _BEFORE_THE_PIPE,
        )
    model = parse_model_json(bytes(members[found[0]]))
    weights = _weights(model, members, posixpath.dirname(found[0]))
    artifacts = ModelArtifacts.from_texts(model.artifact_texts(), weights)
    artifacts.check()
    return artifacts


def _weights(model: ModelJSON, members: dict[str, bytearray], directory: str) -> list[Buffer] | Buffer | None:
    if model.manifest is None:
        return None
    files: list[Buffer] = []
    for path in model.paths:
        name = posixpath.normpath(posixpath.join(directory, path))
        if name not in members:
            raise InvalidArtifactsError(f"the archive lacks the weight file {path!r}")
        files.append(members[name])
    return files[0] if len(files) == 1 else files


def standard_input() -> BinaryIO:
    """Raises UsageError where a person would have to type the archive."""
    if sys.stdin.isatty():
        raise UsageError("- reads a tar archive, and standard input is a terminal")
    return sys.stdin.buffer


def standard_output(output: Output) -> BinaryIO:
    """Raises UsageError where the archive would go to a terminal."""
    if output.on_terminal:
        raise UsageError("- writes a tar archive, and standard output is a terminal", hint="pipe it, or redirect it")
    return output.binary()
