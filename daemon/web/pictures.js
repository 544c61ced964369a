// A model's layers and the distribution of its weights, drawn as SVG.

import {count, svg} from './elements.js';

const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [232, 44, 24, 26];
const MOST_LAYERS = 300;
const BINS = 32;

const shortened = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Layers as `{name, kind, inputs}`, from a Keras topology in either form; null for anything else. */
export function layersOf(topology) {
  const model = topology?.model_config ?? topology;
  const layers = Array.isArray(model?.config) ? model.config : model?.config?.layers;
  if (!Array.isArray(layers) || !layers.every((layer) => layer?.config)) return null;
  const named = layers.map((layer) => ({
    name: String(layer.config.name ?? layer.name ?? ''),
    kind: String(layer.class_name),
    inputs: (layer.inbound_nodes ?? []).flat().flatMap((node) => (Array.isArray(node) ? [String(node[0])] : [])),
  }));
  if (!named.some((layer) => layer.inputs.length)) {
    named.forEach((layer, index) => (layer.inputs = index ? [named[index - 1].name] : []));
  }
  return named;
}

/** Each layer one row below the lowest of its inputs. */
function ranked(layers) {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const ranks = new Map();
  for (let turn = 0; turn < layers.length; turn++) {
    let moved = false;
    for (const layer of layers) {
      const known = layer.inputs.filter((name) => byName.has(name) && name !== layer.name).map((name) => ranks.get(name) ?? 0);
      const rank = known.length ? Math.max(...known) + 1 : 0;
      if (ranks.get(layer.name) !== rank && rank <= layers.length) {
        ranks.set(layer.name, rank);
        moved = true;
      }
    }
    if (!moved) break;
  }
  const rows = [];
  for (const layer of layers) (rows[ranks.get(layer.name) ?? 0] ??= []).push(layer);
  return rows.filter(Boolean);
}

function box(layer, place, parameters) {
  const amount = parameters ? ` · ${count(parameters)} parameters` : '';
  return svg('g', {transform: `translate(${place.x} ${place.y})`},
    svg('title', {}, `${layer.kind} ${layer.name}${amount}`),
    svg('rect', {class: 'box', width: WIDTH, height: HEIGHT, rx: 7}),
    svg('text', {x: 12, y: 18, 'font-size': 13, 'font-weight': 600}, shortened(layer.kind, 26)),
    svg('text', {x: 12, y: 34, 'font-size': 11, class: 'soft'}, shortened(`${layer.name}${amount}`, 34)),
  );
}

/** The graph of the layers; `parameters` counts those of a layer by its name. */
export function layerPicture(layers, parameters) {
  const rows = ranked(layers.slice(0, MOST_LAYERS));
  const widest = Math.max(...rows.map((row) => row.length));
  const [width, height] = [widest * (WIDTH + GAP_X) + GAP_X, rows.length * (HEIGHT + GAP_Y) + GAP_Y];
  const places = new Map();
  rows.forEach((row, rank) => {
    const start = (width - row.length * (WIDTH + GAP_X) + GAP_X) / 2;
    row.forEach((layer, index) => places.set(layer.name, {x: start + index * (WIDTH + GAP_X), y: GAP_Y + rank * (HEIGHT + GAP_Y)}));
  });
  const edges = rows.flat().flatMap((layer) => layer.inputs.filter((name) => places.has(name)).map((name) => {
    const [from, to] = [places.get(name), places.get(layer.name)];
    const [x1, y1, x2, y2] = [from.x + WIDTH / 2, from.y + HEIGHT, to.x + WIDTH / 2, to.y];
    const middle = (y1 + y2) / 2;
    return svg('path', {class: 'edge', d: `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`});
  }));
  const label = `${layers.length} layers: ${layers.slice(0, 40).map((layer) => `${layer.kind} ${layer.name}`).join(', ')}`;
  return svg('svg', {role: 'img', 'aria-label': label, width, height, viewBox: `0 0 ${width} ${height}`},
    edges, rows.flat().map((layer) => box(layer, places.get(layer.name), parameters(layer.name))));
}

