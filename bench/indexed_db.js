// The workload of indexed_db.py in JavaScript: await bench(count, durability) gives microseconds per operation.
async function bench(count, durability) {
  const wait = (r) => new Promise((resolve, reject) => { r.onsuccess = () => resolve(r.result); r.onerror = () => reject(r.error); });
  const done = (tx) => new Promise((resolve, reject) => { tx.oncomplete = resolve; tx.onabort = () => reject(tx.error); });
  const open = indexedDB.open("bench", 1);
  open.onupgradeneeded = () => { open.result.createObjectStore("s", {keyPath: "id"}).createIndex("i", "author"); };
  const db = await wait(open);
  const found = {};
  const timed = async (name, body) => {
    const began = performance.now();
    await body();
    found[name] = (performance.now() - began) * 1000 / count;
  };
  await timed("put", async () => {
    const tx = db.transaction("s", "readwrite", {durability}), s = tx.objectStore("s");
    for (let i = 0; i < count; i++) await wait(s.put({id: i, author: "a" + i, n: i / 2}));
    await done(tx);
  });
  await timed("get", async () => {
    const s = db.transaction("s").objectStore("s");
    for (let i = 0; i < count; i++) await wait(s.get(i));
  });
  await timed("index get", async () => {
    const i = db.transaction("s").objectStore("s").index("i");
    for (let k = 0; k < count; k++) await wait(i.get("a" + k));
  });
  await timed("get_all", async () => { await wait(db.transaction("s").objectStore("s").getAll()); });
  await timed("cursor", () => new Promise((resolve) => {
    db.transaction("s").objectStore("s").openCursor().onsuccess = (e) => {
      const c = e.target.result;
      if (c) { c.value; c.continue(); } else resolve();
    };
  }));
  db.close();
  await wait(indexedDB.deleteDatabase("bench"));
  return found;
}
