// TensorFlow.js models in a tfjsd daemon. One module, no dependencies; the daemon serves it as /tfjsd.js.
//
//   import {register, mirror} from 'http://127.0.0.1:8765/tfjsd.js';
//   const tfjsd = register(tf, {url: 'http://127.0.0.1:8765', token});
//   await model.save('tfjsd://indexeddb/my/model');
//   await tf.io.listModels();

const MODEL_TYPE = 'application/vnd.tfjsd.model';
const LONGEST_SEGMENT = 1500;
const MEDIA = ['localstorage', 'indexeddb'];

/** What the daemon answered instead of doing it. `name` is its name on the wire, e.g. QuotaExceededError. */
export class TfjsdError extends Error {
  constructor(body, status) {
    super(body.message);
    this.name = body.name;
    this.status = status;
    for (const member of ['code', 'hint', 'limit', 'needed', 'unit', 'quota', 'requested']) {
      if (member in body) this[member] = body[member];
    }
    if (body.cause) this.cause = new TfjsdError(body.cause, status);
  }
}

/** Browsers do not tell a page why a request failed: nobody listens, or the answer is not for this page. */
function unreachable(url, cause) {
  const page = globalThis.location?.origin;
  const hint = page && page !== url ? `is it running, and is ${page} listed in its access.origins?` : 'is it running?';
  const error = new TfjsdError({name: 'DaemonUnavailableError', message: `The daemon at ${url} does not answer.`, hint}, 0);
  return Object.assign(error, {cause});
}

/** UTF-8, percent-encoded; a lone surrogate, which encodeURIComponent refuses, as its three bytes. */
function encoded(text) {
  return text.replace(/[\ud800-\udbff][\udc00-\udfff]|[^]/g, (character) => {
    const unit = character.charCodeAt(0);
    if (character.length === 2 || unit < 0xd800 || unit > 0xdfff) return encodeURIComponent(character);
    const bytes = [0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)];
    return bytes.map((byte) => `%${byte.toString(16)}`).join('');
  });
}

const withDate = (info) => ({...info, dateSaved: new Date(info.dateSaved)});

/** The weights of artifacts as parts of a body: tfjs has one buffer or several; a Blob is read while it is sent. */
const weightParts = (data) => (data == null ? [] : Array.isArray(data) ? data : [data]);

/** One daemon, seen as one origin. Paths are model URLs of the daemon: `indexeddb://my/model`. */
export class Daemon {
  constructor({url, token, origin, fetch = globalThis.fetch.bind(globalThis)}) {
    this.url = String(url).replace(/\/+$/, '');
    this.token = token;
    this.origin = origin;
    this.fetch = fetch;
  }

  /** Sends a request; gives the answer if it is a good one. Throws TfjsdError. */
  async request(method, path, {query = {}, body, headers = {}, signal} = {}) {
    const parameters = Object.entries(this.origin ? {...query, origin: this.origin} : query);
    const search = parameters.map(([name, value]) => `${name}=${encoded(String(value))}`).join('&');
    const response = await this.fetch(`${this.url}${path}${search && `?${search}`}`, {
      method,
      body,
      signal,
      headers: {Authorization: `Bearer ${this.token}`, ...headers},
      credentials: 'omit',
      cache: 'no-store',
    }).catch((error) => {
      throw signal?.aborted ? error : unreachable(this.url, error);
    });
    if (response.ok) return response;
    const text = await response.text();
    let error = {name: 'HTTPStatusError', message: `The daemon answered with ${response.status}.`};
    try {
      error = JSON.parse(text).error ?? error;
    } catch {
      // Not the daemon's own words: something between it and here.
    }
    throw new TfjsdError(error, response.status);
  }

  async json(method, path, options) {
    return (await this.request(method, path, options)).json();
  }

  post(path, value, options) {
    return this.json('POST', path, {
      ...options,
      body: JSON.stringify(value),
      headers: {'Content-Type': 'application/json'},
    });
  }

  /** `{url: ModelArtifactsInfo}`. */
  async listModels() {
    const infos = await this.json('GET', '/v1/models');
    return Object.fromEntries(Object.entries(infos).map(([url, info]) => [url, withDate(info)]));
  }

