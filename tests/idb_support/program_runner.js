// Plays programs in the corpus's form (README of tests/corpus) in a page and gives the results in that form.
// Covers what random_programs.py makes: open with upgrade, transactions, cursors with scripts, dump, delete.

const NUM = {NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity, "-0": -0};

function dec(s) {
  if (Array.isArray(s)) return s.map(dec);
  if (s === null || typeof s !== "object") return s;
  if ("$undefined" in s) return undefined;
  if ("$num" in s) return NUM[s.$num];
  if ("$date" in s) return new Date(s.$date === "NaN" ? NaN : s.$date);
  if ("$bin" in s) return Uint8Array.from(s.$bin.match(/../g) || [], (h) => parseInt(h, 16)).buffer;
  if ("$bigint" in s) return BigInt(s.$bigint);
  if ("$map" in s) return new Map(s.$map.map(([k, v]) => [dec(k), dec(v)]));
  return Object.fromEntries(Object.entries(s).map(([k, v]) => [k, dec(v)]));
}

function enc(v) {
  if (v === undefined) return {$undefined: 1};
  if (typeof v === "number") {
    if (Number.isNaN(v)) return {$num: "NaN"};
    if (!Number.isFinite(v)) return {$num: v > 0 ? "Infinity" : "-Infinity"};
    return Object.is(v, -0) ? {$num: "-0"} : v;
  }
  if (typeof v === "bigint") return {$bigint: String(v)};
  if (v === null || typeof v !== "object") return v;
  if (v instanceof Date) return {$date: Number.isNaN(v.getTime()) ? "NaN" : v.getTime()};
  if (v instanceof ArrayBuffer) return {$bin: Array.from(new Uint8Array(v), (b) => b.toString(16).padStart(2, "0")).join("")};
  if (v instanceof Map) return {$map: [...v].map(([k, x]) => [enc(k), enc(x)])};
  if (Array.isArray(v)) {
    const items = v.map(enc), names = Object.keys(v).filter((k) => !/^\d+$/.test(k));
    return names.length ? {$arrprops: items, props: Object.fromEntries(names.map((k) => [k, enc(v[k])]))} : items;
  }
  return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, enc(x)]));
}

function err(e) {
  if (e === null || e === undefined) return null;
  return e instanceof DOMException || e.code !== undefined
    ? {name: e.name, message: e.message, code: e.code}
    : {name: e.name, message: e.message, ctor: e.constructor.name};
}

function range(r) {
  if ("only" in r) return IDBKeyRange.only(dec(r.only));
  if ("bound" in r) return IDBKeyRange.bound(dec(r.bound[0]), dec(r.bound[1]), !!r.bound[2], !!r.bound[3]);
  if ("lower" in r) return IDBKeyRange.lowerBound(dec(r.lower), !!r.open);
  return IDBKeyRange.upperBound(dec(r.upper), !!r.open);
}

const storeInfo = (s) => ({name: s.name, keyPath: s.keyPath, autoIncrement: s.autoIncrement, indexNames: [...s.indexNames]});
const indexInfo = (i) => ({name: i.name, keyPath: i.keyPath, unique: i.unique, multiEntry: i.multiEntry});

// One op; calls done(result) once. Gives the request, if there is one.
function issue(db, tx, op, done) {
  const source = () => ("index" in op ? tx.objectStore(op.store).index(op.index) : tx.objectStore(op.store));
  const query = () => ("range" in op ? [range(op.range)] : "key" in op ? [dec(op.key)] : []);
  const immediate = {
    createStore: () => storeInfo(db.createObjectStore(op.name, op.options || {})),
    deleteStore: () => (db.deleteObjectStore(op.name), "ok"),
    createIndex: () => indexInfo(tx.objectStore(op.store).createIndex(op.name, op.keyPath, op.options || {})),
    deleteIndex: () => (tx.objectStore(op.store).deleteIndex(op.name), "ok"),
    renameStore: () => ((tx.objectStore(op.store).name = op.to), "ok"),
    renameIndex: () => ((tx.objectStore(op.store).index(op.index).name = op.to), "ok"),
    storeInfo: () => storeInfo(tx.objectStore(op.store)),
    abort: () => (tx.abort(), "ok"),
    commit: () => (tx.commit(), "ok"),
  };
  try {
    if (op.op in immediate) return done({ok: immediate[op.op]()});
    if (op.op === "cursor") return cursor(db, tx, op, source(), query(), done);
    const s = source();
    let r;
    if (op.op === "put" || op.op === "add") r = s[op.op](dec(op.value), ...("key" in op ? [dec(op.key)] : []));
    else if (op.op === "clear") r = s.clear();
    else {
      const args = query();
      if ("options" in op) r = s[op.op]({...op.options, ...(args.length ? {query: args[0]} : {})});
      else if ("count" in op) r = s[op.op](args.length ? args[0] : undefined, dec(op.count));
      else r = s[op.op](...args);
    }
    const records = op.op === "getAllRecords" ? (all) => all.map((x) => [enc(x.key), enc(x.primaryKey), enc(x.value)]) : enc;
    r.onsuccess = () => done({ok: records(r.result)});
    r.onerror = (e) => {
      if (op.catch) { e.preventDefault(); e.stopPropagation(); }
      done({error: err(r.error)});
    };
  } catch (e) { done({throw: err(e)}); }
}

