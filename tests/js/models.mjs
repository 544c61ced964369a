// Kinds of models as users have them, built by the real TensorFlow.js; `tf` is whichever version the test has loaded.

const seeded = (seed) => () => {
  seed = (seed * 1664525 + 1013904223) % 4294967296;
  return seed / 2147483648 - 1;
};

function tensorLike(tf, shape, seed) {
  const random = seeded(seed);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  return tf.tensor(Float32Array.from({length: size}, random), shape);
}

function fill(tf, model) {
  model.setWeights(model.getWeights().map((weight, index) => tf.abs(tensorLike(tf, weight.shape, index + 1))));
  return model;
}

const graph = (quantization) => {
  const weights = quantization
    ? Uint8Array.of(0, 50, 100, 150, 200, 255)
    : new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, -6).buffer);
  const spec = {name: 'w', shape: [2, 3], dtype: 'float32'};
  if (quantization) spec.quantization = {dtype: 'uint8', min: -1.5, scale: 0.0123};
  const type = {type: 'DT_FLOAT'};
  const dim = (...sizes) => ({dim: sizes.map((size) => ({size: String(size)}))});
  return {
    modelTopology: {
      node: [
        {name: 'x', op: 'Placeholder', attr: {dtype: type, shape: {shape: dim(-1, 2)}}},
        {name: 'w', op: 'Const', attr: {dtype: type, value: {tensor: {dtype: 'DT_FLOAT', tensorShape: dim(2, 3)}}}},
        {name: 'y', op: 'MatMul', input: ['x', 'w'], attr: {T: type, transpose_a: {b: false}, transpose_b: {b: false}}},
      ],
      library: {},
      versions: {producer: 27},
    },
    weightSpecs: [spec],
    weightData: weights.buffer.slice(0),
    format: 'graph-model',
    generatedBy: '2.15.0',
    convertedBy: null,
  };
};

const whole = {
  modelTopology: {class_name: 'Sequential', config: []},
  format: 'layers-model',
  weightSpecs: [
    {name: 'count', shape: [3], dtype: 'int32'},
    {name: '層/mäsk 😀', shape: [2, 2], dtype: 'bool'},
    {name: 'scalar', shape: [], dtype: 'int32'},
  ],
  weightData: new Uint8Array([...new Uint8Array(Int32Array.of(-1, 0, 7).buffer), 1, 0, 1, 1, 9, 0, 0, 0]).buffer,
};

export async function build(tf) {
  const {layers} = tf;
  const sequential = (...parts) => fill(tf, tf.sequential({layers: parts}));
  const kinds = [];
  const add = (name, model, ...shapes) => kinds.push({name, model, inputs: shapes.map((s, i) => tensorLike(tf, s, 99 + i))});

  add('dense', sequential(layers.dense({units: 4, inputShape: [3], activation: 'relu'}), layers.dense({units: 2})), [2, 3]);
  add(
    'conv/batch norm',
    sequential(
      layers.conv2d({filters: 2, kernelSize: 3, inputShape: [6, 6, 1]}),
      layers.batchNormalization(),
      layers.maxPooling2d({poolSize: 2}),
      layers.flatten(),
      layers.dense({units: 2}),
    ),
    [1, 6, 6, 1],
  );
  add(
    'bidirectional lstm',
    sequential(
      layers.bidirectional({layer: layers.lstm({units: 2, recurrentInitializer: 'glorotNormal'}), inputShape: [4, 3], mergeMode: 'concat'}),
    ),
    [1, 4, 3],
  );
  add('gru', sequential(layers.gru({units: 2, inputShape: [4, 3], recurrentInitializer: 'glorotNormal'})), [1, 4, 3]);

  const embedding = sequential(layers.embedding({inputDim: 7, outputDim: 3, inputLength: 4}), layers.flatten());
  kinds.push({name: 'embedding', model: embedding, inputs: [tf.tensor2d([[0, 3, 6, 1]])]});

  const [a, b] = [tf.input({shape: [2], name: 'a'}), tf.input({shape: [3], name: 'b'})];
  const joined = layers.concatenate().apply([layers.dense({units: 2}).apply(a), b]);
  add('several inputs', fill(tf, tf.model({inputs: [a, b], outputs: layers.dense({units: 1}).apply(joined)})), [1, 2], [1, 3]);

  add('depthwise and separable', sequential(
    layers.separableConv2d({filters: 2, kernelSize: 2, inputShape: [4, 4, 2]}), layers.globalAveragePooling2d({}),
  ), [1, 4, 4, 2]);

  const described = sequential(layers.dense({units: 1, inputShape: [2]}));
  if (described.setUserDefinedMetadata) described.setUserDefinedMetadata({note: 'ünï\u0000code "quoted" 𝒳', list: [1, null, {a: 1.5e300}]});
  add('user metadata', described, [1, 2]);

  const trained = sequential(layers.dense({units: 1, inputShape: [2]}));
  trained.compile({optimizer: tf.train.adam(0.01), loss: 'meanSquaredError'});
  await trained.fit(tf.ones([4, 2]), tf.ones([4, 1]), {epochs: 1, verbose: 0});
  add('optimizer state', trained, [1, 2]);
  kinds[kinds.length - 1].options = {includeOptimizer: true};

  add('ünïcode/模型 😀 %2F ?#', sequential(layers.dense({units: 2, inputShape: [2]})), [1, 2]);
  add('frozen and 1 MB', sequential(
    layers.dense({units: 500, inputShape: [500], trainable: false}), layers.dense({units: 2}),
  ), [1, 500]);

  kinds.push({name: 'graph', artifacts: graph(false), inputs: [tensorLike(tf, [1, 2], 5)]});
  kinds.push({name: 'quantized graph', artifacts: graph(true), inputs: [tensorLike(tf, [1, 2], 6)]});
  kinds.push({name: 'int32 and bool', artifacts: whole});
  return kinds;
}

