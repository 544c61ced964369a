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

/** The part of IndexedDB that TensorFlow.js uses; in a program that is compiled without `dom`, its bare form. */
export type DatabaseFactory = typeof globalThis extends {indexedDB: infer Factory extends Record<'open' | 'databases' | 'cmp', unknown>}
  ? Pick<Factory, 'open' | 'databases' | 'cmp'>
  : {
      open(name: string, version?: number): any;
      databases(): Promise<{name?: string; version?: number}[]>;
      cmp(first: any, second: any): number;
    };

/** An IDBFactory that holds the one database that TensorFlow.js uses. */
export function indexedDBOf(daemon: Daemon): DatabaseFactory;

export interface Installation extends Models {
  daemon: Daemon;
  localStorage: Storage;
  /** Holds TensorFlow.js's own database. */
  indexedDB: DatabaseFactory;
  close(): Promise<void>;
}

/** Adds `localstorage://`, `indexeddb://` and `globalThis.localStorage`, `Storage` and `indexedDB`. */
export function install(
  tf: TensorFlow,
  options?: Partial<DaemonOptions> & {home?: string; globals?: boolean},
): Installation;
