// Models as files: what tf.io.browserFiles reads and what model.save('downloads://…') writes.

import {element} from '/page/elements.js';

const FIELDS = [
  'modelTopology', 'format', 'generatedBy', 'convertedBy', 'signature', 'userDefinedMetadata', 'trainingConfig',
  'modelInitializer', 'initializerSignature',
];
const baseName = (path) => path.split('/').pop();
const directory = (path) => path.slice(0, path.lastIndexOf('/') + 1);

/** `digits/model.json` is named `digits`, `digits/small.json` `digits/small`. */
const nameOf = (path) => (baseName(path) === 'model.json' && directory(path).slice(0, -1)) || path.replace(/\.json$/, '');

/** A model.json's content; null for another file of a folder. */
async function contentOf({path, file}) {
  const content = await file.text().then(JSON.parse).catch(() => null);
  if (content?.modelTopology || Array.isArray(content?.weightsManifest)) return content;
  if (directory(path)) return null;
  throw new Error(`${path} is not a model.json of TensorFlow.js.`);
}

async function modelOf(chosen, byPath) {
  const content = await contentOf(chosen);
  if (content === null) return null;
  const manifest = content.weightsManifest ?? [];
  const paths = manifest.flatMap((group) => group.paths).map((path) => directory(chosen.path) + baseName(path));
  const missing = paths.filter((path) => !byPath.has(path));
  if (missing.length) throw new Error(`${chosen.path} needs these files as well: ${missing.map(baseName).join(', ')}`);
  const artifacts = Object.fromEntries(FIELDS.filter((name) => name in content).map((name) => [name, content[name]]));
  if (manifest.length) {
    artifacts.weightSpecs = manifest.flatMap((group) => group.weights);
    artifacts.weightData = new Blob(paths.map((path) => byPath.get(path))); // read when it is sent
  }
  return {name: nameOf(chosen.path), artifacts};
}

/** `{name, artifacts}` of each model.json among `{path, file}`s. Throws where one of its weight files is missing. */
export async function modelsOf(files) {
  const byPath = new Map(files.map(({path, file}) => [path, file]));
  const described = files.filter(({path}) => path.endsWith('.json'));
  const models = (await Promise.all(described.map((chosen) => modelOf(chosen, byPath)))).filter(Boolean);
  if (!models.length) throw new Error('There is no model.json among these files.');
  return models;
}

function handOver(name, content) {
  const address = URL.createObjectURL(content);
  const link = element('a', {href: address, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Has the browser store `NAME.json` and `NAME.weights.bin`. */
export function download(name, {weightData, weightSpecs, ...fields}) {
  const plain = baseName(name).replace(/[^\w.\- ]+/g, '_') || 'model';
  const weights = `${plain}.weights.bin`;
  const manifest = weightData ? [{paths: [`./${weights}`], weights: weightSpecs}] : [];
  handOver(`${plain}.json`, new Blob([JSON.stringify({...fields, weightsManifest: manifest})], {type: 'application/json'}));
  if (weightData) handOver(weights, new Blob([weightData], {type: 'application/octet-stream'}));
}
