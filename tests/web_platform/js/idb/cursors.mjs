import {call} from '../channel.mjs';
import {illegal, key, optionalKey, plainNumber, required, twoKeys} from './arguments.mjs';
import {caches, cached, fromWire, get, handle, invoke} from './objects.mjs';
import {cloned} from './operations.mjs';

export class IDBKeyRange {
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

export class IDBCursor {
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
export class IDBCursorWithValue extends IDBCursor {
  constructor() { illegal(super()); }
  get value() { return cached(this, 'value', () => get(this, IDBCursorWithValue, 'value')); }
}

export class IDBRecord {
  constructor() { illegal(); }
  get key() { return caches.get(this).get('key'); }
  get primaryKey() { return caches.get(this).get('primaryKey'); }
  get value() { return caches.get(this).get('value'); }
}
export function makeRecord(key, primaryKey, value) {
  const record = Object.create(IDBRecord.prototype);
  caches.set(record, new Map(Object.entries({key, primaryKey, value})));
  return record;
}
