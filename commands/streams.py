"""The three streams of the process, made fit for whatever a command reads and writes."""

from __future__ import annotations

import errno
import os
import sys
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

    from _typeshed import ReadableBuffer, WriteableBuffer


def prepare_streams() -> None:
    """No name in a store may stop the output: lone surrogates keep their three bytes, as they have them in arguments;
    an encoding that is not UTF-8 shows escapes.

    A stream that the caller has closed keeps its descriptor from anything else that is opened, and fails when it is
    used: what could not be read is not empty, what could not be written is not done. Only words for people may get
    lost: a closed standard error takes them.
    """
    sys.stdin = sys.stdin or _closed_input()
    sys.stdout = sys.stdout or _closed_output()
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 (for as long as the process lives)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            stream.reconfigure(errors="surrogatepass" if utf8 else "backslashreplace")


def _closed_input() -> TextIOWrapper:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    return TextIOWrapper(BufferedReader(_Closed(descriptor, "r", "standard input")), encoding="utf-8")


def _closed_output() -> TextIOWrapper:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    return TextIOWrapper(BufferedWriter(_Closed(descriptor, "w", "standard output")), encoding="utf-8")


class _Closed(FileIO):
    """A descriptor that is open the wrong way round; raises EBADF with the stream's name."""

    def __init__(self, descriptor: int, mode: str, stream: str) -> None:
        super().__init__(descriptor, mode)
        self._stream = stream

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            self._refuse(error)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        try:
            return super().readinto(buffer)
        except OSError as error:
            self._refuse(error)

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self._refuse(error)

    def _refuse(self, error: OSError) -> NoReturn:
        raise OSError(errno.EBADF, f"{self._stream} is closed") from error
