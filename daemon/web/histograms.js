// The numbers of a model's weights, and how they are distributed, drawn as SVG.

import {svg} from '/page/elements.js';

const MOST_BINS = 32;

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

/** Least, mean, standard deviation, greatest and how many lie in each of equally wide bins, of which few numbers have
 * few; values that are no number are counted apart. */
export function distribution(numbers) {
  let [least, greatest, sum, squares, finite] = [Infinity, -Infinity, 0, 0, 0];
  for (const value of numbers) {
    if (!Number.isFinite(value)) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
    sum += value;
    squares += value * value;
    finite++;
  }
  const bins = new Array(Math.max(6, Math.min(MOST_BINS, 2 * Math.ceil(Math.sqrt(finite))))).fill(0);
  const width = (greatest - least) / bins.length || 1;
  for (const value of numbers) {
    if (Number.isFinite(value)) bins[Math.min(bins.length - 1, Math.floor((value - least) / width))]++;
  }
  const mean = sum / finite;
  const deviation = Math.sqrt(Math.max(0, squares / finite - mean * mean));
  return {least, greatest, mean, deviation, finite, odd: numbers.length - finite, bins};
}

const brief = (value) => (Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(3))));

export function histogram(name, found) {
  const [width, height] = [240, 64];
  const most = Math.max(...found.bins, 1);
  const bar = width / found.bins.length;
  const zero = found.least < 0 && found.greatest > 0 ? (-found.least / (found.greatest - found.least)) * width : null;
  const label = `Distribution of ${name}: from ${brief(found.least)} to ${brief(found.greatest)}, mean ${brief(found.mean)}, standard deviation ${brief(found.deviation)}`;
  return svg('svg', {role: 'img', 'aria-label': label, viewBox: `0 0 ${width} ${height + 16}`},
    found.bins.map((amount, index) => amount ? svg('rect', {
      class: 'barred', x: index * bar + 0.5, width: bar - 1, y: height - Math.max(1.5, (amount / most) * height), height: Math.max(1.5, (amount / most) * height),
    }) : null),
    zero === null ? null : svg('line', {class: 'zero', x1: zero, x2: zero, y1: 0, y2: height}),
    svg('line', {class: 'axis', x1: 0, x2: width, y1: height + 0.5, y2: height + 0.5}),
    svg('text', {class: 'soft', x: 0, y: height + 13, 'font-size': 11}, brief(found.least)),
    svg('text', {class: 'soft', x: width / 2, y: height + 13, 'font-size': 11, 'text-anchor': 'middle'}, `${brief(found.mean)} ± ${brief(found.deviation)}`),
    svg('text', {class: 'soft', x: width, y: height + 13, 'font-size': 11, 'text-anchor': 'end'}, brief(found.greatest)),
  );
}
