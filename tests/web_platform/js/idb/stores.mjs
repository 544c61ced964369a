import {call} from '../channel.mjs';
import {dictionary, illegal, keyPath, query, raw, required} from './arguments.mjs';
import {cached, get, handle, invoke} from './objects.mjs';
import {getAll, openCursor, write} from './operations.mjs';

export class IDBObjectStore {
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

export class IDBIndex {
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
