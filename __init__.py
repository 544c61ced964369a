"""TensorFlow.js model storage outside the browser.

    >>> import tfjsd
    >>> with tfjsd.connect() as store:                    # the daemon, started if need be
    ...     store.save("indexeddb://mnist", artifacts)
    ...     store.load("indexeddb://mnist").weights()["dense/kernel"]

Public names are imported on first use: ``import tfjsd`` costs next to nothing and loads neither numpy, aiohttp nor
plyvel.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfjsd.client import AsyncClient as AsyncClient
    from tfjsd.client import Client as Client
    from tfjsd.client import aconnect as aconnect
    from tfjsd.client import connect as connect
    from tfjsd.embedded import aopen_store as aopen_store
    from tfjsd.embedded import open_store as open_store
    from tfjsd.errors import AbortError as AbortError
    from tfjsd.errors import AccessDeniedError as AccessDeniedError
    from tfjsd.errors import BackupError as BackupError
    from tfjsd.errors import BadRequestError as BadRequestError
    from tfjsd.errors import ConfigurationError as ConfigurationError
    from tfjsd.errors import ConstraintError as ConstraintError
    from tfjsd.errors import CorruptionError as CorruptionError
    from tfjsd.errors import DaemonUnavailableError as DaemonUnavailableError
    from tfjsd.errors import DataCloneError as DataCloneError
    from tfjsd.errors import DataError as DataError
    from tfjsd.errors import DOMError as DOMError
    from tfjsd.errors import EngineMissingError as EngineMissingError
    from tfjsd.errors import FileError as FileError
    from tfjsd.errors import HomeInUseError as HomeInUseError
    from tfjsd.errors import HTTPStatusError as HTTPStatusError
    from tfjsd.errors import InvalidAccessError as InvalidAccessError
    from tfjsd.errors import InvalidArtifactsError as InvalidArtifactsError
    from tfjsd.errors import InvalidCharacterError as InvalidCharacterError
    from tfjsd.errors import InvalidStateError as InvalidStateError
    from tfjsd.errors import MisdirectedRequestError as MisdirectedRequestError
    from tfjsd.errors import ModelChangedError as ModelChangedError
    from tfjsd.errors import ModelExistsError as ModelExistsError
    from tfjsd.errors import ModelNotFoundError as ModelNotFoundError
    from tfjsd.errors import NeverSettlesError as NeverSettlesError
    from tfjsd.errors import NotFoundError as NotFoundError
    from tfjsd.errors import NotInThisVersionError as NotInThisVersionError
    from tfjsd.errors import OutcomeUnknownError as OutcomeUnknownError
    from tfjsd.errors import QuotaExceededError as QuotaExceededError
    from tfjsd.errors import ReadOnlyError as ReadOnlyError
    from tfjsd.errors import SecurityError as SecurityError
    from tfjsd.errors import StoreClosedError as StoreClosedError
    from tfjsd.errors import StoreFailedError as StoreFailedError
    from tfjsd.errors import SyncError as SyncError
    from tfjsd.errors import SyncPairNotFoundError as SyncPairNotFoundError
    from tfjsd.errors import SyntaxError_ as SyntaxError_
    from tfjsd.errors import TfjsdError as TfjsdError
    from tfjsd.errors import TooLargeError as TooLargeError
    from tfjsd.errors import TransactionInactiveError as TransactionInactiveError
    from tfjsd.errors import UnauthorizedError as UnauthorizedError
    from tfjsd.errors import UnknownError as UnknownError
    from tfjsd.errors import UnsupportedFormatError as UnsupportedFormatError
    from tfjsd.errors import UnsupportedURLError as UnsupportedURLError
    from tfjsd.errors import VersionError as VersionError
    from tfjsd.model_io.store import AsyncStore as AsyncStore
    from tfjsd.model_io.store import StorageEstimate as StorageEstimate
    from tfjsd.model_io.store import Store as Store
    from tfjsd.model_io.store import StoreEvent as StoreEvent
    from tfjsd.model_io.types import ModelArtifacts as ModelArtifacts
    from tfjsd.model_io.types import ModelArtifactsInfo as ModelArtifactsInfo
    from tfjsd.model_io.types import SaveResult as SaveResult
    from tfjsd.storage_backends.indexed_db.idb_factory import IDBFactory as IDBFactory
    from tfjsd.storage_backends.indexed_db.idb_key_range import IDBKeyRange as IDBKeyRange
    from tfjsd.storage_backends.script_collections import Map as Map
    from tfjsd.storage_backends.script_collections import Set as Set
    from tfjsd.storage_backends.script_types import UNDEFINED as UNDEFINED
    from tfjsd.storage_backends.script_types import BigInt as BigInt
    from tfjsd.storage_backends.script_types import Blob as Blob
    from tfjsd.storage_backends.script_types import Date as Date
    from tfjsd.storage_backends.script_types import File as File
    from tfjsd.storage_backends.script_types import RegExp as RegExp
    from tfjsd.storage_backends.script_types import ScriptError as ScriptError

__version__ = "0.1.0"

_MODULES = {
    "tfjsd.client": ("AsyncClient", "Client", "aconnect", "connect"),
    "tfjsd.embedded": ("aopen_store", "open_store"),
    "tfjsd.errors": (
        "AbortError",
        "AccessDeniedError",
        "BackupError",
        "BadRequestError",
        "ConfigurationError",
        "ConstraintError",
        "CorruptionError",
        "DOMError",
        "DaemonUnavailableError",
        "DataCloneError",
        "DataError",
        "EngineMissingError",
        "FileError",
        "HTTPStatusError",
        "HomeInUseError",
        "InvalidAccessError",
        "InvalidArtifactsError",
        "InvalidCharacterError",
        "InvalidStateError",
        "MisdirectedRequestError",
        "ModelChangedError",
        "ModelExistsError",
        "ModelNotFoundError",
        "NeverSettlesError",
        "NotFoundError",
        "NotInThisVersionError",
        "OutcomeUnknownError",
        "QuotaExceededError",
        "ReadOnlyError",
        "SecurityError",
        "StoreClosedError",
        "StoreFailedError",
        "TfjsdError",
        "SyncError",
        "SyncPairNotFoundError",
        "SyntaxError_",
        "TooLargeError",
        "TransactionInactiveError",
        "UnauthorizedError",
        "UnknownError",
        "UnsupportedFormatError",
        "UnsupportedURLError",
        "VersionError",
    ),
    "tfjsd.model_io.store": ("AsyncStore", "StorageEstimate", "Store", "StoreEvent"),
    "tfjsd.model_io.types": ("ModelArtifacts", "ModelArtifactsInfo", "SaveResult"),
    "tfjsd.storage_backends.indexed_db.idb_factory": ("IDBFactory",),
    "tfjsd.storage_backends.indexed_db.idb_key_range": ("IDBKeyRange",),
    "tfjsd.storage_backends.script_collections": ("Map", "Set"),
    "tfjsd.storage_backends.script_types": ("UNDEFINED", "BigInt", "Blob", "Date", "File", "RegExp", "ScriptError"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> object:
    """PEP 562: the module that defines a public name is imported when the name is first asked for."""
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module 'tfjsd' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
