// The part of IndexedDB that TensorFlow.js uses, on a tfjsd daemon: the database `tensorflowjs` with its two stores.
//
// For code that reaches for `window.indexedDB` itself. A model and its info are two records in two transactions for
// tfjs; here they are one model, saved whole when the second record is put.

const DATABASE = 'tensorflowjs';
const MODELS = 'models_store';
const INFOS = 'model_info_store';

const failure = (name, message) => new DOMException(message, name);

class Request extends EventTarget {
  result = undefined;
  error = null;
  readyState = 'pending';
  onsuccess = null;
  onerror = null;
  onupgradeneeded = null;

  settle(type, members) {
    Object.assign(this, members, {readyState: 'done'});
    this.emit(type);
  }

  emit(type) {
    const event = new Event(type);
    this.dispatchEvent(event);
    this[`on${type}`]?.(event);
  }
}

/** What each store answers, in the daemon's terms. */
const OPERATIONS = {
  [MODELS]: {
    async get(daemon, path) {
      return {modelPath: path, modelArtifacts: await daemon.loadModel(`indexeddb://${path}`)};
    },
    async put(daemon, {modelPath, modelArtifacts}) {
      await daemon.saveModel(`indexeddb://${modelPath}`, modelArtifacts);
      return modelPath;
    },
    delete: async (daemon, path) => void (await daemon.removeModel(`indexeddb://${path}`)),
  },
  [INFOS]: {
    async get(daemon, path) {
      return {modelPath: path, modelArtifactsInfo: await daemon.modelInfo(`indexeddb://${path}`)};
    },
    async getAll(daemon) {
      const own = Object.entries(await daemon.listModels()).filter(([url]) => url.startsWith('indexeddb://'));
      return own.map(([url, modelArtifactsInfo]) => ({modelPath: url.slice('indexeddb://'.length), modelArtifactsInfo}));
    },
    put: async (_daemon, {modelPath}) => modelPath, // comes with the model
    delete: async () => undefined, // goes with the model
  },
};

/** Of a model that is not there, `get` gives undefined and `delete` does nothing. */
const absent = (error) => {
  if (error.name !== 'ModelNotFoundError') throw error;
};

class Transaction extends Request {
  oncomplete = null;
  onabort = null;
  #running = 0;

  constructor(daemon, names) {
    super();
    this.daemon = daemon;
    this.names = names;
  }

  objectStore(name) {
    if (!this.names.includes(name)) throw failure('NotFoundError', `The specified object store was not found.`);
    return Object.fromEntries(Object.keys(OPERATIONS[name]).map((operation) => [operation, (argument) => this.#run(name, operation, argument)]));
  }

  #run(name, operation, argument) {
    const request = new Request();
    this.#running++;
    OPERATIONS[name][operation](this.daemon, argument).catch(absent).then(
      (result) => request.settle('success', {result}),
      (error) => request.settle('error', {error: error.name === 'QuotaExceededError' ? failure(error.name, error.message) : error}),
    ).finally(() => setTimeout(() => --this.#running || this.emit('complete')));
    return request;
  }
}

/** An IDBFactory that has one database, as TensorFlow.js lays it out. Other names are refused. */
export function indexedDBOf(daemon) {
  const names = [INFOS, MODELS];
  const database = {
    name: DATABASE,
    version: 1,
    objectStoreNames: names,
    transaction: (wanted) => new Transaction(daemon, [wanted].flat()),
    createObjectStore: (name) => ({name}),
    close() {},
  };
  return {
    open(name, version = 1) {
      const request = new Request();
      const known = name === DATABASE && version === 1;
      const refusal = failure('NotSupportedError', `Only version 1 of the database ${DATABASE} is kept by the daemon.`);
      queueMicrotask(() => (known ? request.settle('success', {result: database}) : request.settle('error', {error: refusal})));
      return request;
    },
    databases: async () => [{name: DATABASE, version: 1}],
    cmp: (first, second) => (first < second ? -1 : first > second ? 1 : 0),
  };
}
