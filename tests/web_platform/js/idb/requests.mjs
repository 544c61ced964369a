import {Event, EventTarget, defineHandlers, parentOf} from '../events.mjs';
import {illegal} from './arguments.mjs';
import {cached, get, handle} from './objects.mjs';

export class IDBVersionChangeEvent extends Event {
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

export class IDBRequest extends EventTarget {
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
export class IDBOpenDBRequest extends IDBRequest {
  constructor() { illegal(super()); }
}

defineHandlers(IDBRequest, ['success', 'error']);
defineHandlers(IDBOpenDBRequest, ['blocked', 'upgradeneeded']);
