// Python's values, as wire_writer.py wrote them.
import {Blob, File} from './blobs.mjs';
import {ERRORS, own} from './encode.mjs';

const unBase64 = (text) => {
  const buffer = Buffer.from(text, 'base64');
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.length);
};

const MADE = {
  array: (entry, read) => {
    const array = read.keep(new Array(entry[2]));
    for (const [key, item] of entry[1]) own(array, key, read(item));
  },
  object: (entry, read) => {
    const object = read.keep({});
    for (const [key, item] of entry[1]) own(object, key, read(item));
  },
  map: (entry, read) => {
    const map = read.keep(new Map());
    for (const [key, item] of entry[1]) map.set(read(key), read(item));
  },
  set: (entry, read) => {
    const set = read.keep(new Set());
    for (const item of entry[1]) set.add(read(item));
  },
  record: (entry, read) => read.keep(read.record(...entry[1].map((item) => read(item)))),
  date: (entry, read) => read.keep(new Date(read(entry[1]))),
  regexp: (entry, read) => read.keep(new RegExp(entry[1], entry[2])),
  boxed: (entry, read) => read.keep(Object(read(entry[1]))),
  buffer: (entry, read) => read.keep(unBase64(entry[1])),
  view: (entry, read) => read.keep(new globalThis[entry[1]](unBase64(entry[2]))),
  error: (entry, read) => {
    const error = new (ERRORS.includes(entry[1]) ? globalThis[entry[1]] : Error)(entry[2]);
    if (!entry[2]) delete error.message;
    read.keep(error);
  },
  blob: (entry, read) => read.keep(new Blob([unBase64(entry[1])], {type: entry[2]})),
  file: (entry, read) =>
    read.keep(new File([unBase64(entry[1])], entry[3], {type: entry[2], lastModified: entry[4]})),
};

export function decode({root, heap}, record = (...fields) => fields) {
  const made = new Map();
  function read(node) {
    if (node === null || typeof node !== 'object') return node;
    if ('u' in node) return undefined;
    if ('n' in node) return Number(node.n);
    if ('b' in node) return BigInt(node.b);
    if (!made.has(node.o)) {
      const keeping = Object.assign((item) => read(item), {keep: (value) => made.set(node.o, value) && value, record});
      MADE[heap[node.o][0]](heap[node.o], keeping);
    }
    return made.get(node.o);
  }
  return read(root);
}
