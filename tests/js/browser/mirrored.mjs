// Pages and a daemon that `mirror` keeps equal, and what each of them holds.

import {given, models} from './chromium.mjs';

/** Numbers that are the same in each run. */
export function* numbers(seed) {
  for (;;) yield (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

export const own = (page) => page.evaluate(async () => {
  const found = {};
  for (const url of Object.keys(await tf.io.listModels()).sort()) {
    if (url.startsWith('tfjsd')) continue;
    const {weightData} = await tf.io.getLoadHandlers(url)[0].load();
    found[url] = [...new Uint8Array(weightData)].join();
  }
  return found;
});

export async function daemons() {
  const found = {};
  for (const url of Object.keys(await models()).sort()) {
    const [medium, path] = url.split('://');
    const answer = await fetch(`${given.url}/v1/models/${medium}/${path}/weights.bin`, {headers: {Authorization: `Bearer ${given.token}`}});
    found[url] = [...new Uint8Array(await answer.arrayBuffer())].join();
  }
  return found;
}

/** Gives a page `mirrored`; `errors` are those of its own passes. */
export const begin = (interval, options = {}) => async (page) => page.evaluate(async ([interval, options]) => {
  const {register, mirror} = await import(`${daemon.url}/tfjsd.js`);
  register(tf, daemon);
  window.errors = [];
  window.mirrored = mirror(tf, {...options, interval, onError: (error) => errors.push(String(error))});
  await mirrored.sync();
}, [interval, options]);
