"""Does what a bucket stores of IndexedDB agree with itself? Looks at the bytes (docs/on-disk-format.md, section 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tfjsd.storage_backends.buckets import Bucket
from tfjsd.storage_backends.catalogue import REFERENCES, reference_key
from tfjsd.storage_backends.indexed_db.index_entries import entries_of_stored
from tfjsd.storage_backends.indexed_db.key_coding import canonical_form, decode_key, end_of_key
from tfjsd.storage_backends.indexed_db.key_generator import next_after
from tfjsd.storage_backends.indexed_db.layout import (
    DATABASES,
    JOURNAL,
    LATER,
    METADATA,
    NEXT_ID,
    RECORDS,
    STORES,
    database_key,
    prefix_of,
    store_key,
    unpack_id,
    unpack_place,
)
from tfjsd.storage_backends.indexed_db.record_head import PLAIN, read_head, stored_blobs, value_of
from tfjsd.storage_backends.indexed_db.schema import DatabaseSchema, StoreSchema
from tfjsd.storage_backends.indexed_db.schema_form import decode_schema
from tfjsd.storage_backends.verification import Report, verify_bucket

Records = dict[bytes, bytes]


def disagreements(bucket: Bucket) -> list[str]:
    """What is wrong; nothing may be writing meanwhile. Also reads every record and blob against its checksum."""
    report = Report()
    verify_bucket(bucket, report)
    found = [str(finding) for finding in report.findings]
    records = dict(bucket.scan(METADATA, RECORDS + b"\xff"))
    schemas = {key: decode_schema(record) for key, record in records.items() if key[:2] == DATABASES}
    found += _ids(records, list(schemas.values()))
    known = {NEXT_ID, *schemas}
    for key, schema in schemas.items():
        if key != database_key(schema.name):
            found.append(f"the database {schema.name!r} lies under another name")
        for store in schema.stores.values():
            known.add(store_key(schema.id, store.id))
            known.update(_of_prefixes(records, schema, store))
            found += _store(bucket, records, schema, store)
    dead = tuple(key[len(JOURNAL) :] for key in records if key[:2] == JOURNAL)
    found += [f"{key.hex()} belongs to nothing" for key in records.keys() - known if not _is_dead(key, dead)]
    return [*found, *_references(bucket, records)]


def generators(bucket: Bucket) -> dict[tuple[str, str], int]:
    """The next number of each store's key generator."""
    found = {}
    for _, record in bucket.scan(DATABASES, STORES):
        schema = decode_schema(record)
        for store in schema.stores.values():
            place = bucket.get(store_key(schema.id, store.id)) or b""
            found[schema.name, store.name] = unpack_place(place)[1]
    return found


def _is_dead(key: bytes, dead: tuple[bytes, ...]) -> bool:
    return key[:2] == JOURNAL or key.startswith(dead)


def _ids(records: Records, schemas: list[DatabaseSchema]) -> Iterator[str]:
    """Ids were given, and given once."""
    given = [schema.id for schema in schemas]
    given += [unpack_place(record)[0] for key, record in records.items() if key[:2] == STORES]
    following = unpack_id(records[NEXT_ID]) if NEXT_ID in records else 1
    yield from (f"the id {number} is used {times} times" for number, times in Counter(given).items() if times > 1)
    yield from (f"the id {number} was never given" for number in given if number >= following)
    for schema in schemas:
        within = [store.id for store in schema.stores.values()]
        within += [index.id for store in schema.stores.values() for index in store.indexes.values()]
        if len(set(within)) != len(within) or max(within, default=0) > schema.last_id:
            yield f"the ids {within} of {schema.name!r}, the last of them {schema.last_id}"


def _of_prefixes(records: Records, schema: DatabaseSchema, store: StoreSchema) -> Iterator[bytes]:
    place = unpack_place(records[store_key(schema.id, store.id)])[0]
    prefixes = tuple(prefix_of(schema.id, place, index.id) for index in store.indexes.values())
    own, later = prefix_of(schema.id, place), prefix_of(schema.id, place, LATER)
    yield from (key for key in records if key.startswith((own, *prefixes)))
    yield from (key for key in records if key.startswith(later) and own + key[len(later) :] in records)


def _store(bucket: Bucket, records: Records, schema: DatabaseSchema, store: StoreSchema) -> Iterator[str]:
    where = f"{schema.name!r}.{store.name!r}"
    place, following = unpack_place(records[store_key(schema.id, store.id)])
    prefix = prefix_of(schema.id, place)
    expected: dict[int, list[bytes]] = {index.id: [] for index in store.indexes.values()}
    for key, record in records.items():
        if not key.startswith(prefix):
            continue
        primary = key[len(prefix) :]
        if store.auto_increment and next_after(following, decode_key(primary)) > following:
            yield f"the generator of {where} is at {following}, before {decode_key(primary)!r}"
        heads = (record, records.get(prefix_of(schema.id, place, LATER) + primary, PLAIN))
        named = [entry for head in heads for entry in read_head(head)[0] if entry[0] in expected]
        found = set()
        for index in store.indexes.values():
            for exact in entries_of_stored(value_of(record), index, bucket.blobs.map):
                found.add((index.id, canonical_form(exact)))
        for index_id, entry in found:
            expected[index_id].append(entry + primary)
        if sorted(named) != sorted(found):
            yield f"the head of {decode_key(primary)!r} in {where} does not name its entries"
    for index in store.indexes.values():
        prefix = prefix_of(schema.id, place, index.id)
        entries = sorted(key[len(prefix) :] for key in records if key.startswith(prefix))
        if entries != sorted(expected[index.id]):
            yield f"the index {index.name!r} of {where} does not agree with the records"
        keys = [entry[: end_of_key(entry, 0)] for entry in entries]
        if index.unique and len(set(keys)) != len(keys):
            yield f"the index {index.name!r} of {where} is not unique"


def _references(bucket: Bucket, records: Records) -> Iterator[str]:
    """Each blob of a record is referred to in the record's name, and nothing else is."""
    needed = set()
    for key, record in records.items():
        if key[:1] == RECORDS:
            needed |= {reference_key(blob.digest, key) for blob in stored_blobs(key, record)}
    start = len(REFERENCES) + 32
    there = {key for key, _ in bucket.scan(REFERENCES, REFERENCES + b"\xff" * 40) if key[start : start + 1] == RECORDS}
    yield from (f"{key.hex()} refers to a blob for nothing" for key in there - needed)
    yield from (f"{key.hex()} is missing" for key in needed - there)
