"""What deleting a database takes away. https://w3c.github.io/IndexedDB/#delete-a-database"""

from __future__ import annotations

from ...errors import CorruptionError
from .database_catalogue import DatabaseCatalogue
from .layout import JOURNAL, STORES, database_key, database_prefix, journal_key, unpack_id
from .store_records import StoreRecords
from .transaction_view import TransactionView


def drop_database(view: TransactionView, catalogue: DatabaseCatalogue, name: str) -> bool:
    """Takes the database's record, stores and records away; whether there is a database of that name."""
    try:
        schema = catalogue.get(name)
    except CorruptionError:
        _drop_unclaimed(view, catalogue, name)
    else:
        if schema is None:
            return False
        for store in schema.stores.values():
            StoreRecords(view, schema.id, store).drop()
    view.writes.delete(database_key(name))
    return True


def _drop_unclaimed(view: TransactionView, catalogue: DatabaseCatalogue, name: str) -> None:
    """The record of a damaged database does not say which stores are its own: those that no other one claims.

    While another record is damaged too they stay, and go with the last of these databases.
    """
    try:
        claimed = catalogue.claimed(but=name)
    except CorruptionError:
        return
    for key, _ in list(view.writes.scan(STORES, JOURNAL)):
        database = unpack_id(key[len(STORES) :][:4])
        if database not in claimed:
            view.writes.delete(key)
            view.writes.put(journal_key(database_prefix(database)), b"")
            view.left_garbage = True
