"""What each engine says when IndexedDB refuses something: Chromium 156, WebKitGTK 2.50, Firefox 153.

A text is found by its reason, and by reason and method where an engine says it differently there. ``{prefix}`` is how
the engine names the call. Recorded texts; where nothing was recorded, the engine's usual one.
"""

from __future__ import annotations

from typing import Final

from ..browsers import Browser

_DATA = "Data provided to an operation does not meet requirements."
_NOT_ALLOWED = "A mutation operation was attempted on a database that did not allow mutations."
_NOT_USABLE = "An attempt was made to use an object that is not, or is no longer, usable"
_NOT_SUPPORTED = "A parameter or an operation is not supported by the underlying object"
_NOT_FOUND = (
    "The operation failed because the requested database object could not be found. For example, an object store did "
    "not exist but was being opened."
)
_INACTIVE = "A request was placed against a transaction which is currently not active, or which is finished."
_CONSTRAINT = "A mutation operation in the transaction failed because a constraint was not satisfied."
_ABORTED = "A request was aborted, for example through a call to IDBTransaction.abort."
_INADEQUATE = "Provided data is inadequate."
_P = "{prefix}"

_Texts = tuple[str, str, str]


def _same(text: str, firefox: str) -> _Texts:
    return _P + text, _P + text, firefox


