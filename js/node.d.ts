/** TensorFlow.js in Node with a browser's storage. */

import type {Daemon, DaemonOptions, Models, TensorFlow} from './tfjsd.js';

export * from './tfjsd.js';

/** Address and token of the daemon of a home. */
export function daemonOf(home: string): {url: string; token: string};

/** The Storage interface of HTML, synchronous. */
export class Storage {
  constructor(options: DaemonOptions);
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  clear(): void;
  [name: string]: any;
}

export interface Installation extends Models {
  daemon: Daemon;
  localStorage: Storage;
  close(): Promise<void>;
}

/** Adds `localstorage://`, `indexeddb://` and `globalThis.localStorage`. */
export function install(
  tf: TensorFlow,
  options?: Partial<DaemonOptions> & {home?: string; globals?: boolean},
): Installation;
