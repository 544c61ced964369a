// A model's layers, or the operations of a graph, drawn as SVG.

import {count, svg} from '/page/elements.js';

const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [268, 46, 24, 22];
const MOST_LAYERS = 300;

/** What a kind of layer does, for its colour. */
const FAMILIES = [
  ['recurrent', /lstm|gru|rnn|bidirectional/i], ['convolution', /conv/i], ['pooling', /pool|flatten|reshape|crop|pad|upsampl/i],
  ['normal', /norm|dropout|noise/i], ['embedding', /embedding/i], ['dense', /dense/i],
];
const familyOf = (kind) => FAMILIES.find(([, pattern]) => pattern.test(kind))?.[0] ?? 'other';

const shortened = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const plural = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;

const times = (sizes) => sizes.map((size) => size ?? '?').join('×');

/** What a person wants to know of a layer first: `8 filters 5×5, relu`. */
function detailOf({units, filters, kernel_size: kernel, pool_size: pool, rate, batch_input_shape: input, batch_shape: batch, activation, layer}) {
  const inner = layer?.config ?? {};
  const said = [
    Array.isArray(input ?? batch) && times((input ?? batch).slice(1)),
    units && plural(units, 'unit'),
    filters && `${plural(filters, 'filter')} ${kernel ? times([kernel].flat()) : ''}`.trim(),
    pool && times([pool].flat()),
    rate && `rate ${rate}`,
    inner.units && plural(inner.units, 'unit'),
    activation && activation !== 'linear' && typeof activation === 'string' && activation,
  ];
  return said.filter(Boolean).join(', ');
}

/** Layers as `{name, kind, detail, inputs}`, from a Keras topology in either form; null for anything else. */
export function layersOf(topology) {
  const model = topology?.model_config ?? topology;
  const layers = Array.isArray(model?.config) ? model.config : model?.config?.layers;
  if (!Array.isArray(layers) || !layers.every((layer) => layer?.config)) return null;
  const named = layers.map((layer) => ({
    name: String(layer.config.name ?? layer.name ?? ''),
    kind: String(layer.class_name),
    detail: detailOf(layer.config),
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
  const amount = parameters ? `${count(parameters)} params` : '';
  return svg('g', {transform: `translate(${place.x} ${place.y})`, class: `layer ${familyOf(layer.kind)}`},
    svg('title', {}, [`${layer.kind} ${layer.name}`, layer.detail, amount].filter(Boolean).join(' · ')),
    svg('rect', {class: 'box', width: WIDTH, height: HEIGHT, rx: 7}),
    svg('rect', {class: 'family', x: 7, y: 8, width: 4, height: HEIGHT - 16, rx: 2}),
    svg('text', {x: 20, y: 19, 'font-size': 13, 'font-weight': 600}, shortened(layer.kind, 22)),
    svg('text', {x: WIDTH - 12, y: 19, 'font-size': 11, class: 'soft', 'text-anchor': 'end'}, amount),
    svg('text', {x: 20, y: 35, 'font-size': 11, class: 'soft'}, shortened([layer.name, layer.detail].filter(Boolean).join(' · '), 40)),
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
