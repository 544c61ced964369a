// The thread that asks the daemon while the thread that called localStorage waits.

import {workerData} from 'node:worker_threads';
import {Daemon} from './tfjsd.js';

const {options, port, flag} = workerData;
const daemon = new Daemon(options);

port.on('message', async ({number, operation}) => {
  let answer;
  try {
    answer = await daemon.post('/v1/local-storage', operation);
  } catch (error) {
    answer = {error: {...error, name: error.name, message: error.message}};
  }
  port.postMessage({number, answer});
  Atomics.add(flag, 0, 1);
  Atomics.notify(flag, 0);
});
