// What the runner itself has to get right.
// META: script=resources/opened.js
'use strict';

const isActive = (tx) => {
  try {
    tx.objectStore('s').get(0);
    return true;
  } catch (error) {
    assert_same(error.name, 'TransactionInactiveError');
    return false;
  }
};

promise_test(async () => {
  const db = await opened('active');
  const tx = db.transaction('s');
  const seen = [isActive(tx), await Promise.resolve().then(() => isActive(tx))];
  const store = tx.objectStore('s');
  await new Promise((resolve) => {
    let isOver = false;
    const spin = () => { if (!isOver) store.get(1).onsuccess = spin; };
    spin();
    setTimeout(() => {
      seen.push(isActive(tx));
      isOver = true;
    });
    tx.oncomplete = resolve;
  });
  assert_same(seen, [true, true, false]);
}, 'a transaction is active in its task and its microtasks, not in the next task');

promise_test(async () => {
  const db = await opened('order');
  const log = [];
  const tx = db.transaction('s', 'readwrite');
  const put = tx.objectStore('s').put('v', 1);
  tx.addEventListener('success', () => log.push('capture'), true);
  put.addEventListener('success', () => {
    log.push('first');
    Promise.resolve().then(() => log.push('microtask'));
  });
  put.addEventListener('success', () => log.push('second'));
  await new Promise((resolve) => { tx.oncomplete = resolve; });
  assert_same(log, ['capture', 'first', 'microtask', 'second']);
}, 'microtasks run after each listener');

promise_test(async () => {
  const db = await opened('failures');
  const log = [];
  const run = (prevents) => new Promise((resolve) => {
    const tx = db.transaction('s', 'readwrite');
    tx.objectStore('s').put('v', 1);
    const add = tx.objectStore('s').add('w', 1);
    add.onerror = (event) => {
      log.push(`request ${event.target.error.name}`);
      if (prevents) event.preventDefault();
    };
    db.onerror = (event) => log.push(`db ${event.eventPhase}`);
    tx.onabort = () => resolve(log.push(`abort ${tx.error === add.error}`));
    tx.oncomplete = () => resolve(log.push('complete'));
  });
  await run(false);
  await run(true);
  assert_same(log, ['request ConstraintError', 'db 3', 'abort true', 'request ConstraintError', 'db 3', 'complete']);
}, 'a failure bubbles, and aborts unless it is prevented');

promise_test(async () => {
  const db = await opened('throwing');
  const tx = db.transaction('s', 'readwrite');
  tx.objectStore('s').put('v', 1).onsuccess = () => { throw new Error('on purpose'); };
  const name = await new Promise((resolve) => { tx.onabort = () => resolve(tx.error.name); });
  assert_same(name, 'AbortError');
}, 'a handler that throws aborts');

promise_test(async () => {
  const db = await opened('values');
  const value = {
    map: new Map([['k', new Set([1])]]), date: new Date(5), big: 5n, bytes: new Uint16Array([1, 2]),
    nothing: undefined, negative: -0, text: '\ud800', list: [1, , 3], none: null,
  };
  value.self = value;
  const tx = db.transaction('s', 'readwrite');
  tx.objectStore('s').put(value, [new Date(1), 'a', 2]);
  const read = await new Promise((resolve) => {
    tx.objectStore('s').get([new Date(1), 'a', 2]).onsuccess = (event) => resolve(event.target.result);
  });
  assert_same(read.self === read, true);
  assert_same(read.map.get('k').has(1), true);
  assert_same([read.date.getTime(), String(read.big), [...read.bytes]], [5, '5', [1, 2]]);
  assert_same(['nothing' in read, Object.is(read.negative, -0), read.text, 1 in read.list], [true, true, '\ud800', false]);
}, 'values go both ways');

promise_test(async () => {
  const log = [];
  const db = await opened('versions');
  db.onversionchange = (event) => {
    log.push(`versionchange ${event.oldVersion} ${event.newVersion}`);
    setTimeout(() => db.close(), 5);
  };
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase('versions');
    request.onblocked = (event) => log.push(`blocked ${event.oldVersion} ${event.newVersion}`);
    request.onsuccess = resolve;
  });
  assert_same(log, ['versionchange 1 null', 'blocked 1 null']);
}, 'connections hear of a deletion');

promise_test(async () => {
  const db = await opened('wrong');
  assert_same(db.version, 2);
}, 'this one is wrong');
