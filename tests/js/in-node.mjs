// node in-node.mjs HOME PACKAGE   what a program written for the browser does, in Node

import assert from 'node:assert';
import {createRequire} from 'node:module';
import {install, Storage} from '../../js/node.js';

console.warn = console.log = console.info = () => {};
const tf = createRequire(import.meta.url)(process.argv[3]);
await tf.setBackend('cpu');
const tfjsd = install(tf, {home: process.argv[2]});
const model = tf.sequential({layers: [tf.layers.dense({units: 3, inputShape: [2]})]});

await model.save('localstorage://m');
await model.save('indexeddb://a/b');
assert.deepEqual(Object.keys(await tf.io.listModels()).sort(), ['indexeddb://a/b', 'localstorage://m']);
assert.equal((await tf.loadLayersModel('indexeddb://a/b')).countParams(), 9);
await tf.io.moveModel('indexeddb://a/b', 'localstorage://n');
await tf.io.removeModel('localstorage://n');
await assert.rejects(tf.loadLayersModel('localstorage://n'), /there is no model with name 'n'/);

assert.equal(localStorage.length, 5);
assert.ok(localStorage.getItem('tensorflowjs_models/m/info').includes('dateSaved'));
localStorage.setItem('k', 'v');
localStorage.theme = 'dark';
assert.equal(localStorage.k, 'v');
assert.equal(localStorage.getItem('theme'), 'dark');
assert.ok('theme' in localStorage && !('none' in localStorage));
assert.equal(localStorage.none, undefined);
assert.equal(Object.keys(localStorage).length, localStorage.length);
delete localStorage.theme;
assert.equal(localStorage.getItem('theme'), null);
assert.throws(() => localStorage.setItem('big', 'x'.repeat(6 << 20)), (error) =>
  error instanceof DOMException && error.name === 'QuotaExceededError' && error.code === 22);
const nobody = new Storage({url: 'http://127.0.0.1:9', token: 'x'});
assert.throws(() => nobody.getItem('k'), {name: 'DaemonUnavailableError', message: 'The daemon at http://127.0.0.1:9 does not answer.'});

// As the interface of a browser answers what is no ordinary use.
const needs = (operation, needed, present) => ({name: 'TypeError', message: `Failed to execute '${operation}' on 'Storage': ${needed} required, but only ${present} present.`});
assert.throws(() => localStorage.getItem(), needs('getItem', '1 argument', 0));
assert.throws(() => localStorage.setItem('x'), needs('setItem', '2 arguments', 1));
assert.throws(() => localStorage.removeItem(), needs('removeItem', '1 argument', 0));
assert.throws(() => localStorage.key(), needs('key', '1 argument', 0));
assert.throws(() => localStorage.setItem(Symbol('x'), 'y'), TypeError);
assert.equal(localStorage.getItem('x'), null);
assert.equal(Object.prototype.toString.call(localStorage), '[object Storage]');
assert.ok(localStorage instanceof globalThis.Storage && globalThis.Storage === Storage);
Object.defineProperty(localStorage, 'defined', {value: 1, writable: true, enumerable: true, configurable: true});
assert.equal(localStorage.getItem('defined'), '1');
assert.throws(() => Object.defineProperty(localStorage, 'computed', {get: () => 1}), TypeError);
assert.equal(localStorage.getItem('computed'), null);
const tag = Symbol('tag');
localStorage[tag] = 1;
assert.equal(localStorage[tag], 1);
assert.deepEqual(Reflect.ownKeys(localStorage).filter((name) => typeof name === 'symbol'), [tag]);

const kept = globalThis.localStorage;
await tfjsd.close();
assert.equal(globalThis.localStorage, undefined);
assert.equal(globalThis.Storage, undefined);
assert.throws(() => kept.getItem('k'), {name: 'InvalidStateError', message: 'The storage was closed.'});
process.stdout.write('done');