  /**
   * Saves whole or not at all; durable when it resolves. `expected`: the info of the model that is to be replaced; another
   * one that took its place is kept (a TfjsdError). `overwrite: '0'`: any that is there is kept.
   */
  async saveModel(url, artifacts, {expected, ...query} = {}) {
    if (expected) query.expected = JSON.stringify(expected);
    const {weightData, ...fields} = artifacts;
    const parts = weightParts(weightData);
    if (weightData != null) fields.weightDataBytes = parts.reduce((sum, part) => sum + (part.byteLength ?? part.size), 0);
    const header = new TextEncoder().encode(JSON.stringify(fields));
    const length = new DataView(new ArrayBuffer(4));
    length.setUint32(0, header.length, true);
    const body = new Blob([length.buffer, header, ...parts]);
    const options = {body, headers: {'Content-Type': MODEL_TYPE}};
    const result = await this.#onModel('PUT', url, query, options);
    return withDate((await result.json()).modelArtifactsInfo);
  }

  async loadModel(url) {
    const response = await this.#onModel('GET', url, {}, {headers: {Accept: MODEL_TYPE}});
    const body = await response.arrayBuffer();
    const size = new DataView(body).getUint32(0, true);
    const {weightDataBytes, modelArtifactsInfo, ...artifacts} = JSON.parse(
      new TextDecoder().decode(new Uint8Array(body, 4, size)),
    );
    if (weightDataBytes != null) artifacts.weightData = body.slice(4 + size);
    return artifacts;
  }

  /** All but the weights, of a model with an ordinary name. */
  async loadTopology(url) {
    const [medium, path] = url.split(/:\/\/(.*)/s, 2);
    const {weightsManifest = [], ...artifacts} = await this.json('GET', `/v1/models/${medium}/${encoded(path)}/model.json`);
    return {...artifacts, weightSpecs: weightsManifest.flatMap((group) => group.weights)};
  }

