"""The one error tree.

Every class states three things next to its meaning: the DOMException ``name`` and legacy ``code`` where browsers define
them (https://webidl.spec.whatwg.org/#idl-DOMException-error-names), the HTTP status the daemon answers with, and the
exit code of the command line. ``hint`` is advice of ours: it is printed apart from the message, because messages that
TensorFlow.js or a browser defines are kept word for word.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal


class TfjsdError(Exception):
    """Root of everything tfjsd raises on purpose."""

    name: ClassVar[str] = "Error"
    http_status: ClassVar[int] = 400
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), dict(self.__dict__)))


def _rebuild(kind: type[TfjsdError], state: dict[str, Any]) -> TfjsdError:
    """Unpickles an error whatever its constructor's signature is."""
    error = kind.__new__(kind, state.get("message", ""))
    error.__dict__.update(state)
    return error


# -- What a browser would throw ----------------------------------------------------------------------------------------


class DOMError(TfjsdError):
    """A DOMException: ``name`` and legacy ``code`` are the specification's, ``message`` is the simulated engine's."""

    code: ClassVar[int] = 0

    def as_dom(self) -> dict[str, Any]:
        """``{"name", "code", "message"}`` as the engine shows the exception (more keys where the engine has more)."""
        return {"name": self.name, "code": self.code, "message": self.message}


