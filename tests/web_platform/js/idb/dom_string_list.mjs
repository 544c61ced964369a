import {illegal, raw, required} from './arguments.mjs';

export class DOMStringList {
  constructor() { illegal(); }
  get length() { return namesOf(this).length; }
  item(index) {
    required(arguments, 1, 'item', DOMStringList);
    return namesOf(this)[index >>> 0] ?? null;
  }
  contains(string) {
    required(arguments, 1, 'contains', DOMStringList);
    return namesOf(this).includes(raw(string));
  }
  [Symbol.iterator]() { return namesOf(this)[Symbol.iterator](); }
}

const lists = new WeakMap();
function namesOf(list) {
  if (!lists.has(list)) throw new TypeError('Illegal invocation');
  return lists.get(list);
}
export function makeNames(names) {
  const list = Object.create(DOMStringList.prototype);
  lists.set(list, names);
  names.forEach((name, index) => Object.defineProperty(list, index, {value: name, enumerable: true, configurable: true}));
  return list;
}