/** How often each operation occurs in a GraphDef, as bars. */
export function operationPicture(nodes) {
  const amounts = new Map();
  for (const node of nodes) amounts.set(String(node.op), (amounts.get(String(node.op)) ?? 0) + 1);
  const rows = [...amounts].sort((a, b) => b[1] - a[1]).slice(0, 24);
  const [width, row] = [420, 22];
  const most = rows[0]?.[1] ?? 1;
  return svg('svg', {role: 'img', 'aria-label': `${nodes.length} operations: ${rows.map(([op, n]) => `${n} ${op}`).join(', ')}`, width, height: rows.length * row + 16, viewBox: `0 0 ${width} ${rows.length * row + 16}`},
    rows.map(([op, amount], index) => svg('g', {transform: `translate(12 ${8 + index * row})`},
      svg('text', {y: 15, 'font-size': 12}, shortened(op, 24)),
      svg('rect', {class: 'barred', x: 170, y: 4, width: Math.max(2, (amount / most) * 180), height: 13, rx: 2}),
      svg('text', {x: 178 + (amount / most) * 180, y: 15, 'font-size': 11, class: 'soft'}, count(amount)),
    )));
}

const SIZES = {float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2, complex64: 8};

function halves(bytes) {
  return Float32Array.from(new Uint16Array(bytes), (bits) => {
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}

/** The numbers of each weight, in order, quantized ones as they are meant; null where they are none. */
export function* numbersOf(specs, data) {
  let offset = 0;
  for (const spec of specs) {
    const stored = spec.quantization?.dtype ?? spec.dtype;
    const length = spec.shape.reduce((product, dimension) => product * dimension, 1);
    if (!(stored in SIZES)) {
      yield {spec, numbers: null};
      return; // strings have a size of their own; what follows cannot be found without reading them
    }
    const bytes = data.slice(offset, offset + length * SIZES[stored]);
    offset += bytes.byteLength;
    const whole = {float32: Float32Array, complex64: Float32Array, int32: Int32Array, bool: Uint8Array, uint8: Uint8Array, uint16: Uint16Array};
    let numbers = stored === 'float16' ? halves(bytes) : new whole[stored](bytes);
    if (spec.quantization?.scale !== undefined) {
      const {min, scale} = spec.quantization;
      numbers = Float32Array.from(numbers, (value) => value * scale + min);
    }
    yield {spec, numbers};
  }
}

/** Least, mean, greatest and how many lie in each of equally wide bins; values that are no number are counted apart. */
export function distribution(numbers) {
  let [least, greatest, sum, finite] = [Infinity, -Infinity, 0, 0];
  for (const value of numbers) {
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    sum += value;
    finite++;
  }
  const bins = new Array(BINS).fill(0);
  const width = (greatest - least) / BINS || 1;
  for (const value of numbers) {
    if (Number.isFinite(value)) bins[Math.min(BINS - 1, Math.floor((value - least) / width))]++;
  }
  return {least, greatest, mean: sum / finite, finite, odd: numbers.length - finite, bins};
}

const brief = (value) => (Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(3))));

export function histogram(name, found) {
  const [width, height] = [240, 64];
  const most = Math.max(...found.bins, 1);
  const bar = width / BINS;
  const label = `Distribution of ${name}: from ${brief(found.least)} to ${brief(found.greatest)}, mean ${brief(found.mean)}`;
  return svg('svg', {role: 'img', 'aria-label': label, viewBox: `0 0 ${width} ${height + 16}`},
    found.bins.map((amount, index) => amount ? svg('rect', {
      class: 'barred', x: index * bar + 0.5, width: bar - 1, y: height - Math.max(1.5, (amount / most) * height), height: Math.max(1.5, (amount / most) * height),
    }) : null),
    svg('line', {class: 'axis', x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5}),
    svg('text', {class: 'soft', x: 0, y: height + 13, 'font-size': 11}, brief(found.least)),
    svg('text', {class: 'soft', x: width, y: height + 13, 'font-size': 11, 'text-anchor': 'end'}, brief(found.greatest)),
  );
}
