// One model: what it is, its layers as a picture, its weights as histograms.

import {count, element, size} from '/page/elements.js';
import {distribution, histogram, numbersOf} from '/page/histograms.js';
import {layerPicture, layersOf, operationPicture} from '/page/layers.js';

const LARGEST = 128_000_000;
const MOST_WEIGHTS = 120;

const elements = (spec) => spec.shape.reduce((product, dimension) => product * dimension, 1);

function facts(artifacts, info, specs) {
  const dtypes = [...new Set(specs.map((spec) => (spec.quantization ? `${spec.dtype} as ${spec.quantization.dtype}` : spec.dtype)))];
  const rows = {
    Saved: info?.dateSaved.toLocaleString(),
    Format: artifacts.format,
    'Made by': [artifacts.generatedBy, artifacts.convertedBy].filter(Boolean).join(', '),
    Parameters: count(specs.reduce((sum, spec) => sum + elements(spec), 0)),
    Types: dtypes.join(', '),
    Weights: size(info?.weightDataBytes),
    Topology: size(info?.modelTopologyBytes),
    Training: artifacts.trainingConfig?.loss && `loss ${JSON.stringify(artifacts.trainingConfig.loss)}`,
    Metadata: artifacts.userDefinedMetadata && JSON.stringify(artifacts.userDefinedMetadata),
  };
  return element('dl', {}, Object.entries(rows).filter(([, value]) => value).flatMap(([name, value]) => [
    element('dt', {}, name), element('dd', {}, value),
  ]));
}

function picture(topology, specs) {
  const layers = layersOf(topology);
  const ofLayer = (name) => specs.filter((spec) => spec.name.startsWith(`${name}/`)).reduce((sum, spec) => sum + elements(spec), 0);
  if (layers?.length) return [element('h3', {}, `Layers (${layers.length})`), element('div', {class: 'picture', tabindex: 0, role: 'group', 'aria-label': 'Picture'}, layerPicture(layers, ofLayer))];
  if (!Array.isArray(topology?.node)) return [];
  return [element('h3', {}, `Operations (${topology.node.length})`), element('div', {class: 'picture', tabindex: 0, role: 'group', 'aria-label': 'Picture'}, operationPicture(topology.node))];
}

function figureOf(spec, numbers) {
  const found = numbers && numbers.length ? distribution(numbers) : null;
  const shape = `${spec.dtype} [${spec.shape.join(', ')}]`;
  return element('figure', {},
    element('figcaption', {}, element('span', {class: 'name'}, spec.name), element('br'), element('small', {}, shape, found?.odd ? ` · ${count(found.odd)} not finite` : '')),
    found?.finite ? histogram(spec.name, found) : element('small', {}, numbers ? 'no finite values' : 'text'));
}

/** What to show of a model; large weights are read only when asked for. */
export async function showModel(daemon, url, info) {
  const large = (info?.weightDataBytes ?? 0) > LARGEST;
  const artifacts = large ? await daemon.loadTopology(url) : await daemon.loadModel(url);
  const specs = artifacts.weightSpecs ?? [];
  const parts = [facts(artifacts, info, specs), ...picture(artifacts.modelTopology, specs)];
  if (!specs.length) return parts;
  const shown = large ? [] : [...numbersOf(specs.slice(0, MOST_WEIGHTS), artifacts.weightData)];
  const rest = specs.length - shown.length;
  parts.push(element('h3', {}, `Weights (${specs.length})`));
  parts.push(element('div', {class: 'weights'}, shown.map(({spec, numbers}) => figureOf(spec, numbers))));
  if (rest > 0) parts.push(element('p', {class: 'hint'}, large ? `${size(info.weightDataBytes)} of weights are not drawn.` : `${count(rest)} more are not drawn.`));
  return parts;
}