  async modelInfo(url) {
    return withDate(await (await this.#onModel('GET', url)).json());
  }

  /** `expected`: the info of the model that is meant; another one that took its place is kept (a TfjsdError). */
  async removeModel(url, {expected} = {}) {
    const query = expected ? {expected: JSON.stringify(expected)} : {};
    return withDate(await (await this.#onModel('DELETE', url, query)).json());
  }

  /** `overwrite: '0'`: a model that is at `dest` is kept (a TfjsdError). */
  async copyModel(source, dest, query) {
    return withDate(await this.post('/v1/models/copy', {source, dest}, {query}));
  }

  /** One atomic step: at any moment the model is in exactly one of the two places. */
  async moveModel(source, dest, query) {
    return withDate(await this.post('/v1/models/move', {source, dest}, {query}));
  }

  /** The daemon's events (`{type, data}`), until `signal` ends them or the connection does. */
  async *events(signal) {
    const response = await this.request('GET', '/v1/events', {headers: {Accept: 'text/event-stream'}, signal});
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let pending = '';
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      const frames = (pending + value).split('\n\n');
      pending = frames.pop();
      for (const frame of frames) {
        const fields = Object.fromEntries(
          frame.split('\n').filter((line) => line.includes(': ')).map((line) => line.split(/: (.*)/s, 2)),
        );
        if (fields.data) yield {type: fields.event, data: JSON.parse(fields.data)};
      }
    }
  }

  /** The origin's localStorage, as promises. */
  get localStorage() {
    const call = async (op, members) => (await this.post('/v1/local-storage', {op, ...members})).result;
    return {
      getItem: (key) => call('getItem', {key: String(key)}),
      setItem: (key, value) => call('setItem', {key: String(key), value: String(value)}),
      removeItem: (key) => call('removeItem', {key: String(key)}),
      clear: () => call('clear'),
      key: (index) => call('key', {index}),
      keys: () => call('keys'),
      length: () => call('length'),
    };
  }

  #onModel(method, url, query = {}, options = {}) {
    const [medium, path] = url.split(/:\/\/(.*)/s, 2);
    const segment = encoded(path);
    const plain = !['', '.', '..'].includes(path) && segment.length < LONGEST_SEGMENT;
    return plain
      ? this.request(method, `/v1/models/${medium}/${segment}`, {query, ...options})
      : this.request(method, `/v1/models/${medium}`, {query: {...query, path}, ...options});
  }
}

/** `tfjsd://indexeddb/my/model` -> `indexeddb://my/model`; null for other URLs. */
export function ofTfjsd(url) {
  const match = /^tfjsd:\/\/([a-z]+)\/(.*)$/s.exec(url);
  return match && MEDIA.includes(match[1]) ? `${match[1]}://${match[2]}` : null;
}

const toTfjsd = (url) => `tfjsd://${url.replace('://', '/')}`;

/**
 * Adds a scheme to tf.io. The routers make save, load and copyModel work; tf.io keeps its managers to itself, so that
 * listModels, copyModel, moveModel and removeModel are replaced by ones that know both, where tf.io can be written to
 * (scripts and CommonJS; a bundler's frozen namespace cannot: use what is returned instead).
 */
export function addScheme(tf, daemon, {own, shown}) {
  const {listModels, copyModel, moveModel, removeModel} = tf.io;
  const router = (url) => {
    const inner = typeof url === 'string' ? own(url) : null;
    if (inner === null) return null;
    return {
      load: () => daemon.loadModel(inner),
      save: async (artifacts) => ({modelArtifactsInfo: await daemon.saveModel(inner, artifacts)}),
    };
  };
  tf.io.registerSaveRouter(router);
  tf.io.registerLoadRouter(router);

  const remove = async (url) => {
    const inner = own(url);
    return inner === null ? removeModel(url) : daemon.removeModel(inner);
  };
  const models = {
    listModels: async () => {
      const [theirs, ours] = await Promise.all([listModels(), daemon.listModels()]);
      for (const [url, info] of Object.entries(ours)) theirs[shown(url)] = info;
      return theirs;
    },
    copyModel: async (source, dest) => {
      const inner = [own(source), own(dest)];
      return inner.includes(null) || source === dest ? copyModel(source, dest) : daemon.copyModel(...inner);
    },
    moveModel: async (source, dest) => {
      const inner = [own(source), own(dest)];
      if (!inner.includes(null) && source !== dest) return daemon.moveModel(...inner);
      if (inner[0] === null && inner[1] === null) return moveModel(source, dest);
      const info = await copyModel(source, dest); // tfjs's own would not find a manager
      await remove(source);
      return info;
    },
    removeModel: remove,
  };
  const replaced = Object.keys(models).every((name) => Object.getOwnPropertyDescriptor(tf.io, name)?.writable);
  if (replaced) Object.assign(tf.io, models);
  return {...models, replaced};
}

/** tf.io.listModels as it was before anything was registered: what the page itself holds. */
const natives = new WeakMap();

const nativeOf = (tf) => {
  if (!natives.has(tf)) natives.set(tf, {listModels: tf.io.listModels});
  return natives.get(tf);
};

const registered = new WeakMap();

/** Adds `tfjsd://` to a TensorFlow.js; once for each. */
export function register(tf, options) {
  nativeOf(tf);
  if (registered.has(tf)) throw new Error('tfjsd is registered with this TensorFlow.js already.');
  const daemon = new Daemon(options);
  const models = addScheme(tf, daemon, {own: ofTfjsd, shown: toTfjsd});
  const result = {...models, daemon, localStorage: daemon.localStorage};
  registered.set(tf, result);
  return result;
}

// -- the page's own models, as TensorFlow.js keeps them ----------------------------------------------------------------
//
// tf.io looks at a model in one step and writes it in another (IndexedDB: in two), and what somebody saves in between is
// lost. Here a model is read, replaced or removed in the very step that finds it to be the one that is meant.

const promised = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const fingerprint = (info) =>
  (info && JSON.stringify([
    new Date(info.dateSaved).getTime(), info.modelTopologyBytes, info.weightSpecsBytes, info.weightDataBytes,
  ])) ?? null;

function requireSame(url, info, expected) {
  if (fingerprint(info) === fingerprint(expected)) return;
  throw new TfjsdError({name: 'ModelChangedError', message: `The page's '${url}' was saved or removed meanwhile; it was left alone.`}, 0);
}

/** tfjs-core/src/io/indexed_db.ts: one database, the info of a model beside it. */
async function inDatabase(mode, work) {
  const opening = indexedDB.open('tensorflowjs', 1);
  opening.onupgradeneeded = () => {
    for (const name of ['models_store', 'model_info_store']) opening.result.createObjectStore(name, {keyPath: 'modelPath'});
  };
  const database = await promised(opening);
  try {
    const transaction = database.transaction(['models_store', 'model_info_store'], mode);
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const result = work(transaction.objectStore('models_store'), transaction.objectStore('model_info_store'));
    return (await Promise.all([result, ended]))[0];
  } finally {
    database.close();
  }
}

const infoIn = async (infos, path) => (await promised(infos.get(path)))?.modelArtifactsInfo;

const IN_INDEXED_DB = {
  load: (_tf, url, path, expected) => inDatabase('readonly', async (models, infos) => {
    const [model, info] = await Promise.all([promised(models.get(path)), infoIn(infos, path)]);
    requireSame(url, info, expected);
    requireSame(url, model?.modelArtifactsInfo, expected); // tfjs writes the info before the model
    return model.modelArtifacts;
  }),
  save: (_tf, url, path, expected, artifacts, sizes) => inDatabase('readwrite', async (models, infos) => {
    requireSame(url, await infoIn(infos, path), expected);
    const modelArtifactsInfo = {...sizes, dateSaved: new Date()};
    const put = models.put({modelPath: path, modelArtifacts: artifacts, modelArtifactsInfo});
    await Promise.all([promised(put), promised(infos.put({modelPath: path, modelArtifactsInfo}))]);
    return modelArtifactsInfo;
  }),
  remove: (url, path, expected) => inDatabase('readwrite', async (models, infos) => {
    requireSame(url, await infoIn(infos, path), expected);
    await Promise.all([promised(models.delete(path)), promised(infos.delete(path))]);
  }),
};

/** tfjs-core/src/io/local_storage.ts: five items of a model. */
const itemsOf = (path) =>
  ['info', 'model_topology', 'weight_specs', 'weight_data', 'model_metadata'].map((part) => `tensorflowjs_models/${path}/${part}`);

const requireSameItems = (url, path, expected) => requireSame(url, JSON.parse(localStorage.getItem(itemsOf(path)[0])), expected);

const IN_LOCAL_STORAGE = {
  async load(tf, url, path, expected) {
    requireSameItems(url, path, expected);
    return tf.io.getLoadHandlers(url)[0].load(); // all items before it first waits
  },
  async save(tf, url, path, expected, artifacts) {
    requireSameItems(url, path, expected);
    const before = itemsOf(path).map((name) => [name, localStorage.getItem(name)]);
    try {
      return (await tf.io.getSaveHandlers(url)[0].save(artifacts)).modelArtifactsInfo; // all items before it first waits
    } catch (error) {
      // tfjs removes what was there when the new one does not fit.
      if (localStorage.getItem(before[0][0]) === null) {
        for (const [name, value] of before) if (value !== null) localStorage.setItem(name, value);
      }
      throw error;
    }
  },
  async remove(url, path, expected) {
    requireSameItems(url, path, expected);
    for (const name of itemsOf(path)) localStorage.removeItem(name);
  },
};

const IN_PAGE = {indexeddb: IN_INDEXED_DB, localstorage: IN_LOCAL_STORAGE};

// -- the page's own models and the daemon's, kept equal -----------------------------------------------------------------

const BASE = 'tfjsd-mirror';

/** What was equal on both sides when they last were: without it a removal looks like an addition on the other side. */
class Base {
  constructor(name) {
    const request = indexedDB.open(BASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('base');
    this.name = name;
    this.opened = promised(request);
  }

  async #store(mode) {
    return (await this.opened).transaction('base', mode).objectStore('base');
  }

  async read() {
    return new Map((await promised((await this.#store('readonly')).get(this.name))) ?? []);
  }

  async write(base) {
    await promised((await this.#store('readwrite')).put([...base], this.name));
  }

  async close() {
    (await this.opened).close();
  }
}

const changed = (info, known) => fingerprint(info) !== (known ?? null);

/** Which side has to follow: 'up' (the daemon follows the page), 'down', or null. What exists beats what is gone. */
function decision(page, daemon, base) {
  const [pageChanged, daemonChanged] = [changed(page, base?.page), changed(daemon, base?.daemon)];
  if (!pageChanged && !daemonChanged) return null;
  if (!daemonChanged) return 'up';
  if (!pageChanged) return 'down';
  if (!page && !daemon) return 'forget';
  if (!page || !daemon) return page ? 'up' : 'down';
  return new Date(page.dateSaved) > new Date(daemon.dateSaved) ? 'up' : 'down';
}

/** Tabs of one profile share what the page holds and what was equal last: one at a time. */
const alone = (name, work) => (globalThis.navigator?.locks ? navigator.locks.request(`${BASE} ${name}`, work) : work());

/** So many removals are never held; of more, so large a share of the models that were equal. */
const FEW_REMOVALS = 2;

/** How often a pass looks again at what was changed while it was being carried. */
const MOST_TURNS = 5;

/** Of models that were changed while they were being carried. */
const MEANWHILE = ['ModelExistsError', 'ModelChangedError', 'ModelNotFoundError'];

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

class Mirror {
  constructor(tf, daemon, {direction = 'both', removals = direction === 'both', removalShare = 0.5, prefix = '', interval = 2000, onPass, onError}) {
    if (!['both', 'up', 'down'].includes(direction)) throw new TypeError(`No direction ${direction}: both, up or down.`);
    this.removals = removals;
    this.removalShare = removalShare;
    this.tf = tf;
    this.daemon = daemon;
    this.direction = direction;
    this.prefix = prefix;
    this.interval = interval;
    this.onPass = onPass ?? (() => {});
    this.onError = onError ?? (() => {});
    this.base = new Base(`${daemon.url} ${daemon.origin ?? ''} ${direction} ${prefix}`);
    this.ending = new AbortController();
    this.last = Promise.resolve();
    this.listening = this.#listen();
    this.timer = setInterval(() => this.#quietly(), interval);
  }

  /** One pass, after those that are under way: `{up, down, removed, held, errors}` with the page's URLs. */
  sync() {
    this.last = this.last.catch(() => {}).then(() => this.#pass());
    return this.last;
  }

  /** Lets the removals pass that are held now; gives how many. The next pass carries them. */
  approveRemovals() {
    return alone(this.base.name, async () => {
      const base = await this.base.read();
      const held = [...base].filter(([, known]) => known.held);
      for (const [url, known] of held) base.set(url, {...known, held: false, approved: true});
      await this.base.write(base);
      this.#quietly();
      return held.length;
    });
  }

  /** Ends the mirror, after the pass that is under way. */
  async stop() {
    clearInterval(this.timer);
    this.ending.abort();
    await this.listening;
    await this.last.catch(() => {});
    await this.base.close();
  }

  #quietly() {
    if (this.waiting) return;
    this.waiting = true;
    const pass = this.last.catch(() => {}).then(() => ((this.waiting = false), this.#pass()));
    this.last = pass;
    pass.catch((error) => this.onError(error));
  }

  async #listen() {
    while (!this.ending.signal.aborted) {
      try {
        for await (const {type} of this.daemon.events(this.ending.signal)) {
          if (type === 'model' || type === 'ready') this.#quietly();
        }
      } catch (error) {
        if (!this.ending.signal.aborted) this.onError(error);
      }
      if (!this.ending.signal.aborted) await pause(this.interval);
    }
  }

  #there(url) {
    return url.replace('://', () => `://${this.prefix}`);
  }

  async #lists() {
    const [native, remote] = await Promise.all([nativeOf(this.tf).listModels(), this.daemon.listModels()]);
    const page = new Map(Object.entries(native).filter(([url]) => MEDIA.includes(url.split('://')[0])));
    const daemon = new Map();
    for (const [url, info] of Object.entries(remote)) {
      const [medium, path] = url.split(/:\/\/(.*)/s, 2);
      if (path.startsWith(this.prefix) && path !== this.prefix) {
        daemon.set(`${medium}://${path.slice(this.prefix.length)}`, info);
      }
    }
    return {page, daemon};
  }

  #pass() {
    return alone(this.base.name, () => this.#look());
  }

  async #look() {
    const done = {up: new Set(), down: new Set(), removed: new Set()};
    for (let turn = 1; ; turn++) {
      const {held, errors} = await this.#turn(done);
      const meanwhile = Object.values(errors).some(({name}) => MEANWHILE.includes(name));
      if (!meanwhile || turn === MOST_TURNS) {
        const report = {up: [...done.up], down: [...done.down], removed: [...done.removed], held, errors};
        this.onPass(report);
        return report;
      }
      await pause(10 * turn);
    }
  }

  async #turn(done) {
    const [{page, daemon}, base] = await Promise.all([this.#lists(), this.base.read()]);
    const steps = [];
    for (const url of new Set([...page.keys(), ...daemon.keys(), ...base.keys()])) {
      const step = {url, page: page.get(url), daemon: daemon.get(url)};
      step.way = decision(step.page, step.daemon, base.get(url));
      step.removes = (step.way === 'up' && !step.page) || (step.way === 'down' && !step.daemon);
      const isAsked = [null, 'forget', this.direction].includes(step.way) || this.direction === 'both';
      if (step.way !== null && isAsked && (this.removals || !step.removes)) steps.push(step);
    }
    const [held, errors] = [this.#held(steps, base), {}];
    for (const step of steps) {
      if (held.includes(step.url)) continue;
      await this.#follow(step, base, done).catch((error) => (errors[step.url] = error));
    }
    await this.base.write(base);
    return {held, errors};
  }

  /** Of many removals at once none is carried without being approved: a side that was emptied or lost is no wish. */
  #held(steps, base) {
    const unasked = steps.filter(({url, removes}) => removes && !base.get(url)?.approved).map(({url}) => url);
    const tooMany = unasked.length > Math.max(FEW_REMOVALS, this.removalShare * base.size);
    const held = unasked.filter((url) => tooMany || base.get(url).held); // others that came make them no less of a question
    for (const url of held) base.set(url, {...base.get(url), held: true});
    return held;
  }

  async #follow({url, way, page, daemon}, base, done) {
    const [there, [medium, path]] = [this.#there(url), url.split(/:\/\/(.*)/s, 2)];
    if (way === 'up' && page) {
      const artifacts = await IN_PAGE[medium].load(this.tf, url, path, page);
      const info = await this.daemon.saveModel(there, artifacts, daemon ? {expected: daemon} : {overwrite: '0'});
      base.set(url, {page: fingerprint(page), daemon: fingerprint(info)});
      done.up.add(url);
    } else if (way === 'down' && daemon) {
      const artifacts = await this.daemon.loadModel(there);
      const info = await IN_PAGE[medium].save(this.tf, url, path, page, artifacts, daemon);
      base.set(url, {page: fingerprint(info), daemon: fingerprint(daemon)});
      done.down.add(url);
    } else {
      if (way === 'up' && daemon) await this.daemon.removeModel(there, {expected: daemon});
      if (way === 'down' && page) await IN_PAGE[medium].remove(url, path, page);
      base.delete(url);
      done.removed.add(url);
    }
  }
}

/**
 * Keeps the models of the page's own localStorage and IndexedDB and those of the daemon equal, live. `direction`: 'both',
 * 'up' (the daemon follows the page), 'down'. `prefix` goes before the daemon's names (`indexeddb://<prefix>name`).
 * Where both sides changed, the model that was saved last wins, and what exists wins over a removal. Removals are carried
 * in both directions only, unless `removals` says otherwise; more than `removalShare` of the models are held.
 */
export function mirror(tf, {url, token, origin, fetch, ...options} = {}) {
  nativeOf(tf);
  const daemon = url === undefined ? registered.get(tf)?.daemon : new Daemon({url, token, origin, ...(fetch && {fetch})});
  if (!daemon) throw new Error('Which daemon? Call register(tf, {url, token}) first, or pass url and token.');
  return new Mirror(tf, daemon, options);
}
