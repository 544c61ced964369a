import {call} from '../channel.mjs';
import {illegal, plainNumber, raw, required, twoKeys} from './arguments.mjs';
import {fromWire, handle, invoke} from './objects.mjs';

export class IDBFactory {
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
