// The interfaces of IndexedDB as Web IDL has them. Each attribute and operation asks Python; nothing is decided here.
import {call} from './channel.mjs';
import {Event, EventTarget, defineHandlers, parentOf} from './events.mjs';
import {decode, declareForeign, encodeKey, encodeValue} from './wire.mjs';

const handles = new WeakMap();
const objects = new Map();
const caches = new WeakMap();

const snake = (name) => name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());

function handle(object, Class) {
  if (!(object instanceof Class) || !handles.has(object)) throw new TypeError('Illegal invocation');
  return handles.get(object);
}

function cached(object, name, make) {
  const known = caches.get(object) ?? caches.set(object, new Map()).get(object);
  if (!known.has(name)) known.set(name, make());
  return known.get(name);
}

function forget(object) {
  caches.delete(object);
}

// What Python gave: null, a value, an exception or one of its objects (the same object each time).
export function fromWire(wire) {
  if (wire === null || typeof wire !== 'object') return wire;
  if ('v' in wire) return decode(wire.v, (...fields) => makeRecord(...fields));
  if ('names' in wire) return makeNames(wire.names);
  if (!objects.has(wire.h)) objects.set(wire.h, make(wire));
  return objects.get(wire.h);
}

function make(wire) {
  if (wire.c === 'error') {
    return wire.name === 'TypeError' ? new TypeError(wire.message) : new DOMException(wire.message, wire.name);
  }
  const object = Object.create(CLASSES[wire.c].prototype);
  handles.set(object, wire.h);
  return object;
}

const get = (object, Class, name) => fromWire(call('get', handle(object, Class), snake(name)));
const invoke = (object, Class, name, ...args) => fromWire(call('invoke', handle(object, Class), name, args));

const ABSENT = {absent: 1};
const key = (value) => ({key: encodeKey(value)});
// Two keys: the first is judged before the second is looked at.
function twoKeys(first, second, ask) {
  const one = key(first);
  let other;
  try {
    other = key(second);
  } catch (error) {
    call('judge', one);
    throw error;
  }
  return ask(one, other);
}
const optionalKey = (value) => (value === undefined ? ABSENT : key(value));
// A range is handed over as it is, anything else as a key; `null` and `undefined` are no query.
function query(value) {
  if (value === undefined || value === null) return null;
  return value instanceof IDBKeyRange ? {h: handles.get(value)} : key(value);
}
const raw = (value) => String(value);
const plainNumber = (value) => ({value: encodeValue(Number(value))});
const keyPath = (value) => (typeof value === 'object' && value[Symbol.iterator] ? [...value].map(raw) : raw(value));

function required(args, count, method, Class) {
  if (args.length < count) {
    throw new TypeError(`Failed to execute '${method}' on '${Class.name}': ${count} argument${count > 1 ? 's' : ''} ` +
        `required, but only ${args.length} present.`);
  }
}

function dictionary(value) {
  if (value === undefined || value === null) return {};
  if (!['object', 'function'].includes(typeof value)) throw new TypeError('The provided value is not a dictionary.');
  return value;
}

const illegal = () => {
  throw new TypeError('Illegal constructor');
};

class DOMStringList {
  constructor() { illegal(); }
  get length() { return namesOf(this).length; }
  item(index) {
    required(arguments, 1, 'item', DOMStringList);
    return namesOf(this)[index >>> 0] ?? null;
  }
  contains(string) {
    required(arguments, 1, 'contains', DOMStringList);
    return namesOf(this).includes(raw(string));
  }
  [Symbol.iterator]() { return namesOf(this)[Symbol.iterator](); }
}

const lists = new WeakMap();
function namesOf(list) {
  if (!lists.has(list)) throw new TypeError('Illegal invocation');
  return lists.get(list);
}
function makeNames(names) {
  const list = Object.create(DOMStringList.prototype);
  lists.set(list, names);
  names.forEach((name, index) => Object.defineProperty(list, index, {value: name, enumerable: true, configurable: true}));
  return list;
}