_TEXTS: Final[dict[str, _Texts]] = {
    # Keys and values
    "invalid-key": _same("The parameter is not a valid key.", _DATA),
    "no-key": (
        _P + "No key or key range specified.",
        _P + "The parameter is not a valid key range.",
        "No valid key or key range specified.",
    ),
    "key-given": _same("The object store uses in-line keys and the key parameter was provided.", _DATA),
    "key-missing": _same(
        "The object store uses out-of-line keys and has no key generator and the key parameter was not provided.",
        _DATA,
    ),
    "path-invalid-key": _same("Evaluating the object store's key path yielded a value that is not a valid key.", _DATA),
    "path-no-value": _same("Evaluating the object store's key path did not yield a value.", _DATA),
    "cannot-inject": (_P + "A generated key could not be inserted into the value.", _INADEQUATE, _DATA),
    "cannot-clone": (_P + "{what}", "The object can not be cloned.", "{firefox_what}"),
    "lower-greater": (_P + "The lower key is greater than the upper key.", _INADEQUATE, _DATA),
    "empty-range": (
        _P + "The lower key and upper key are equal and one of the bounds is open.",
        _INADEQUATE,
        _DATA,
    ),
    # Transactions
    "inactive": (
        _P + "The transaction is not active.",
        _P + "The transaction is inactive or finished.",
        _INACTIVE,
    ),
    "finished": (
        _P + "The transaction has finished.",
        _P + "The transaction is inactive or finished.",
        _INACTIVE,
    ),
    "read-only": _same(
        "The transaction is read-only.", "A mutation operation was attempted in a READ_ONLY transaction."
    ),
    "closing": _same(
        "The database connection is closing.",
        "IDBDatabase.transaction: Can't start a transaction on a closed database",
    ),
    "upgrading": _same(
        "A version change transaction is running.",
        "IDBDatabase.transaction: Can't start a transaction while running an upgrade transaction",
    ),
    "empty-scope": _same("The storeNames parameter was empty.", "IDBDatabase.transaction: Empty scope passed in"),
    "unknown-store": _same(
        "One of the specified object stores was not found.",
        "IDBDatabase.transaction: '{name}' is not a known object store name",
    ),
    "store-not-found": _same("The specified object store was not found.", _NOT_FOUND),
    "index-not-found": _same("The specified index was not found.", _NOT_FOUND),
    # Schema
    "not-upgrading": _same("The database is not running a version change transaction.", _NOT_ALLOWED),
    "store-exists": _same(
        "An object store with the specified name already exists.",
        "IDBDatabase.createObjectStore: Object store named '{name}' already exists at index '{place}'",
    ),
    "index-exists": _same(
        "An index with the specified name already exists.",
        "IDBObjectStore.createIndex: Index named '{name}' already exists at index '{place}'",
    ),
    "bad-key-path": _same(
        "The keyPath argument contains an invalid key path.", "An invalid or illegal string was specified"
    ),
    "generator-path": _same(
        "The autoIncrement option was set but the keyPath option was empty or an array.", _NOT_SUPPORTED
    ),
    "multi-entry-array": _same("The keyPath argument was an array and the multiEntry option is true.", _NOT_SUPPORTED),
    "store-deleted": _same("The object store has been deleted.", _NOT_USABLE),
    "index-deleted": _same("The index or its object store has been deleted.", _NOT_USABLE),
    # Cursors
    "cursor-busy": _same("The cursor is being iterated or has iterated past its end.", _NOT_ALLOWED),
    "cursor-deleted": _same("The cursor's source or effective object store has been deleted.", _NOT_USABLE),
    "key-cursor": _same("The cursor is a key cursor.", _NOT_ALLOWED),
    "not-an-index": _same("The cursor's source is not an index.", _NOT_SUPPORTED),
    "unique-direction": (
        _P + "The cursor's direction is not 'next' or 'prev'.",
        _P + 'The cursor\'s direction must be either "next" or "prev".',
        _NOT_SUPPORTED,
    ),
    "not-after": _same("The parameter is less than or equal to this cursor's position.", _DATA),
    "not-before": _same("The parameter is greater than or equal to this cursor's position.", _DATA),
    "other-key": _same(
        "The effective object store of this cursor uses in-line keys and evaluating the key path of the value "
        "parameter results in a different value than the cursor's effective key.",
        _DATA,
    ),
    "cursor-not-opened": ("Unable to open cursor", "Unable to open cursor", "Unable to open cursor"),
    # What a request or a transaction ends with
    "key-exists": (
        "Key already exists in the object store.",
        "Key already exists in the object store",
        _CONSTRAINT,
    ),
    "index-not-unique": (
        "Unable to add key to index '{name}': at least one key does not satisfy the uniqueness requirements.",
        "Index key is not unique",
        _CONSTRAINT,
    ),
    "generator-exhausted": (
        "Maximum key generator value reached.",
        "Cannot generate new key value over 2^53 for object store operation",
        _CONSTRAINT,
    ),
    "aborted": (
        "The transaction was aborted, so the request cannot be fulfilled.",
        "The operation was aborted.",
        _ABORTED,
    ),
    "upgrade-aborted": (
        "Version change transaction was aborted in upgradeneeded event handler.",
        "The operation was aborted.",
        _ABORTED,
    ),
    "connection-closed": ("The connection was closed.", "The operation was aborted.", _ABORTED),
    "uncaught": (
        "Uncaught exception in event handler.",
        "IDBTransaction will abort due to uncaught exception in an event handler",
        _ABORTED,
    ),
    "version-too-low": (
        "The requested version ({requested}) is less than the existing version ({existing}).",
        "An attempt was made to open a database using a lower version than the existing version.",
        "The operation failed because the stored database is a higher version than the version requested.",
    ),
    # TypeErrors
    "direction": (
        _P + "The provided value '{value}' is not a valid enum value of type IDBCursorDirection.",
        'Argument 2 (\'direction\') to {interface}.{method} must be one of: "next", "nextunique", "prev", "prevunique"',
        "{interface}.{method}: '{value}' (value of argument 2) is not a valid value for enumeration "
        "IDBCursorDirection.",
    ),
    "mode": (
        _P + "The provided value '{value}' is not a valid enum value of type IDBTransactionMode.",
        'Argument 2 (\'mode\') to {interface}.{method} must be one of: "readonly", "readwrite", "versionchange"',
        "{interface}.{method}: '{value}' (value of argument 2) is not a valid value for enumeration "
        "IDBTransactionMode.",
    ),
    "mode-versionchange": (
        _P + "The mode provided ('versionchange') is not one of 'readonly' or 'readwrite'.",
        "Type error",
        "{interface}.{method}: Invalid transaction mode",
    ),
    "durability": (
        _P + "Failed to read the 'durability' property from 'IDBTransactionOptions': The provided value '{value}' is "
        "not a valid enum value of type IDBTransactionDurability.",
        "Type error",
        "{interface}.{method}: '{value}' (value of 'durability' member of IDBTransactionOptions) is not a valid value "
        "for enumeration IDBTransactionDurability.",
    ),
    "not-options": (
        _P + "The provided value is not of type 'IDBGetAllOptions'.",
        "Type error",
        "Value can't be converted to a dictionary.",
    ),
    "out-of-range": (
        _P + "Value is outside the '{kind}' value range.",
        "Value {value} is outside the range [0, {maximum}]",
        "{interface}.{method}: Argument {argument} is out of range for {kind}.",
    ),
    "not-a-number": (
        _P + "Value is not of type '{kind}'.",
        "Value {value} is outside the range [0, {maximum}]",
        "{interface}.{method}: Argument {argument} is not a finite value, so is out of range for {kind}.",
    ),
    "infinite": (
        _P + "Value is infinite and not of type '{kind}'.",
        "Value {value} is outside the range [0, {maximum}]",
        "{interface}.{method}: Argument {argument} is not a finite value, so is out of range for {kind}.",
    ),
    "version-zero": (
        _P + "The version provided must not be 0.",
        "IDBFactory.open() called with a version of 0",
        "IDBFactory.open: 0 (Zero) is not a valid database version.",
    ),
    "advance-zero": (
        _P + "A count argument with value 0 (zero) was supplied, must be greater than 0.",
        _P + "A count argument with value 0 (zero) was supplied, must be greater than 0.",
        "IDBCursor.advance: 0 (Zero) is not a valid advance count.",
    ),
}

