// What stores, indexes and cursors have in common.
import {call} from '../channel.mjs';
import {encodeValue} from '../encode.mjs';
import {ABSENT, dictionary, optionalKey, plainNumber, query, raw} from './arguments.mjs';
import {handle, interfaces, invoke} from './objects.mjs';

// https://w3c.github.io/IndexedDB/#clone-value: the transaction is inactive meanwhile.
export function cloned(value, holder) {
  call('clone_begins', holder);
  try {
    return {value: encodeValue(value)};
  } finally {
    call('clone_ends', holder);
  }
}

export function write(store, method, args) {
  const own = handle(store, interfaces.IDBObjectStore);
  call('check_write', own, method);
  const keyed = args.length > 1 ? optionalKey(args[1]) : ABSENT;
  return invoke(store, interfaces.IDBObjectStore, method, cloned(args[0], own), keyed);
}

// https://w3c.github.io/IndexedDB/#create-a-request-to-retrieve-multiple-items: is the argument a query or a dictionary?
function mayBeQuery(value) {
  return value instanceof interfaces.IDBKeyRange || value === null || typeof value !== 'object' || value instanceof Date ||
      Array.isArray(value) || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

export function getAll(source, Class, method, args) {
  const [first, count] = args;
  if (mayBeQuery(first) && method !== 'get_all_records') {
    return invoke(source, Class, method, query(first), count === undefined ? null : plainNumber(count));
  }
  const {count: limit, direction, query: inner} = dictionary(first);
  const options = {query: query(inner)};
  if (limit !== undefined) options.count = plainNumber(limit);
  if (direction !== undefined) options.direction = raw(direction);
  return invoke(source, Class, method, {options});
}

export const openCursor = (source, Class, method, args) => {
  const direction = args[1] === undefined ? 'next' : raw(args[1]);
  return invoke(source, Class, method, query(args[0]), direction);
};
