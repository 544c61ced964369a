// Blob, File and FileReader whose bytes can be read at once. https://w3c.github.io/FileAPI/
import {Event, EventTarget, defineHandlers} from './events.mjs';

const bytesIn = new WeakMap();
export const bytesOf = (blob) => bytesIn.get(blob);

function flatten(parts) {
  return Buffer.concat([...parts].map((part) => {
    if (bytesIn.has(part)) return bytesIn.get(part);
    if (part instanceof ArrayBuffer) return Buffer.from(part);
    if (ArrayBuffer.isView(part)) return Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    return Buffer.from(String(part).toWellFormed?.() ?? String(part));
  }));
}

function exact(buffer) {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
}

export class Blob {
  #type;
  constructor(parts = [], options = {}) {
    bytesIn.set(this, flatten(parts));
    this.#type = String(options.type ?? '').toLowerCase();
  }
  get size() { return bytesIn.get(this).length; }
  get type() { return this.#type; }
  slice(start, end, type = '') { return new Blob([bytesIn.get(this).subarray(start, end)], {type}); }
  async text() { return bytesIn.get(this).toString(); }
  async arrayBuffer() { return exact(bytesIn.get(this)); }
  get [Symbol.toStringTag]() { return 'Blob'; }
}

export class File extends Blob {
  #name;
  #modified;
  constructor(parts, name, options = {}) {
    super(parts, options);
    this.#name = String(name);
    this.#modified = Number(options.lastModified ?? Date.now());
  }
  get name() { return this.#name; }
  get lastModified() { return this.#modified; }
  get [Symbol.toStringTag]() { return 'File'; }
}

export class FileReader extends EventTarget {
  readyState = 0;
  result = null;
  error = null;
  #read(result) {
    this.readyState = 1;
    setTimeout(() => {
      this.readyState = 2;
      this.result = result;
      this.dispatchEvent(new Event('load'));
      this.dispatchEvent(new Event('loadend'));
    }, 0);
  }
  readAsText(blob) { this.#read(bytesOf(blob).toString()); }
  readAsArrayBuffer(blob) { this.#read(exact(bytesOf(blob))); }
}
defineHandlers(FileReader, ['load', 'loadend', 'error']);
