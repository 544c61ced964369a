import {call} from '../channel.mjs';
import {EventTarget, defineHandlers, parentOf} from '../events.mjs';
import {dictionary, illegal, keyPath, raw, required} from './arguments.mjs';
import {fromWire, get, handle, invoke} from './objects.mjs';

export class IDBDatabase extends EventTarget {
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

export class IDBTransaction extends EventTarget {
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

defineHandlers(IDBDatabase, ['abort', 'close', 'error', 'versionchange']);
defineHandlers(IDBTransaction, ['abort', 'complete', 'error']);
