"""The token of the HTTP listener: 256 random bits in a file of the home that only its owner can read.

It is shown on request, never put on a command line, into a URL or into a log.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from ..errors import ConfigurationError
from ..storage_backends import durable

TOKEN_FILE = "http-token"  # noqa: S105 (its name)
_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{43,}")


def new_token() -> str:
    """43 characters that need no escaping anywhere."""
    return secrets.token_urlsafe(_BYTES)


def read_token(home: Path) -> str | None:
    """The home's token, or None where none has been made.

    Raises ConfigurationError where others than the owner can read the file, or it holds no token.
    """
    path = home / TOKEN_FILE
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"the token in {path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            raise ConfigurationError(f"the token in {path} can be read by other users", hint="tfjsd token rotate")
        text = file.read(256).decode("ascii", "replace").strip()
    if _FORM.fullmatch(text) is None:
        raise ConfigurationError(f"{path} does not hold a token", hint="tfjsd token rotate")
    return text


def rotate_token(home: Path) -> str:
    """Puts a new token in the old one's place; whoever has the old one is locked out from the next request on."""
    token = new_token()
    durable.make_directory(home)
    durable.write_file(home / TOKEN_FILE, token.encode() + b"\n")
    return token


def ensure_token(home: Path) -> str:
    """The home's token, made now where there is none. Raises ConfigurationError as ``read_token`` does."""
    return read_token(home) or rotate_token(home)
