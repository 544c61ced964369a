"""Which requests are of one client: Web Storage tells a change to all clients of an origin but the one that made it."""

from __future__ import annotations

import weakref

from ..errors import BadRequestError

LONGEST_NAME = 100


class Author:
    """A client, to the storage areas."""

    __slots__ = ("__weakref__",)


class Authors:
    """The clients that named themselves, for as long as one of their requests is being answered. For the loop alone."""

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[str, Author] = weakref.WeakValueDictionary()

    def named(self, name: str | None) -> Author:
        """The client of that name; without a name one that makes this request only. Raises BadRequestError."""
        if name is None:
            return Author()
        if len(name) > LONGEST_NAME:
            raise BadRequestError(f"The name of a client has at most {LONGEST_NAME} characters.")
        return self._known.setdefault(name, Author())
