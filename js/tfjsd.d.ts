/** TensorFlow.js models in a tfjsd daemon. */

export interface ModelArtifactsInfo {
  dateSaved: Date;
  modelTopologyType: 'JSON' | 'GraphDef';
  modelTopologyBytes?: number;
  weightSpecsBytes?: number;
  weightDataBytes?: number;
}

export type ModelInfos = Record<string, ModelArtifactsInfo>;

export interface WeightSpec {
  name: string;
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool' | 'string' | 'complex64';
  group?: 'model' | 'optimizer';
  quantization?: {scale?: number; min?: number; dtype: 'uint16' | 'uint8' | 'float16'};
}

/** tf.io's ModelArtifacts: what a model's `load()` gives can be saved here, and the other way round. */
export interface Artifacts {
  modelTopology?: {} | ArrayBuffer;
  trainingConfig?: any;
  weightSpecs?: WeightSpec[];
  weightData?: ArrayBuffer | ArrayBuffer[];
  format?: string;
  generatedBy?: string;
  convertedBy?: string | null;
  signature?: {};
  userDefinedMetadata?: {[key: string]: {}};
  modelInitializer?: {};
  initializerSignature?: {};
}

/** A Blob, such as a File, is read while it is sent. */
export type SaveableArtifacts = Artifacts | (Omit<Artifacts, 'weightData'> & {weightData: Blob});

/** As they come from the daemon: in one piece, which any version of TensorFlow.js takes. */
export interface LoadedArtifacts extends Artifacts {
  weightData?: ArrayBuffer;
}

export interface DaemonOptions {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** What `tfjsd token show` prints. */
  token: string;
  /** The origin in the daemon's store; else its configured one. */
  origin?: string;
  fetch?: typeof fetch;
}

/** What the daemon answered instead of doing it. */
export class TfjsdError extends Error {
  /** On the wire, e.g. `QuotaExceededError`. */
  name: string;
  /** Of the answer; 0 where there was none. */
  status: number;
  code?: number;
  hint?: string;
  limit?: number;
  needed?: number;
  unit?: 'utf16' | 'byte' | 'disk';
  quota?: number;
  requested?: number;
}

export interface DaemonEvent {
  type: 'ready' | 'storage' | 'model' | 'sync' | 'lost' | string;
  data: Record<string, unknown>;
}

export interface AsyncStorage {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
  clear(): Promise<void>;
  key(index: number): Promise<string | null>;
  keys(): Promise<string[]>;
  length(): Promise<number>;
}

/** One daemon, seen as one origin. URLs are the daemon's own: `indexeddb://my/model`. */
export class Daemon {
  constructor(options: DaemonOptions);
  readonly url: string;
  readonly origin?: string;
  readonly localStorage: AsyncStorage;
  request(
    method: string,
    path: string,
    options?: {query?: Record<string, string>; body?: RequestInit['body']; headers?: Record<string, string>; signal?: AbortSignal},
  ): Promise<Response>;
  json(method: string, path: string, options?: object): Promise<any>;
  post(path: string, value: unknown, options?: object): Promise<any>;
  listModels(): Promise<ModelInfos>;
  /** `expected`: the info of the model that is to be replaced; another one is kept. */
  saveModel(
    url: string,
    artifacts: SaveableArtifacts,
    options?: {overwrite?: '0' | '1'; expected?: ModelArtifactsInfo},
  ): Promise<ModelArtifactsInfo>;
  loadModel(url: string): Promise<LoadedArtifacts>;
  loadTopology(url: string): Promise<Artifacts>;
  modelInfo(url: string): Promise<ModelArtifactsInfo>;
  removeModel(url: string, options?: {expected?: ModelArtifactsInfo}): Promise<ModelArtifactsInfo>;
  copyModel(source: string, dest: string, options?: {overwrite?: '0' | '1'}): Promise<ModelArtifactsInfo>;
  moveModel(source: string, dest: string, options?: {overwrite?: '0' | '1'}): Promise<ModelArtifactsInfo>;
  events(signal?: AbortSignal): AsyncGenerator<DaemonEvent, void, void>;
}

/** What this module needs of a TensorFlow.js. */
export interface TensorFlow {
  io: any;
}

export interface Models {
  listModels(): Promise<ModelInfos>;
  copyModel(source: string, dest: string): Promise<ModelArtifactsInfo>;
  moveModel(source: string, dest: string): Promise<ModelArtifactsInfo>;
  removeModel(url: string): Promise<ModelArtifactsInfo>;
  /** Whether tf.io's own functions of these names know the scheme as well. */
  replaced: boolean;
}

export interface Registration extends Models {
  daemon: Daemon;
  localStorage: AsyncStorage;
}

/** The daemon's URL of a `tfjsd://` one, or null. */
export function ofTfjsd(url: string): string | null;

/** Adds a scheme to tf.io: `own` gives the daemon's URL or null, `shown` the reverse. */
export function addScheme(
  tf: TensorFlow,
  daemon: Daemon,
  scheme: {own(url: string): string | null; shown(url: string): string},
): Models;

/** Adds `tfjsd://` to a TensorFlow.js; once for each. */
export function register(tf: TensorFlow, options: DaemonOptions): Registration;

export interface Pass {
  up: string[];
  down: string[];
  removed: string[];
  /** Removals that wait for `approveRemovals()`. */
  held: string[];
  errors: Record<string, Error>;
}

export interface MirrorOptions extends Partial<DaemonOptions> {
  direction?: 'both' | 'up' | 'down';
  /** Whether a model that was removed on one side is removed on the other; else only where `direction` is `both`. */
  removals?: boolean;
  /** The largest share of the models that is removed in a pass without `approveRemovals()`; 0.5. */
  removalShare?: number;
  prefix?: string;
  /** Milliseconds between two looks at the page's own lists. */
  interval?: number;
  onPass?(pass: Pass): void;
  onError?(error: Error): void;
}

export interface Mirror {
  sync(): Promise<Pass>;
  /** Lets the removals pass that are held now; gives how many. */
  approveRemovals(): Promise<number>;
  stop(): Promise<void>;
}

/** Keeps the models of the page and of the daemon equal, live. */
export function mirror(tf: TensorFlow, options?: MirrorOptions): Mirror;
