// The interfaces of IndexedDB as Web IDL has them. Each attribute and operation asks Python; nothing is decided here.
import {Event, EventTarget} from '../events.mjs';
import {declareForeign} from '../encode.mjs';
import {IDBCursor, IDBCursorWithValue, IDBKeyRange, IDBRecord} from './cursors.mjs';
import {IDBDatabase, IDBTransaction} from './database.mjs';
import {DOMStringList} from './dom_string_list.mjs';
import {IDBFactory} from './factory.mjs';
import {forget, fromWire, interfaces} from './objects.mjs';
import {IDBOpenDBRequest, IDBRequest, IDBVersionChangeEvent} from './requests.mjs';
import {IDBIndex, IDBObjectStore} from './stores.mjs';

Object.assign(interfaces, {
  DOMStringList, IDBCursor, IDBCursorWithValue, IDBDatabase, IDBFactory, IDBIndex, IDBKeyRange, IDBObjectStore,
  IDBOpenDBRequest, IDBRecord, IDBRequest, IDBTransaction, IDBVersionChangeEvent,
});

declareForeign(...Object.values(interfaces), Event, EventTarget);

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
  Object.values(interfaces).forEach(asInterface);
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
