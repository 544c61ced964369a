// TensorFlow.js in Node with a browser's storage: `localstorage://`, `indexeddb://` and a synchronous `localStorage`, all
// in a tfjsd daemon.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {MessageChannel, receiveMessageOnPort, Worker} from 'node:worker_threads';
import {indexedDBOf} from './indexeddb.js';
import {addScheme, Daemon} from './tfjsd.js';

export * from './tfjsd.js';
export {indexedDBOf};

/** Address and token of the daemon of a home, from the files that it keeps there. */
export function daemonOf(home) {
  const {http} = JSON.parse(readFileSync(join(home, 'daemon.json'), 'utf8'));
  if (!http) throw new Error(`The daemon of ${home} does not listen on TCP: start it with tfjsd serve --http 127.0.0.1:PORT.`);
  return {url: http, token: readFileSync(join(home, 'http-token'), 'ascii').trim()};
}

const PATIENCE = 60_000;

/** Asks a worker and waits for it, as a browser's main thread waits for localStorage. */
class SynchronousCaller {
  #asked = 0;
  isClosed = false;

  constructor(options) {
    const {port1, port2} = new MessageChannel();
    this.port = port1;
    this.flag = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(new URL('./storage-worker.js', import.meta.url), {
      workerData: {options, port: port2, flag: this.flag},
      transferList: [port2],
    });
    this.worker.unref();
    this.port.unref();
  }

  call(operation) {
    if (this.isClosed) throw new DOMException('The storage was closed.', 'InvalidStateError');
    const number = ++this.#asked;
    this.port.postMessage({number, operation});
    const {result, error} = this.#answerTo(number);
    if (error) throw error.name === 'QuotaExceededError' ? new DOMException(error.message, error.name) : Object.assign(new Error(error.message), error);
    return result;
  }

  /** Waits for it; a late answer to an earlier call, which has been given up, is dropped. */
  #answerTo(number) {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      const before = Atomics.load(this.flag, 0);
      for (let received; (received = receiveMessageOnPort(this.port)); ) {
        if (received.message.number === number) return received.message.answer;
      }
      const rest = deadline - Date.now();
      if (rest <= 0 || Atomics.wait(this.flag, 0, before, rest) === 'timed-out') {
        throw new Error(`The daemon has not answered within ${PATIENCE / 1000} seconds.`);
      }
    }
  }

  close() {
    this.isClosed = true;
    this.port.close();
    return this.worker.terminate();
  }
}

const secret = new WeakMap();

/** As Chrome says it. */
function requireArguments(operation, present, needed) {
  if (present >= needed) return;
  throw new TypeError(`Failed to execute '${operation}' on 'Storage': ${needed} argument${needed > 1 ? 's' : ''} required, but only ${present} present.`);
}

/** The Storage interface, https://html.spec.whatwg.org/multipage/webstorage.html#the-storage-interface. */
export class Storage {
  constructor(options) {
    const caller = new SynchronousCaller(options);
    const proxy = new Proxy(this, NAMED_PROPERTIES);
    secret.set(this, caller);
    secret.set(proxy, caller);
    return proxy;
  }

  get length() {
    return secret.get(this).call({op: 'length'});
  }

  key(index) {
    requireArguments('key', arguments.length, 1);
    return secret.get(this).call({op: 'key', index: index >>> 0});
  }

  getItem(key) {
    requireArguments('getItem', arguments.length, 1);
    return secret.get(this).call({op: 'getItem', key: `${key}`});
  }

  setItem(key, value) {
    requireArguments('setItem', arguments.length, 2);
    secret.get(this).call({op: 'setItem', key: `${key}`, value: `${value}`});
  }

  removeItem(key) {
    requireArguments('removeItem', arguments.length, 1);
    secret.get(this).call({op: 'removeItem', key: `${key}`});
  }

  clear() {
    secret.get(this).call({op: 'clear'});
  }
}

Object.defineProperty(Storage.prototype, Symbol.toStringTag, {value: 'Storage', configurable: true});

const ordinary = (target, name) => typeof name === 'symbol' || name in target;

/** `storage.key`, `delete storage.key`, `Object.keys(storage)`. */
const NAMED_PROPERTIES = {
  get: (target, name) => (ordinary(target, name) ? Reflect.get(target, name, target) : (target.getItem(name) ?? undefined)),
  has: (target, name) => ordinary(target, name) || target.getItem(name) !== null,
  set(target, name, value) {
    if (typeof name === 'symbol') return Reflect.set(target, name, value);
    secret.get(target).call({op: 'setItem', key: name, value: `${value}`, namedProperty: true});
    return true;
  },
  defineProperty(target, name, descriptor) {
    if (typeof name === 'symbol') return Reflect.defineProperty(target, name, descriptor);
    // Web IDL's legacy platform objects: an accessor is refused, of other descriptors the value is taken.
    if (descriptor.get || descriptor.set) return false;
    return this.set(target, name, descriptor.value);
  },
  deleteProperty(target, name) {
    if (typeof name === 'symbol') return Reflect.deleteProperty(target, name);
    target.removeItem(name);
    return true;
  },
  ownKeys: (target) => [...secret.get(target).call({op: 'keys'}), ...Object.getOwnPropertySymbols(target)],
  getOwnPropertyDescriptor(target, name) {
    if (typeof name === 'symbol') return Reflect.getOwnPropertyDescriptor(target, name);
    const value = target.getItem(name);
    return value === null ? undefined : {value, writable: true, enumerable: true, configurable: true};
  },
};

/** Puts values into the global scope; gives what takes them out again. */
function defineGlobals(values) {
  const before = Object.entries(values).map(([name, value]) => {
    const old = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, {value, writable: true, configurable: true});
    return [name, old];
  });
  return () => before.forEach(([name, old]) => (old ? Object.defineProperty(globalThis, name, old) : delete globalThis[name]));
}

const isOwn = (url) => /^(localstorage|indexeddb):\/\//.test(url);

/**
 * Gives a TensorFlow.js in Node what it has in a browser: the schemes `localstorage://` and `indexeddb://`, and, unless
 * `globals` is false, `globalThis.localStorage`, `Storage` and `indexedDB`. Options: `{url, token, origin}`, or `{home}`.
 */
export function install(tf, {home, globals = true, ...given} = {}) {
  const options = {...(home === undefined ? {} : daemonOf(home)), ...given};
  const daemon = new Daemon(options);
  const models = addScheme(tf, daemon, {own: (url) => (isOwn(url) ? url : null), shown: (url) => url});
  const localStorage = new Storage(options);
  const indexedDB = indexedDBOf(daemon);
  const putBack = globals ? defineGlobals({localStorage, indexedDB, Storage}) : () => {};
  const close = async () => {
    putBack();
    await secret.get(localStorage).close();
  };
  return {...models, daemon, localStorage, indexedDB, close};
}