_Overrides = dict[tuple[str, str], str]

_CHROMIUM: Final[_Overrides] = {
    ("bad-key-path", "createObjectStore"): _P + "The keyPath option is not a valid key path.",
    ("read-only", "update"): _P + "The record may not be updated inside a read-only transaction.",
    ("read-only", "IDBCursor.delete"): _P + "The record may not be deleted inside a read-only transaction.",
}
_WEBKIT: Final[_Overrides] = {
    **_CHROMIUM,
    ("no-key", "get"): _INADEQUATE,
    ("no-key", "IDBIndex.getKey"): _INADEQUATE,
    ("invalid-key", "includes"): _P + "The passed-in value is not a valid IndexedDB key.",
    ("invalid-key", "only"): _INADEQUATE,
    ("invalid-key", "lowerBound"): _INADEQUATE,
    ("invalid-key", "upperBound"): _INADEQUATE,
    ("invalid-key", "bound"): _INADEQUATE,
    ("inactive", "commit"): _P + "The transaction is inactive.",
    ("finished", "commit"): _P + "The transaction is inactive.",
    ("inactive", "createObjectStore"): _INACTIVE,
    ("finished", "createObjectStore"): _INACTIVE,
    ("inactive", "deleteObjectStore"): _INACTIVE,
    ("finished", "deleteObjectStore"): _INACTIVE,
    ("finished", "objectStore"): _P + "The transaction finished.",
    ("finished", "index"): _P + "The transaction is finished.",
    ("not-upgrading", "IDBObjectStore.name"): _P
    + "The object store's transaction is not a version change transaction.",
    ("not-upgrading", "IDBIndex.name"): _P + "The index's transaction is not a version change transaction.",
    ("store-exists", "name"): _P + "The database already has an object store named '{name}'.",
    ("index-exists", "name"): _P + "The owning object store already has an index named '{name}'.",
    ("invalid-key", "continuePrimaryKey"): _P + "The first parameter is not a valid key.",
    ("invalid-primary-key", "continuePrimaryKey"): _P + "The second parameter is not a valid key.",
    ("not-after", "continuePrimaryKey"): _P
    + "The key parameters represent a position less-than-or-equal-to this cursor's position and this cursor's "
    'direction is "next".',
    ("not-before", "continuePrimaryKey"): _P
    + "The key parameters represent a position greater-than-or-equal-to this cursor's position and this cursor's "
    'direction is "prev".',
    ("key-before", "continuePrimaryKey"): _P
    + "The first parameter is less than this cursor's position and this cursor's direction is \"next\".",
    ("key-after", "continuePrimaryKey"): _P
    + "The first parameter is greater than this cursor's position and this cursor's direction is \"prev\".",
}
_WEBKIT[("index-not-unique", "createIndex")] = (
    "A mutation operation in a transaction failed because a constraint was not satisfied."
)
_FIREFOX: Final[_Overrides] = {
    ("inactive", "commit"): _NOT_USABLE,
    ("finished", "commit"): _NOT_USABLE,
    ("finished", "index"): _NOT_USABLE,
    ("finished", "abort"): _NOT_ALLOWED,
    ("finished", "objectStore"): "IDBTransaction.objectStore: Transaction is already committing or done.",
    ("not-upgrading", "name"): _NOT_USABLE,
    ("store-exists", "name"): "Object store renamed to an already existing object store.",
    ("index-exists", "name"): "Index already exists and a new one was being attempted to be created.",
}
_SYNONYMS: Final = {
    "invalid-primary-key": "invalid-key",
    "key-before": "not-after",
    "key-after": "not-before",
}
_ENGINES: Final = {"chromium": (0, _CHROMIUM), "webkit": (1, _WEBKIT), "firefox": (2, _FIREFOX)}


class ErrorTexts:
    """The texts of one browser's engine."""

    def __init__(self, browser: Browser) -> None:
        self.engine = browser.engine
        self._column, self._overrides = _ENGINES[browser.engine]

    def of(self, reason: str, method: str = "", interface: str = "", **fields: object) -> str:
        """The text for a reason. ``method`` is the JavaScript name of what was called."""
        template = (
            self._overrides.get((reason, f"{interface}.{method}"))
            or self._overrides.get((reason, method))
            or _TEXTS[_SYNONYMS.get(reason, reason)][self._column]
        )
        return template.format(prefix=self._prefix(method, interface), method=method, interface=interface, **fields)

    def _prefix(self, method: str, interface: str) -> str:
        if self.engine == "webkit":
            if method in ("put", "add") and interface == "IDBObjectStore":
                return "Failed to store record in an IDBObjectStore: "
            if method == "name":
                return f"Failed set property 'name' on '{interface}': "
        if method == "name":
            return f"Failed to set the 'name' property on '{interface}': "
        return f"Failed to execute '{method}' on '{interface}': "
