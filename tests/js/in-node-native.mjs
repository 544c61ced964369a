// node in-node-native.mjs HOME PACKAGE   TensorFlow.js's own handlers for browsers, in Node, on the adapters

import assert from 'node:assert';
import {createRequire} from 'node:module';
import {Daemon, daemonOf, indexedDBOf, Storage} from '../../js/node.js';

console.warn = console.log = console.info = () => {};
const tf = createRequire(import.meta.url)(process.argv[3]);
await tf.setBackend('cpu');
const options = daemonOf(process.argv[2]);
const localStorage = new Storage(options);
globalThis.window = {localStorage, indexedDB: indexedDBOf(new Daemon(options))};
tf.env().set('IS_BROWSER', true);

const model = tf.sequential({layers: [tf.layers.dense({units: 2, inputShape: [2]})]});
const result = await model.save('indexeddb://native/x');
assert.equal(result.modelArtifactsInfo.weightDataBytes, 24);
await model.save('localstorage://native');
assert.equal((await tf.loadLayersModel('indexeddb://native/x')).countParams(), 6);
assert.equal((await tf.loadLayersModel('localstorage://native')).countParams(), 6);
await assert.rejects(tf.loadLayersModel('indexeddb://none'), /Cannot find model with path 'none' in IndexedDB/);
process.stdout.write('done');
