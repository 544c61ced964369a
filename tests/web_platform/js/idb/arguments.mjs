// Arguments as Web IDL converts them. Whether a key is one is left to Python.
import {call} from '../channel.mjs';
import {encodeKey, encodeValue} from '../encode.mjs';
import {handles, interfaces} from './objects.mjs';

export const ABSENT = {absent: 1};
export const key = (value) => ({key: encodeKey(value)});
// Two keys: the first is judged before the second is looked at.
export function twoKeys(first, second, ask) {
  const one = key(first);
  let other;
  try {
    other = key(second);
  } catch (error) {
    call('judge', one);
    throw error;
  }
  return ask(one, other);
}
export const optionalKey = (value) => (value === undefined ? ABSENT : key(value));
// A range is handed over as it is, anything else as a key; `null` and `undefined` are no query.
export function query(value) {
  if (value === undefined || value === null) return null;
  return value instanceof interfaces.IDBKeyRange ? {h: handles.get(value)} : key(value);
}
export const raw = (value) => String(value);
export const plainNumber = (value) => ({value: encodeValue(Number(value))});
export const keyPath = (value) => (typeof value === 'object' && value[Symbol.iterator] ? [...value].map(raw) : raw(value));

export function required(args, count, method, Class) {
  if (args.length < count) {
    throw new TypeError(`Failed to execute '${method}' on '${Class.name}': ${count} argument${count > 1 ? 's' : ''} ` +
        `required, but only ${args.length} present.`);
  }
}

export function dictionary(value) {
  if (value === undefined || value === null) return {};
  if (!['object', 'function'].includes(typeof value)) throw new TypeError('The provided value is not a dictionary.');
  return value;
}

export const illegal = () => {
  throw new TypeError('Illegal constructor');
};