export const address = (base, path) => `${base}/v1/models/indexeddb/${encodeURIComponent(path)}`;

const bytesOf = (data) => {
  const parts = (Array.isArray(data) ? data : [data]).map((part) => new Uint8Array(part));
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (joined.set(part, at), at + part.length), 0);
  return joined;
};

const hex = (data) => Array.from(bytesOf(data), (byte) => byte.toString(16).padStart(2, '0')).join('');

const values = (output) => (Array.isArray(output) ? output : [output]).map((tensor) => Array.from(tensor.dataSync()));

const predicted = (model, inputs) => values(model.predict(inputs.length === 1 ? inputs[0] : inputs));

async function savedArtifacts(tf, kind, handler) {
  if (kind.artifacts && !kind.inputs) {
    await tf.io.http(handler.url, handler.options).save(kind.artifacts);
    return {artifacts: kind.artifacts, outputs: null};
  }
  const model = kind.model || (await tf.loadGraphModel(tf.io.fromMemory(kind.artifacts)));
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (seen) => ((artifacts = seen), {modelArtifactsInfo: {}})), kind.options);
  const result = await model.save(tf.io.http(handler.url, handler.options), kind.options);
  if (!result.responses[0].ok) throw new Error(`${kind.name}: ${result.responses[0].status}`);
  return {artifacts, outputs: predicted(model, kind.inputs)};
}

/** What was saved, by name: topology, specs, weights as hex, predictions. */
export async function saveAll(tf, base, requestInit, prefix) {
  const saved = {};
  for (const kind of await build(tf)) {
    const url = address(base, prefix + kind.name);
    const {artifacts, outputs} = await savedArtifacts(tf, kind, {url, options: {requestInit}});
    saved[kind.name] = {
      topology: artifacts.modelTopology,
      specs: artifacts.weightSpecs,
      weights: hex(artifacts.weightData),
      metadata: artifacts.userDefinedMetadata ?? null,
      training: artifacts.trainingConfig ?? null,
      outputs,
    };
  }
  return saved;
}

/** The names of models whose predictions, weights or specs differ from what was saved. */
export async function differences(tf, base, requestInit, prefix, saved) {
  const differing = [];
  for (const kind of await build(tf)) {
    const url = `${address(base, prefix + kind.name)}/model.json`;
    const artifacts = await tf.io.http(url, {requestInit}).load();
    const {specs, weights, outputs} = saved[kind.name];
    let same = hex(artifacts.weightData) === weights && JSON.stringify(artifacts.weightSpecs) === JSON.stringify(specs);
    if (outputs) {
      const load = kind.artifacts ? tf.loadGraphModel : tf.loadLayersModel;
      const model = await load(url, {requestInit});
      same = same && JSON.stringify(predicted(model, kind.inputs)) === JSON.stringify(outputs);
    }
    if (!same) differing.push(kind.name);
  }
  return differing;
}
