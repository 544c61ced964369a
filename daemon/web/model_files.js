// Models as files: what tf.io.browserFiles reads and what model.save('downloads://…') writes.

import {element} from './elements.js';

const FIELDS = [
  'modelTopology', 'format', 'generatedBy', 'convertedBy', 'signature', 'userDefinedMetadata', 'trainingConfig',
  'modelInitializer', 'initializerSignature',
];
const baseName = (path) => path.split('/').pop();

/** `{name, artifacts}` of each model.json among the files. Throws where one of its weight files is missing. */
export async function modelsOf(files) {
  const byName = new Map(files.map((file) => [file.name, file]));
  const models = [];
  for (const file of files) {
    if (!file.name.endsWith('.json')) continue;
    const content = JSON.parse(await file.text());
    const manifest = content.weightsManifest ?? [];
    const paths = manifest.flatMap((group) => group.paths).map(baseName);
    const missing = paths.filter((path) => !byName.has(path));
    if (!content.modelTopology && !manifest.length) throw new Error(`${file.name} is not a model.json of TensorFlow.js.`);
    if (missing.length) throw new Error(`${file.name} needs these files as well: ${missing.join(', ')}`);
    const artifacts = Object.fromEntries(FIELDS.filter((name) => name in content).map((name) => [name, content[name]]));
    if (manifest.length) {
      artifacts.weightSpecs = manifest.flatMap((group) => group.weights);
      artifacts.weightData = await new Blob(paths.map((path) => byName.get(path))).arrayBuffer();
    }
    const folder = file.webkitRelativePath?.split('/').slice(-2, -1)[0];
    const own = file.name.replace(/\.json$/, '');
    models.push({name: own === 'model' ? (folder ?? 'model') : own, artifacts});
  }
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