class IDBVersionChangeEvent extends Event {
  #old;
  #new;
  constructor(type, init = {}) {
    if (!arguments.length) throw new TypeError('1 argument required');
    super(type, init);
    this.#old = Number(init.oldVersion ?? 0);
    this.#new = init.newVersion === undefined || init.newVersion === null ? null : Number(init.newVersion);
  }
  get oldVersion() { return this.#old; }
  get newVersion() { return this.#new; }
}

class IDBRequest extends EventTarget {
  constructor() { illegal(super()); }
  get result() {
    handle(this, IDBRequest);
    if (this.readyState === 'pending') return get(this, IDBRequest, 'result');  // throws
    return cached(this, 'result', () => get(this, IDBRequest, 'result'));
  }
  get error() { return get(this, IDBRequest, 'error'); }
  get source() { return get(this, IDBRequest, 'source'); }
  get transaction() { return get(this, IDBRequest, 'transaction'); }
  get readyState() { return get(this, IDBRequest, 'readyState'); }
  [parentOf]() { return this.transaction; }
}
class IDBOpenDBRequest extends IDBRequest {
  constructor() { illegal(super()); }
}

class IDBFactory {
  constructor() { illegal(); }
  open(name, version = undefined) {
    handle(this, IDBFactory);
    required(arguments, 1, 'open', IDBFactory);
    const named = raw(name);
    return fromWire(call('open', named, version === undefined ? null : plainNumber(version)));
  }
  deleteDatabase(name) {
    handle(this, IDBFactory);
    required(arguments, 1, 'deleteDatabase', IDBFactory);
    return fromWire(call('delete_database', raw(name)));
  }
  databases() {
    return new Promise((resolve, reject) => {
      handle(this, IDBFactory);
      promises.set(call('databases'), {resolve, reject});
    });
  }
  cmp(first, second) {
    required(arguments, 2, 'cmp', IDBFactory);
    return twoKeys(first, second, (one, other) => invoke(this, IDBFactory, 'cmp', one, other));
  }
}
const promises = new Map();
export function settlePromise(id, databases) {
  promises.get(id).resolve(databases.map(([name, version]) => ({name, version})));
}

class IDBDatabase extends EventTarget {
  constructor() { illegal(super()); }
  get name() { return get(this, IDBDatabase, 'name'); }
  get version() { return get(this, IDBDatabase, 'version'); }
  get objectStoreNames() { return get(this, IDBDatabase, 'objectStoreNames'); }
  transaction(storeNames, mode = 'readonly', options = {}) {
    required(arguments, 1, 'transaction', IDBDatabase);
    const names = typeof storeNames === 'object' && storeNames?.[Symbol.iterator] ? [...storeNames].map(raw) : raw(storeNames);
    const durability = dictionary(options).durability;
    return fromWire(call('transaction', handle(this, IDBDatabase), names, raw(mode),
        durability === undefined ? 'default' : raw(durability)));
  }
  close() { invoke(this, IDBDatabase, 'close'); }
  createObjectStore(name, options = {}) {
    required(arguments, 1, 'createObjectStore', IDBDatabase);
    const named = raw(name);
    const {autoIncrement, keyPath: path} = dictionary(options);
    return invoke(this, IDBDatabase, 'create_object_store', named,
        path === undefined || path === null ? null : keyPath(path), !!autoIncrement);
  }
  deleteObjectStore(name) {
    required(arguments, 1, 'deleteObjectStore', IDBDatabase);
    invoke(this, IDBDatabase, 'delete_object_store', raw(name));
  }
}

class IDBTransaction extends EventTarget {
  constructor() { illegal(super()); }
  get objectStoreNames() { return get(this, IDBTransaction, 'objectStoreNames'); }
  get mode() { return get(this, IDBTransaction, 'mode'); }
  get durability() { return get(this, IDBTransaction, 'durability'); }
  get db() { return get(this, IDBTransaction, 'db'); }
  get error() { return get(this, IDBTransaction, 'error'); }
  objectStore(name) {
    required(arguments, 1, 'objectStore', IDBTransaction);
    return invoke(this, IDBTransaction, 'object_store', raw(name));
  }
  commit() { invoke(this, IDBTransaction, 'commit'); }
  abort() { invoke(this, IDBTransaction, 'abort'); }
  [parentOf]() { return this.db; }
}

// https://w3c.github.io/IndexedDB/#clone-value: the transaction is inactive meanwhile.
function cloned(value, holder) {
  call('clone_begins', holder);
  try {
    return {value: encodeValue(value)};
  } finally {
    call('clone_ends', holder);
  }
}

function write(store, method, args) {
  const own = handle(store, IDBObjectStore);
  call('check_write', own, method);
  const keyed = args.length > 1 ? optionalKey(args[1]) : ABSENT;
  return invoke(store, IDBObjectStore, method, cloned(args[0], own), keyed);
}

// https://w3c.github.io/IndexedDB/#create-a-request-to-retrieve-multiple-items: is the argument a query or a dictionary?
function mayBeQuery(value) {
  return value instanceof IDBKeyRange || value === null || typeof value !== 'object' || value instanceof Date ||
      Array.isArray(value) || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function getAll(source, Class, method, args) {
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

const openCursor = (source, Class, method, args) => {
  const direction = args[1] === undefined ? 'next' : raw(args[1]);
  return invoke(source, Class, method, query(args[0]), direction);
};

class IDBObjectStore {
  constructor() { illegal(); }
  get name() { return get(this, IDBObjectStore, 'name'); }
  set name(name) { call('set', handle(this, IDBObjectStore), 'name', raw(name)); }
  get keyPath() { return cached(this, 'keyPath', () => get(this, IDBObjectStore, 'keyPath')); }
  get indexNames() { return get(this, IDBObjectStore, 'indexNames'); }
  get transaction() { return get(this, IDBObjectStore, 'transaction'); }
  get autoIncrement() { return get(this, IDBObjectStore, 'autoIncrement'); }
  put(value, key = undefined) {
    required(arguments, 1, 'put', IDBObjectStore);
    return write(this, 'put', arguments);
  }
  add(value, key = undefined) {
    required(arguments, 1, 'add', IDBObjectStore);
    return write(this, 'add', arguments);
  }
  delete(range) {
    required(arguments, 1, 'delete', IDBObjectStore);
    return invoke(this, IDBObjectStore, 'delete', query(range));
  }
  clear() { return invoke(this, IDBObjectStore, 'clear'); }
  get(range) {
    required(arguments, 1, 'get', IDBObjectStore);
    return invoke(this, IDBObjectStore, 'get', query(range));
  }
  getKey(range) {
    required(arguments, 1, 'getKey', IDBObjectStore);
    return invoke(this, IDBObjectStore, 'get_key', query(range));
  }
  getAll(queryOrOptions = undefined, count = undefined) { return getAll(this, IDBObjectStore, 'get_all', arguments); }
  getAllKeys(queryOrOptions = undefined, count = undefined) {
    return getAll(this, IDBObjectStore, 'get_all_keys', arguments);
  }
  getAllRecords(options = {}) { return getAll(this, IDBObjectStore, 'get_all_records', arguments); }
  count(range = undefined) { return invoke(this, IDBObjectStore, 'count', query(range)); }
  openCursor(range = undefined, direction = 'next') { return openCursor(this, IDBObjectStore, 'open_cursor', arguments); }
  openKeyCursor(range = undefined, direction = 'next') {
    return openCursor(this, IDBObjectStore, 'open_key_cursor', arguments);
  }
  index(name) {
    required(arguments, 1, 'index', IDBObjectStore);
    return invoke(this, IDBObjectStore, 'index', raw(name));
  }
  createIndex(name, path, options = {}) {
    required(arguments, 2, 'createIndex', IDBObjectStore);
    const named = raw(name);
    const where = keyPath(path);
    const {multiEntry, unique} = dictionary(options);
    return invoke(this, IDBObjectStore, 'create_index', named, where, !!unique, !!multiEntry);
  }
  deleteIndex(name) {
    required(arguments, 1, 'deleteIndex', IDBObjectStore);
    invoke(this, IDBObjectStore, 'delete_index', raw(name));
  }
}

class IDBIndex {
  constructor() { illegal(); }
  get name() { return get(this, IDBIndex, 'name'); }
  set name(name) { call('set', handle(this, IDBIndex), 'name', raw(name)); }
  get objectStore() { return get(this, IDBIndex, 'objectStore'); }
  get keyPath() { return cached(this, 'keyPath', () => get(this, IDBIndex, 'keyPath')); }
  get multiEntry() { return get(this, IDBIndex, 'multiEntry'); }
  get unique() { return get(this, IDBIndex, 'unique'); }
  get(range) {
    required(arguments, 1, 'get', IDBIndex);
    return invoke(this, IDBIndex, 'get', query(range));
  }
  getKey(range) {
    required(arguments, 1, 'getKey', IDBIndex);
    return invoke(this, IDBIndex, 'get_key', query(range));
  }
  getAll(queryOrOptions = undefined, count = undefined) { return getAll(this, IDBIndex, 'get_all', arguments); }
  getAllKeys(queryOrOptions = undefined, count = undefined) { return getAll(this, IDBIndex, 'get_all_keys', arguments); }
  getAllRecords(options = {}) { return getAll(this, IDBIndex, 'get_all_records', arguments); }
  count(range = undefined) { return invoke(this, IDBIndex, 'count', query(range)); }
  openCursor(range = undefined, direction = 'next') { return openCursor(this, IDBIndex, 'open_cursor', arguments); }
  openKeyCursor(range = undefined, direction = 'next') { return openCursor(this, IDBIndex, 'open_key_cursor', arguments); }
}

class IDBKeyRange {
  constructor() { illegal(); }
  get lower() { return cached(this, 'lower', () => get(this, IDBKeyRange, 'lower')); }
  get upper() { return cached(this, 'upper', () => get(this, IDBKeyRange, 'upper')); }
  get lowerOpen() { return get(this, IDBKeyRange, 'lowerOpen'); }
  get upperOpen() { return get(this, IDBKeyRange, 'upperOpen'); }
  static only(value) {
    required(arguments, 1, 'only', IDBKeyRange);
    return fromWire(call('range', 'only', [key(value)]));
  }
  static lowerBound(lower, open = false) {
    required(arguments, 1, 'lowerBound', IDBKeyRange);
    return fromWire(call('range', 'lower_bound', [key(lower), !!open]));
  }
  static upperBound(upper, open = false) {
    required(arguments, 1, 'upperBound', IDBKeyRange);
    return fromWire(call('range', 'upper_bound', [key(upper), !!open]));
  }
  static bound(lower, upper, lowerOpen = false, upperOpen = false) {
    required(arguments, 2, 'bound', IDBKeyRange);
    return twoKeys(lower, upper, (one, other) => fromWire(call('range', 'bound', [one, other, !!lowerOpen, !!upperOpen])));
  }
  includes(value) {
    required(arguments, 1, 'includes', IDBKeyRange);
    return invoke(this, IDBKeyRange, 'includes', key(value));
  }
}

class IDBCursor {
  constructor() { illegal(); }
  get source() { return get(this, IDBCursor, 'source'); }
  get direction() { return get(this, IDBCursor, 'direction'); }
  get key() { return cached(this, 'key', () => get(this, IDBCursor, 'key')); }
  get primaryKey() { return cached(this, 'primaryKey', () => get(this, IDBCursor, 'primaryKey')); }
  get request() { return get(this, IDBCursor, 'request'); }
  advance(count) {
    required(arguments, 1, 'advance', IDBCursor);
    invoke(this, IDBCursor, 'advance', plainNumber(count));
  }
  continue(target = undefined) { invoke(this, IDBCursor, 'continue_', optionalKey(target)); }
  continuePrimaryKey(target, primary) {
    required(arguments, 2, 'continuePrimaryKey', IDBCursor);
    twoKeys(target, primary, (one, other) => invoke(this, IDBCursor, 'continue_primary_key', one, other));
  }
  update(value) {
    required(arguments, 1, 'update', IDBCursor);
    const own = handle(this, IDBCursor);
    call('check_write', own, 'update');
    return invoke(this, IDBCursor, 'update', cloned(value, own));
  }
  delete() { return invoke(this, IDBCursor, 'delete'); }
}
class IDBCursorWithValue extends IDBCursor {
  constructor() { illegal(super()); }
  get value() { return cached(this, 'value', () => get(this, IDBCursorWithValue, 'value')); }
}

class IDBRecord {
  constructor() { illegal(); }
  get key() { return caches.get(this).get('key'); }
  get primaryKey() { return caches.get(this).get('primaryKey'); }
  get value() { return caches.get(this).get('value'); }
}
function makeRecord(key, primaryKey, value) {
  const record = Object.create(IDBRecord.prototype);
  caches.set(record, new Map(Object.entries({key, primaryKey, value})));
  return record;
}

const CLASSES = {
  DOMStringList, IDBCursor, IDBCursorWithValue, IDBDatabase, IDBFactory, IDBIndex, IDBKeyRange, IDBObjectStore,
  IDBOpenDBRequest, IDBRecord, IDBRequest, IDBTransaction, IDBVersionChangeEvent,
};
defineHandlers(IDBRequest, ['success', 'error']);
defineHandlers(IDBOpenDBRequest, ['blocked', 'upgradeneeded']);
defineHandlers(IDBDatabase, ['abort', 'close', 'error', 'versionchange']);
defineHandlers(IDBTransaction, ['abort', 'complete', 'error']);
declareForeign(...Object.values(CLASSES), Event, EventTarget);

// Platform objects that a browser clones and that neither Node nor Python has: they only exist to be refused.
export const unknownToPython = [
  class DOMMatrix {}, class DOMMatrixReadOnly {}, class DOMPoint {}, class DOMPointReadOnly {}, class DOMRect {},
  class DOMRectReadOnly {}, class ImageData { data = []; },
];
declareForeign(...unknownToPython, MessageChannel);

// What class syntax does otherwise than Web IDL.
function asInterface(Class) {
  for (const place of [Class, Class.prototype]) {
    for (const name of Object.getOwnPropertyNames(place)) {
      const property = Object.getOwnPropertyDescriptor(place, name);
      if (['constructor', 'prototype', 'name', 'length'].includes(name) && !('get' in property && place !== Class)) continue;
      Object.defineProperty(place, name, {...property, enumerable: true});
    }
  }
  Object.defineProperty(Class.prototype, Symbol.toStringTag, {value: Class.name, configurable: true});
  Object.defineProperty(globalThis, Class.name, {value: Class, writable: true, configurable: true, enumerable: false});
}

export function installInterfaces(factory) {
  Object.values(CLASSES).forEach(asInterface);
  const made = fromWire(factory);
  const property = Object.getOwnPropertyDescriptor({
    get indexedDB() {
      if ((this ?? globalThis) !== globalThis) throw new TypeError('Illegal invocation');
      return made;
    },
  }, 'indexedDB');
  Object.defineProperty(globalThis, 'indexedDB', property);
}

// The event that Python tells of.
export function eventOf({target, type, fields, moved}) {
  const object = fromWire(target);
  forget(object);
  if (moved) forget(fromWire(moved));
  const init = {bubbles: type === 'error' || type === 'abort', cancelable: type === 'error', ...fields};
  return [object, fields ? new IDBVersionChangeEvent(type, init) : new Event(type, init)];
}
