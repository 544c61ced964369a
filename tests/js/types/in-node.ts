// A Node program in TypeScript, as strict as the compiler can be. It is compiled, not run.

import * as tf from '@tensorflow/tfjs';
import {Daemon, daemonOf, indexedDBOf, install, Storage} from 'tfjsd/node';
import type {Installation, Registration} from 'tfjsd/node';

export async function withABrowsersStorage(home: string): Promise<string | null> {
  const {url, token}: {url: string; token: string} = daemonOf(home);
  const tfjsd: Installation = install(tf, {home, globals: false});
  const storage: globalThis.Storage = new Storage({url, token});
  storage['theme'] = 'dark';
  const factory: Pick<IDBFactory, 'open'> = indexedDBOf(new Daemon({url, token}));
  factory.open('tensorflowjs', 1).onsuccess = () => console.log('opened');
  await tfjsd.copyModel('localstorage://m', 'indexeddb://m');
  await tfjsd.close();
  return tfjsd.localStorage.getItem('theme') ?? storage.key(0);
}

export type Both = [Installation, Registration];
