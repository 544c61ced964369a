// tfjs-node's own file:// handlers (dist/io/file_system.js of the package), on the pure JavaScript TensorFlow.js: the
// native half of tfjs-node need not be built.
//
//   node file_system.mjs save DIR COUNT     COUNT models over each other, in bursts and with pauses; prints the last
//   node file_system.mjs load DIR           loads DIR until standard input ends; prints {"loads", "failures"}
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';

const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs/dist/tf.node.js');
const {NodeFileSystem} = require('@tensorflow/tfjs-node/dist/io/file_system.js');
const [what, directory, count] = process.argv.slice(2);

async function save() {
  const model = tf.sequential({layers: [tf.layers.dense({units: 64, inputShape: [128]})]});
  for (let number = 1; number <= count; number++) {
    model.setUserDefinedMetadata({number});
    model.setWeights([tf.fill([128, 64], number), tf.fill([64], number)]);
    await model.save(new NodeFileSystem(directory));
    await pause(number % 20 === 0 ? 500 : Math.random() * 20);
  }
  console.log(JSON.stringify({number: Number(count)}));
}

async function load() {
  let ended = false;
  process.stdin.on('end', () => ended = true).resume();
  const result = {loads: 0, failures: []};
  while (!ended) {
    try {
      const model = await tf.loadLayersModel(new NodeFileSystem(join(directory, 'model.json')));
      const {number} = model.getUserDefinedMetadata();
      if (!model.getWeights().every(weight => weight.dataSync().every(value => value === number))) throw new Error('torn');
      result.loads++;
      model.dispose();
    } catch (error) {
      result.failures.push(String(error));
    }
    await pause(1);
  }
  console.log(JSON.stringify(result));
}

await (what === 'save' ? save() : load());