function cursor(db, tx, op, source, query, done) {
  const visited = [], acts = [];
  let finished = false, closing = null, waiting = 0;
  const finish = (result) => { if (!finished) { finished = true; done(result); } };
  const args = "direction" in op ? [query[0], op.direction] : query;
  const request = op.keyOnly ? source.openKeyCursor(...args) : source.openCursor(...args);
  const store = source.objectStore || source;
  request.onerror = (e) => {
    if (op.catch) { e.preventDefault(); e.stopPropagation(); }
    finish({error: err(request.error)});
  };
  request.onsuccess = () => {
    const c = request.result;
    if (!c) return finish({ok: {visited, acts, end: "done"}});
    visited.push(op.keyOnly ? [enc(c.key), enc(c.primaryKey)] : [enc(c.key), enc(c.primaryKey), enc(c.value)]);
    const n = visited.length - 1;
    let moved = false;
    for (const [name, ...raw] of (op.script || [])[n] || [["continue"]]) {
      const a = raw.map(dec), entry = {visit: n, act: name};
      try {
        let r = null;
        if (name === "continue") { c.continue(...a); moved = true; }
        else if (name === "continuePrimaryKey") { c.continuePrimaryKey(...a); moved = true; }
        else if (name === "advance") { c.advance(...a); moved = true; }
        else if (name === "update") r = c.update(...a);
        else if (name === "delete") r = c.delete();
        else if (name === "put") r = store.put(...a);
        else if (name === "remove") r = store.delete(...a);
        if (r) {
          acts.push(entry);
          r.onsuccess = () => { entry.ok = enc(r.result); };
          r.onerror = () => { entry.error = err(r.error); };
        }
      } catch (e) { acts.push({...entry, throw: err(e)}); }
    }
    if (!moved) finish({ok: {visited, acts, end: "stopped"}});
  };
}

// Ops one after the other: each from the callback of the one before it.
function sequence(db, tx, ops, results) {
  const next = (i) => {
    if (i >= ops.length) return;
    issue(db, tx, ops[i], (result) => {
      results.push(result);
      if ("error" in result && !ops[i].catch) { while (results.length < ops.length) results.push("skip"); return; }
      next(i + 1);
    });
  };
  next(0);
}

function atOnce(db, tx, ops, results, order) {
  ops.forEach((op, i) => {
    results[i] = "pending";
    let sync = true;
    issue(db, tx, op, (result) => { results[i] = result; if (!sync) order.push(i); });
    sync = false;
  });
}

const steps = {
  open: (step, state) => new Promise((resolve) => {
    const events = [], out = {events};
    const request = indexedDB.open(step.db, ...("version" in step ? [step.version] : []));
    let tx, db;
    request.onupgradeneeded = (e) => {
      db = request.result; tx = request.transaction;
      events.push(`upgradeneeded ${e.oldVersion}->${e.newVersion}`);
      tx.addEventListener("complete", () => events.push("tx complete"));
      tx.addEventListener("abort", () => events.push("tx abort"));
      out.upgrade = [];
      sequence(db, tx, step.upgrade || [], out.upgrade);
    };
    request.onsuccess = () => {
      events.push("success");
      state.db = request.result;
      state.db.onversionchange = () => request.result.close();
      resolve({...out, version: state.db.version, stores: [...state.db.objectStoreNames]});
    };
    request.onerror = (e) => {
      e.preventDefault();
      events.push("error");
      resolve({...out, error: err(request.error)});
    };
  }),
  close: async (step, state) => (state.db?.close(), "ok"),
  tx: (step, state) => new Promise((resolve) => {
    let tx;
    try { tx = state.db.transaction(step.stores, step.mode); } catch (e) { return resolve({throw: err(e)}); }
    const results = [], order = [];
    const end = (outcome) => {
      const out = {outcome, ops: results};
      if (outcome === "abort") out.error = err(tx.error);
      if (step.parallel) out.order = order;
      resolve(out);
    };
    tx.oncomplete = () => end("complete");
    tx.onabort = () => setTimeout(() => end("abort"));
    if (step.parallel) atOnce(state.db, tx, step.ops, results, order);
    else sequence(state.db, tx, step.ops, results);
  }),
  delete: (step) => new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(step.db);
    request.onsuccess = (e) => resolve({events: ["success"], oldVersion: e.oldVersion, newVersion: e.newVersion, result: enc(request.result)});
  }),
  databases: async () => (await indexedDB.databases()).map((d) => [d.name, d.version]).sort(),
  dump: (step) => new Promise((resolve) => {
    const request = indexedDB.open(step.db);
    request.onsuccess = () => {
      const db = request.result, stores = {}, names = [...db.objectStoreNames];
      const done = () => { db.close(); resolve({version: db.version, stores}); };
      if (!names.length) return done();
      const tx = db.transaction(names);
      tx.oncomplete = done;
      for (const name of names) {
        const s = tx.objectStore(name);
        const shown = stores[name] = {keyPath: s.keyPath, autoIncrement: s.autoIncrement, records: [], indexes: {}};
        s.openCursor().onsuccess = (e) => {
          const c = e.target.result;
          if (c) { shown.records.push([enc(c.key), enc(c.value)]); c.continue(); }
        };
        for (const index of s.indexNames) {
          const i = s.index(index), {name: _, ...info} = indexInfo(i);
          shown.indexes[index] = {...info, entries: []};
          i.openKeyCursor().onsuccess = (e) => {
            const c = e.target.result;
            if (c) { shown.indexes[index].entries.push([enc(c.key), enc(c.primaryKey)]); c.continue(); }
          };
        }
      }
    };
  }),
};

async function play(program) {
  const state = {}, results = [];
  for (const step of program) results.push(await steps[step.do](step, state));
  if (state.db) state.db.close();
  for (const {name} of await indexedDB.databases()) {
    await new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
  }
  return results;
}

async function playAll(programs) {
  const results = [];
  for (const program of programs) results.push(await play(program));
  return JSON.stringify(results);
}
