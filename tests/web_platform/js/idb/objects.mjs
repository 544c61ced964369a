// Python's objects in JavaScript: the same object for the same number.
import {call} from '../channel.mjs';
import {decode} from '../decode.mjs';
import {makeRecord} from './cursors.mjs';
import {makeNames} from './dom_string_list.mjs';

export const interfaces = {};  // by name; filled when they are installed
export const handles = new WeakMap();
const objects = new Map();
export const caches = new WeakMap();

const snake = (name) => name.replace(/[A-Z]/g, (letter) => '_' + letter.toLowerCase());

export function handle(object, Class) {
  if (!(object instanceof Class) || !handles.has(object)) throw new TypeError('Illegal invocation');
  return handles.get(object);
}

export function cached(object, name, make) {
  const known = caches.get(object) ?? caches.set(object, new Map()).get(object);
  if (!known.has(name)) known.set(name, make());
  return known.get(name);
}

export function forget(object) {
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
  const object = Object.create(interfaces[wire.c].prototype);
  handles.set(object, wire.h);
  return object;
}

export const get = (object, Class, name) => fromWire(call('get', handle(object, Class), snake(name)));
export const invoke = (object, Class, name, ...args) => fromWire(call('invoke', handle(object, Class), name, args));
