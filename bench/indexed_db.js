// The workload of indexed_db.py in JavaScript: await bench(count, durability) gives microseconds for each operation.
var clock = () => performance.now();
async function bench(count, durability) {
  const wait = (r) => new Promise((resolve, reject) => { r.onsuccess = () => resolve(r.result); r.onerror = () => reject(r.error); });
  const done = (tx) => new Promise((resolve, reject) => { tx.oncomplete = resolve; tx.onabort = () => reject(tx.error); });
  const record = (i) => ({id: i, author: "a" + i, n: i / 2});
  const open = indexedDB.open("bench", 1);
  open.onupgradeneeded = () => { open.result.createObjectStore("s", {keyPath: "id"}).createIndex("i", "author"); };
  const db = await wait(open);
  const found = {};
  const timed = async (name, body) => {
    const began = clock();
    await body();
    found[name] = (clock() - began) * 1000 / count;
  };
  const write = (store) => { const tx = db.transaction(store, "readwrite", {durability}); return [tx, tx.objectStore(store)]; };
  const read = () => db.transaction("s").objectStore("s");
  const awaited = async (request) => { for (let i = 0; i < count; i++) await wait(request(i)); };
  const together = async (request) => {
    const all = [];
    for (let i = 0; i < count; i++) all.push(wait(request(i)));
    for (const one of all) await one;
  };
  await timed("put", async () => { const [tx, s] = write("s"); await awaited((i) => s.put(record(i))); await done(tx); });
  await timed("get", () => { const s = read(); return awaited((i) => s.get(i)); });
  await timed("index get", () => { const x = read().index("i"); return awaited((i) => x.get("a" + i)); });
  await timed("put +", async () => { const [tx, s] = write("s"), end = done(tx); await together((i) => s.put(record(i))); await end; });
  await timed("get +", () => { const s = read(); return together((i) => s.get(i)); });
  await timed("index get +", () => { const x = read().index("i"); return together((i) => x.get("a" + i)); });
  await timed("get_all", async () => { await wait(read().getAll()); });
  await timed("cursor", () => new Promise((resolve) => {
    read().openCursor().onsuccess = (e) => {
      const c = e.target.result;
      if (c) { c.value; c.continue(); } else resolve();
    };
  }));
  db.close();
  await timed("delete", () => wait(indexedDB.deleteDatabase("bench")));
  return found;
}
