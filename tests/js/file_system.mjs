// What tfjs-node's file:// handlers do (tfjs-node/src/io/file_system.ts), on the pure JavaScript TensorFlow.js:
// `save` writes model.json and weights.bin in place, `load` reads one after the other.
//
//   node file_system.mjs save DIR COUNT     COUNT models over each other, in bursts and with pauses; prints the last
//   node file_system.mjs load DIR           loads DIR until standard input ends; prints {"loads", "failures"}
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {setTimeout as pause} from 'node:timers/promises';

const tf = createRequire(import.meta.url)('@tensorflow/tfjs/dist/tf.node.js');
const [what, directory, count] = process.argv.slice(2);

const saver = {
  async save(artifacts) {
    const weightsManifest = [{paths: ['weights.bin'], weights: artifacts.weightSpecs}];
    const {modelTopology, format, generatedBy, convertedBy, userDefinedMetadata} = artifacts;
    const modelJSON = {modelTopology, weightsManifest, format, generatedBy, convertedBy, userDefinedMetadata};
    await mkdir(directory, {recursive: true});
    await writeFile(join(directory, 'model.json'), JSON.stringify(modelJSON), 'utf8');
    await writeFile(join(directory, 'weights.bin'), Buffer.from(artifacts.weightData), 'binary');
    return {modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts)};
  },
};

const loader = {
  async load() {
    const {weightsManifest, ...modelJSON} = JSON.parse(await readFile(join(directory, 'model.json'), 'utf8'));
    const parts = await Promise.all(weightsManifest.flatMap(({paths}) => paths).map(path => readFile(join(directory, path))));
    const bytes = Buffer.concat(parts);
    const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return {...modelJSON, weightSpecs: weightsManifest.flatMap(({weights}) => weights), weightData};
  },
};

async function save() {
  const model = tf.sequential({layers: [tf.layers.dense({units: 64, inputShape: [128]})]});
  for (let number = 1; number <= count; number++) {
    model.setUserDefinedMetadata({number});
    model.setWeights([tf.fill([128, 64], number), tf.fill([64], number)]);
    await model.save(saver);
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
      const model = await tf.loadLayersModel(loader);
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
