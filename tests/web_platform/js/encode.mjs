// JavaScript values and keys as JSON. An object is its place in a heap, so that shared and cyclic references are kept.
// Python reads it in wire_reader.py.
import util from 'node:util';
import {Blob, File, bytesOf} from './blobs.mjs';

const {types} = util;
export const ERRORS = ['EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'];

// Tests put setters on the prototypes: what is built here never looks there.
export const own = (object, key, value) =>
  Object.defineProperty(object, key, {value, writable: true, enumerable: true, configurable: true});
const append = (array, item) => own(array, array.length, item).length - 1;

function primitive(value) {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (value === undefined) return {u: 1};
  if (typeof value === 'bigint') return {b: String(value)};
  if (typeof value === 'number') {
    const plain = Number.isFinite(value) && Math.abs(value) <= 2 ** 53 && !Object.is(value, -0);
    return plain ? value : {n: Object.is(value, -0) ? '-0' : String(value)};
  }
  return null;
}

const isPrimitive = (value) => value === null || !['object', 'function', 'symbol'].includes(typeof value);
const base64 = (view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64');

function isDetached(buffer) {
  if (types.isSharedArrayBuffer(buffer)) return false;
  try {
    return !new Uint8Array(buffer);
  } catch {
    return true;
  }
}

function shownForeign(value) {
  if (typeof value === 'function') return `function`;
  if (typeof value === 'symbol') return 'Symbol';
  return value.constructor?.name ?? 'Object';
}

class Encoder {
  heap = [];
  #places = new Map();

  wrap(root) { return {root, heap: this.heap}; }

  _place(value) {
    if (this.#places.has(value)) return [this.#places.get(value), false];
    const place = append(this.heap, null);
    this.#places.set(value, place);
    return [place, true];
  }

  _bad(value) {
    return {o: append(this.heap, ['foreign', shownForeign(value)])};
  }
}

// https://html.spec.whatwg.org/#structuredserializeinternal; what it refuses is left to Python to refuse.
class ValueEncoder extends Encoder {
  encode(value) {
    if (isPrimitive(value)) return primitive(value);
    if (typeof value !== 'object' || types.isProxy(value)) return this._bad(value);
    const [place, isNew] = this._place(value);
    if (isNew) this.#fill(place, value);
    return {o: place};
  }

  #fill(place, value) {
    const leaf = this.#leaf(value);
    if (leaf) {
      this.heap[place] = leaf;
    } else if (types.isMap(value)) {
      const entry = this.heap[place] = ['map', []];
      for (const [key, item] of [...value]) append(entry[1], [this.encode(key), this.encode(item)]);
    } else if (types.isSet(value)) {
      const entry = this.heap[place] = ['set', []];
      for (const item of [...value]) append(entry[1], this.encode(item));
    } else {
      const isArray = Array.isArray(value);
      const entry = this.heap[place] = isArray ? ['array', [], value.length] : ['object', []];
      for (const key of Object.keys(value)) {
        if (Object.hasOwn(value, key)) append(entry[1], [key, this.encode(value[key])]);
      }
    }
  }

  #leaf(value) {
    if (types.isDate(value)) return ['date', primitive(value.getTime())];
    if (types.isRegExp(value)) return ['regexp', value.source, value.flags];
    if (types.isBoxedPrimitive(value)) {
      return types.isSymbolObject(value) ? ['foreign', 'Symbol'] : ['boxed', primitive(value.valueOf())];
    }
    if (types.isArrayBuffer(value)) {
      return isDetached(value) ? ['detached'] : ['buffer', base64(new Uint8Array(value))];
    }
    if (ArrayBuffer.isView(value)) {
      if (types.isSharedArrayBuffer(value.buffer)) return ['foreign', 'SharedArrayBuffer'];
      return isDetached(value.buffer) ? ['detached'] : ['view', viewKind(value), base64(value)];
    }
    if (types.isNativeError(value) && !(value instanceof DOMException)) {
      const name = String(value.name);
      const own = Object.getOwnPropertyDescriptor(value, 'message');
      return ['error', ERRORS.includes(name) ? name : 'Error', own && 'value' in own ? String(own.value) : ''];
    }
    if (value instanceof File) {
      return ['file', bytesOf(value).toString('base64'), value.type, value.name, value.lastModified];
    }
    if (value instanceof Blob) return ['blob', bytesOf(value).toString('base64'), value.type];
    return isForeign(value) ? ['foreign', shownForeign(value)] : null;
  }
}

const TYPED_ARRAY = Object.getPrototypeOf(Int8Array.prototype);
function viewKind(view) {
  return types.isDataView(view) ? 'DataView' : Reflect.get(TYPED_ARRAY, Symbol.toStringTag, view);
}

const foreignClasses = [];
export function declareForeign(...classes) { foreignClasses.push(...classes); }
function isForeign(value) {
  return types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value) || types.isSharedArrayBuffer(value) ||
      types.isGeneratorObject(value) || value instanceof WeakRef || value instanceof DOMException || value === globalThis ||
      foreignClasses.some((Class) => value instanceof Class);
}

// https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key; whether it is a key is left to Python.
class KeyEncoder extends Encoder {
  encode(value) {
    if (value === null) return {null: 1};
    if (isPrimitive(value)) return primitive(value);
    if (typeof value !== 'object' || types.isProxy(value)) return this._bad(value);
    const [place, isNew] = this._place(value);
    if (isNew) this.#fill(place, value);
    return {o: place};
  }

  #fill(place, value) {
    if (types.isDate(value)) this.heap[place] = ['date', primitive(value.getTime())];
    else if (types.isArrayBuffer(value)) {
      this.heap[place] = isDetached(value) ? ['detached'] : ['buffer', base64(new Uint8Array(value))];
    } else if (ArrayBuffer.isView(value)) {
      this.heap[place] = isDetached(value.buffer) ? ['detached'] : ['buffer', base64(value)];
    } else if (Array.isArray(value)) {
      const entry = this.heap[place] = ['array', [], value.length];
      for (let index = 0; index < value.length; index++) {
        if (!Object.hasOwn(value, index)) {  // no key: nothing after it is looked at
          append(entry[1], [String(index), this._bad(value)]);
          break;
        }
        append(entry[1], [String(index), this.encode(value[index])]);
      }
      entry[2] = entry[1].length;
    } else this.heap[place] = ['foreign', shownForeign(value)];
  }
}

export function encodeValue(value) {
  const encoder = new ValueEncoder();
  return encoder.wrap(encoder.encode(value));
}

export function encodeKey(value) {
  const encoder = new KeyEncoder();
  return encoder.wrap(encoder.encode(value));
}
