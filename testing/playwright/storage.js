() => {
  "use strict";
  // The storage of the page's origin in the form of Playwright's storage state, whatever Playwright's version.
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
      request.onblocked = () => reject(new Error("the page has an open connection to the database"));
    });

  const arrays = {
    i8: Int8Array, ui8: Uint8Array, ui8c: Uint8ClampedArray, i16: Int16Array, ui16: Uint16Array, i32: Int32Array,
    ui32: Uint32Array, f32: Float32Array, f64: Float64Array, bi64: BigInt64Array, bui64: BigUint64Array,
  };

  const toBase64 = (bytes) => {
    const pieces = [];
    for (let at = 0; at < bytes.length; at += 0x8000) {
      pieces.push(String.fromCharCode.apply(null, bytes.subarray(at, at + 0x8000)));
    }
    return btoa(pieces.join(""));
  };

  const fromBase64 = (text) => {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    return bytes;
  };

  const isPlain = (value) => {
    if (value === null || typeof value === "string" || typeof value === "boolean") return true;
    if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
    if (Array.isArray(value)) return Object.keys(value).length === value.length && value.every(isPlain);
    return typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
  };

  const encode = (value, seen = new Map()) => {
    if (value === undefined) return { v: "undefined" };
    if (value === null) return { v: "null" };
    if (typeof value === "bigint") return { bi: String(value) };
    if (typeof value === "number" && !isPlain(value)) return { v: Object.is(value, -0) ? "-0" : String(value) };
    if (typeof value !== "object") return value;
    if (value instanceof Date) return { d: value.toJSON() };
    if (value instanceof RegExp) return { r: { p: value.source, f: value.flags } };
    if (value instanceof Error) return { e: { n: value.name, m: value.message, s: String(value.stack) } };
    if (value instanceof ArrayBuffer) return { ab: { b: toBase64(new Uint8Array(value)) } };
    for (const [k, type] of Object.entries(arrays)) {
      if (value instanceof type) {
        return { ta: { b: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)), k } };
      }
    }
    if (seen.has(value)) return { ref: seen.get(value) };
    const id = seen.size + 1;
    seen.set(value, id);
    if (Array.isArray(value)) return { a: Array.from(value, (item) => encode(item, seen)), id };
    if (value instanceof Map) {
      return { m: Array.from(value, ([k, v]) => ({ k: encode(k, seen), v: encode(v, seen) })), id };
    }
    if (value instanceof Set) return { s: Array.from(value, (item) => encode(item, seen)), id };
    const name = Object.prototype.toString.call(value);
    if (name !== "[object Object]") throw new TypeError(`a storage state has no form for ${name}`);
    return { o: Object.keys(value).map((k) => ({ k, v: encode(value[k], seen) })), id };
  };

  const special = { null: null, undefined, NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity, "-0": -0 };

  const decode = (value, known = new Map()) => {
    if (typeof value !== "object" || value === null) return value;
    if ("v" in value) return special[value.v];
    if ("ref" in value) return known.get(value.ref);
    if ("bi" in value) return BigInt(value.bi);
    if ("d" in value) return new Date(value.d === null ? NaN : value.d);
    if ("r" in value) return new RegExp(value.r.p, value.r.f);
    if ("e" in value) return Object.assign(new Error(value.e.m), { name: value.e.n, stack: value.e.s });
    if ("ab" in value) return fromBase64(value.ab.b).buffer;
    if ("ta" in value) return new arrays[value.ta.k](fromBase64(value.ta.b).buffer);
    const into = "a" in value ? [] : "o" in value ? {} : "m" in value ? new Map() : new Set();
    known.set(value.id, into);
    if ("a" in value) value.a.forEach((item) => into.push(decode(item, known)));
    else if ("o" in value) for (const { k, v } of value.o) into[k] = decode(v, known);
    else if ("m" in value) for (const { k, v } of value.m) into.set(decode(k, known), decode(v, known));
    else value.s.forEach((item) => into.add(decode(item, known)));
    return into;
  };

  const member = (name, value) => (isPlain(value) ? { [name]: value } : { [`${name}Encoded`]: encode(value) });
  const read = (name, record) => (name in record ? record[name] : decode(record[`${name}Encoded`]));
  const path = (keyPath) => (keyPath === null ? {} : typeof keyPath === "string" ? { keyPath } : { keyPathArray: [...keyPath] });

  const collectStore = async (store) => {
    const records = [];
    for (const key of await done(store.getAllKeys())) {
      records.push({ ...(store.keyPath === null ? member("key", key) : {}), ...member("value", await done(store.get(key))) });
    }
    const indexes = [...store.indexNames].map((name) => {
      const { keyPath, multiEntry, unique } = store.index(name);
      return { name, ...path(keyPath), multiEntry, unique };
    });
    return { name: store.name, autoIncrement: store.autoIncrement, ...path(store.keyPath), records, indexes };
  };

  const collectDatabase = async (name) => {
    const database = await done(indexedDB.open(name));
    try {
      const stores = [];
      const names = [...database.objectStoreNames];
      if (names.length) {
        const transaction = database.transaction(names, "readonly");
        for (const each of names) stores.push(await collectStore(transaction.objectStore(each)));
      }
      return { name, version: database.version, stores };
    } finally {
      database.close();
    }
  };

  const restoreDatabase = async (state) => {
    await done(indexedDB.deleteDatabase(state.name));
    const opening = indexedDB.open(state.name, state.version);
    opening.onupgradeneeded = () => {
      for (const store of state.stores) {
        const made = opening.result.createObjectStore(store.name, {
          autoIncrement: store.autoIncrement,
          keyPath: store.keyPathArray ?? store.keyPath ?? null,
        });
        for (const { name, keyPath, keyPathArray, multiEntry, unique } of store.indexes) {
          made.createIndex(name, keyPathArray ?? keyPath, { multiEntry, unique });
        }
      }
    };
    const database = await done(opening);
    try {
      if (!state.stores.length) return;
      const transaction = database.transaction(state.stores.map((store) => store.name), "readwrite");
      const committed = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error ?? new Error("the transaction was aborted"));
      });
      for (const { name, records } of state.stores) {
        const store = transaction.objectStore(name);
        for (const record of records) {
          if (store.keyPath === null) store.add(read("value", record), read("key", record));
          else store.add(read("value", record));
        }
      }
      await committed;
    } finally {
      database.close();
    }
  };

  // JSON text, because what carries values between a page and a test does not keep lone surrogates.
  const collect = async () => {
    const items = Array.from({ length: localStorage.length }, (_, index) => localStorage.key(index));
    const state = {
      origin: location.origin,
      localStorage: items.map((name) => ({ name, value: localStorage.getItem(name) })),
    };
    const found = await indexedDB.databases();
    if (found.length) state.indexedDB = await Promise.all(found.map(({ name }) => collectDatabase(name)));
    return JSON.stringify(state);
  };

  const restore = async (text) => {
    const state = JSON.parse(text);
    localStorage.clear();
    for (const { name, value } of state.localStorage) localStorage.setItem(name, value);
    for (const database of state.indexedDB ?? []) await restoreDatabase(database);
  };

  return { collect, restore };
}
