"""The Storage interface, synchronous and with Python's mapping protocol.

https://html.spec.whatwg.org/multipage/webstorage.html#the-storage-interface
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from typing import Self

from .arguments import as_index, as_items, as_key, as_value
from .backend import StorageBackend
from .length import Length
from .operations import Clear, RemoveItem


class Storage(MutableMapping[str, str]):
    """Web Storage: strings by name, UTF-16 code units kept as they are, in the browser's order, under its quota.

    The methods are the specification's in snake_case. The mapping protocol is what JavaScript has as properties:
    ``storage["a"] = "1"`` raises with the text of a property assignment, a missing key is a KeyError, and any name is
    an item's (``storage["length"]`` too, which a browser's object hides behind its own properties). Each call is atomic
    and returns once it is committed; ``update`` is one atomic batch; ``pop``, ``popitem`` and ``setdefault`` read and
    write in two steps. Keys and values are str: anything else is a TypeError, never converted silently.
    """

    __slots__ = ("_at_hand", "_backend")

    def __init__(self, backend: StorageBackend) -> None:
        self._backend = backend
        self._at_hand = backend.at_hand  # each attribute and call less is a fifth of the time that a get takes

    # -- https://html.spec.whatwg.org/multipage/webstorage.html#storage-2 ----------------------------------------------

    @property
    def length(self) -> Length:
        """How many items there are: ``storage.length``, or ``storage.length()`` as the asynchronous twin has it."""
        return Length(self._backend.length())

    def key(self, index: float) -> str | None:
        """The key at ``index`` in the browser's order, or None past the end.

        The index is converted as in a browser (ToUint32): ``key(-1)`` is ``key(4294967295)``, ``key(0.9)`` is
        ``key(0)``. The order stays the same as long as no key is added or removed.
        """
        return self._backend.key(as_index(index))

    def get_item(self, key: str) -> str | None:
        """The item's value, or None."""
        try:
            value = self._at_hand(key)
        except TypeError:  # not hashable, and so not a str
            value = None
        return self._backend.get_item(as_key(key)) if value is None else value

    def set_item(self, key: str, value: str) -> None:
        """Sets an item. Raises QuotaExceededError: then the item keeps the value it had."""
        if not isinstance(key, str) or not isinstance(value, str):  # spares two calls
            key, value = as_key(key), as_value(value)
        self._backend.set_item(key, value)

    def remove_item(self, key: str) -> None:
        """Removes an item; nothing happens where there is none."""
        self._backend.apply((RemoveItem(as_key(key)),))

    def clear(self) -> None:
        """Removes all items."""
        self._backend.apply((Clear(),))

    # -- The mapping protocol ------------------------------------------------------------------------------------------

    def __getitem__(self, key: str) -> str:
        value = self.get_item(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: str) -> None:
        self._backend.set_item(as_key(key), as_value(value), named_property=True)

    def __delitem__(self, key: str) -> None:
        if self.get_item(key) is None:
            raise KeyError(key)
        self.remove_item(key)

    def __iter__(self) -> Iterator[str]:
        """The keys of this moment, in the browser's order; changes meanwhile don't disturb it."""
        return iter(self._backend.keys())

    def __len__(self) -> int:
        return self._backend.length()

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._backend.get_item(key) is not None

    def items(self) -> ItemsView[str, str]:
        """A view; each iteration shows the items of one moment."""
        return _Items(self)

    def values(self) -> ValuesView[str]:
        """A view; each iteration shows the values of one moment, in the order of their keys."""
        return _Values(self)

    def update(  # type: ignore[override]
        self, other: Mapping[str, str] | Iterable[tuple[str, str]] = (), /, **named: str
    ) -> None:
        """Sets several items, all or none. Raises QuotaExceededError, naming the first that does not fit."""
        assignments = as_items(other, named)
        if assignments:
            self._backend.apply(assignments)

    def __ior__(self, other: Mapping[str, str] | Iterable[tuple[str, str]]) -> Self:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return f"<Storage with {self.length} items>"


class _Items(ItemsView[str, str]):
    _mapping: Storage

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._mapping._backend.items())


class _Values(ValuesView[str]):
    _mapping: Storage

    def __iter__(self) -> Iterator[str]:
        return (value for _, value in self._mapping._backend.items())

    def __contains__(self, value: object) -> bool:
        return any(value == found for found in self)