class QuotaExceededError(DOMError):
    """The write would pass a quota; nothing was changed.

    ``limit`` and ``needed`` are counted in ``unit``: ``utf16`` (code units), ``byte``, or ``disk`` (bytes of the
    origin's bucket or of the file system). ``quota`` and ``requested`` are what the simulated browser shows (None in
    Chrome). ``interface`` is the class that the engine throws: Chrome has a class QuotaExceededError, the others a
    DOMException of that name.
    """

    name = "QuotaExceededError"
    code = 22
    http_status = 507

    def __init__(
        self,
        message: str = "",
        *,
        limit: int | None = None,
        needed: int | None = None,
        unit: str | None = None,
        quota: float | None = None,
        requested: float | None = None,
        interface: str = "QuotaExceededError",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.limit = limit
        self.needed = needed
        self.unit = unit
        self.quota = quota
        self.requested = requested
        self.interface = interface

    def as_dom(self) -> dict[str, Any]:
        shown = {**super().as_dom(), "ctor": self.interface}
        if self.interface == "QuotaExceededError":
            shown |= {"quota": self.quota, "requested": self.requested}
        return shown


class ConstraintError(DOMError):
    """A mutation failed because a constraint (a unique key, a key generator's end) was not satisfied."""

    name = "ConstraintError"
    http_status = 409


class DataError(DOMError):
    """A value is not a valid key, key range, or does not meet an operation's requirements."""

    name = "DataError"


class DataCloneError(DOMError):
    """A value cannot be cloned into storage."""

    name = "DataCloneError"
    code = 25


class ReadOnlyError(DOMError):
    """A mutation was asked of a read-only transaction."""

    name = "ReadOnlyError"
    http_status = 409


class TransactionInactiveError(DOMError):
    """A request was placed against a transaction that is not active or has finished."""

    name = "TransactionInactiveError"
    http_status = 409


class InvalidStateError(DOMError):
    """The object is in a state that does not allow the operation."""

    name = "InvalidStateError"
    code = 11
    http_status = 409


class VersionError(DOMError):
    """A database was opened with a lower version than it has."""

    name = "VersionError"
    http_status = 409


class NotFoundError(DOMError):
    """A database object (store, index) does not exist."""

    name = "NotFoundError"
    code = 8
    http_status = 404


class AbortError(DOMError):
    """The transaction was aborted."""

    name = "AbortError"
    code = 20
    http_status = 409


class InvalidAccessError(DOMError):
    """The object does not support the operation or argument."""

    name = "InvalidAccessError"
    code = 15


class UnknownError(DOMError):
    """A failure the browser does not describe further (damage, I/O)."""

    name = "UnknownError"
    http_status = 503


class SecurityError(DOMError):
    """Access to the storage is denied."""

    name = "SecurityError"
    code = 18
    http_status = 403


class SyntaxError_(DOMError):  # noqa: N801 (the DOMException's name is SyntaxError, which Python has taken)
    """A key path or a name does not have the required form."""

    name = "SyntaxError"
    code = 12


class InvalidCharacterError(DOMError):
    """A string holds characters that it may not (base64 that ``atob`` refuses)."""

    name = "InvalidCharacterError"
    code = 5


# -- Models ------------------------------------------------------------------------------------------------------------


class ModelNotFoundError(TfjsdError, LookupError):
    """No model is stored under that URL; the text is TensorFlow.js's."""

    name = "ModelNotFoundError"
    http_status = 404


class InvalidArtifactsError(TfjsdError, ValueError):
    """The artifacts, their JSON or their weights contradict themselves or the format. Nothing was stored."""

    name = "InvalidArtifactsError"


class UnsupportedURLError(TfjsdError, ValueError):
    """No handler or manager exists for a URL's scheme; the text is TensorFlow.js's."""

    name = "UnsupportedURLError"


class ModelExistsError(TfjsdError):
    """``overwrite=False`` met a stored model. Nothing was changed."""

    name = "ModelExistsError"
    http_status = 409


class ModelChangedError(TfjsdError):
    """Another model has taken the place of the one that was meant (by a move out of the store, by ``?expected=`` of a
    save or removal), or none is there any more: what is there was kept."""

    name = "ModelChangedError"
    http_status = 409


class TooLargeError(TfjsdError):
    """The input passes a stated limit; it was refused before it was read whole."""

    name = "TooLargeError"
    http_status = 413


class NeverSettlesError(TfjsdError):
    """In a simulated browser: a promise of TensorFlow.js that would stay pending for ever. Only raised where that fault
    was asked for (``model_io.quirks``)."""

    name = "NeverSettlesError"
    http_status = 500


# -- The store and the daemon ------------------------------------------------------------------------------------------


class StoreFailedError(TfjsdError):
    """The disk failed or is damaged; reads may go on.

    ``outcome`` says what became of the operation that met it: ``unknown``, or ``unchanged`` where the store was
    recovered and the operation found absent. ``disk_full`` marks the failures that freed space cures.
    """

    name = "StoreFailedError"
    http_status = 503

    def __init__(
        self,
        message: str = "",
        *,
        outcome: Literal["unknown", "unchanged"] = "unknown",
        disk_full: bool = False,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome
        self.disk_full = disk_full


class CorruptionError(StoreFailedError):
    """A record or blob does not have the bytes that were written; the message names the object."""

    name = "CorruptionError"


class UnsupportedFormatError(TfjsdError):
    """The home was written by a newer version of tfjsd; it was not touched."""

    name = "UnsupportedFormatError"
    http_status = 503


class HomeInUseError(TfjsdError):
    """Another process owns the home, or a daemon of another home answered."""

    name = "HomeInUseError"
    http_status = 409
    exit_code = 75


class EngineMissingError(TfjsdError):
    """The library of the storage engine is not installed; the message names the command that installs it."""

    name = "EngineMissingError"
    http_status = 503
    exit_code = 69


class StoreClosedError(TfjsdError):
    """The store was closed; nothing was changed."""

    name = "StoreClosedError"
    http_status = 503


class BackupError(TfjsdError, ValueError):
    """The file is no backup, is incomplete or damaged, or the home is not empty. Nothing was restored."""

    name = "BackupError"


class OutcomeUnknownError(TfjsdError):
    """The connection was lost after bytes of a write had left: it may have been carried out, whole, or not at all."""

    name = "OutcomeUnknownError"
    http_status = 503


class DaemonUnavailableError(TfjsdError, ConnectionError):
    """No daemon answers, and none was or could be started."""

    name = "DaemonUnavailableError"
    http_status = 503
    exit_code = 69


class AccessDeniedError(TfjsdError, PermissionError):
    """The caller is not one of the users that may use this store."""

    name = "AccessDeniedError"
    http_status = 403


class UnauthorizedError(AccessDeniedError):
    """The request has no token, or one that is not (or no longer) the daemon's."""

    name = "UnauthorizedError"
    http_status = 401


class MisdirectedRequestError(TfjsdError):
    """The request's Host is not one of the names under which the daemon listens."""

    name = "MisdirectedRequestError"
    http_status = 421


class BadRequestError(TfjsdError, ValueError):
    """A request to the daemon does not have the form that its protocol asks for. Nothing was done."""

    name = "BadRequestError"


class SyncError(TfjsdError):
    """A sync pair cannot be had so: one of its name or place exists, or its directory is not there (is it mounted?)."""

    name = "SyncError"
    http_status = 409


class SyncPairNotFoundError(TfjsdError, LookupError):
    """No sync pair has that name."""

    name = "SyncPairNotFoundError"
    http_status = 404


class FileError(TfjsdError, OSError):
    """On the command line: a file that the caller names cannot be read or written; the message has its name."""

    name = "FileError"


class IngestRefusedError(TfjsdError):
    """The daemon does not take a file staged in its ingest directory (a writer still has it open, another file system,
    no leases). Nothing was stored; the same bytes may be streamed instead."""

    name = "IngestRefused"
    http_status = 409


class ConfigurationError(TfjsdError, ValueError):
    """A flag, an environment variable or a line of a configuration file is wrong; the message says which."""

    name = "ConfigurationError"
    exit_code = 2


class NotInThisVersionError(TfjsdError):
    """The word is reserved for a later version."""

    name = "NotInThisVersionError"
    http_status = 501
    exit_code = 2


class HTTPStatusError(TfjsdError):
    """A server that a model was loaded from or saved to answered with an error; the text is TensorFlow.js's."""

    name = "HTTPStatusError"
    http_status = 502

    def __init__(self, message: str = "", *, status: int = 0, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def _classes(root: type[TfjsdError]) -> dict[str, type[TfjsdError]]:
    """By name; of several classes that share one, the most general."""
    found: dict[str, type[TfjsdError]] = {}
    for child in root.__subclasses__():
        found |= _classes(child)
    return found | {root.name: root}


def class_named(name: str) -> type[TfjsdError]:
    """The class of the tree that carries ``name`` on the wire; TfjsdError for a name this version does not know."""
    return _classes(TfjsdError).get(name, TfjsdError)
