// TensorFlow.js alone, with no code of ours, saves to and loads from the listener.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {given, newTfPage, VERSIONS} from './chromium.mjs';

for (const [version, name] of Object.entries(VERSIONS)) {
  test(`TensorFlow.js ${version} saves and loads over http with method, headers and credentials`, async (t) => {
    const page = await newTfPage(t, name);
    const found = await page.evaluate(async (version) => {
      const authorized = {Authorization: `Bearer ${daemon.token}`};
      const kinds = {
        plain: {headers: authorized},
        put: {method: 'PUT', headers: authorized},
        omit: {headers: authorized, credentials: 'omit'},
        include: {headers: authorized, credentials: 'include'},
        headers: {headers: {...authorized, 'X-Trace': '1', 'X-Requested-With': 'tfjs'}},
      };
      const predictions = {};
      for (const [kind, requestInit] of Object.entries(kinds)) {
        const url = `${daemon.url}/v1/models/indexeddb/${encodeURIComponent(`my/${version} ${kind}`)}`;
        const made = model(3);
        const result = await made.save(tf.io.browserHTTPRequest(url, {requestInit}));
        const again = await tf.loadLayersModel(`${url}/model.json`, {requestInit: {...requestInit, method: 'GET'}});
        const input = tf.tensor2d([[1, -2]]);
        predictions[kind] = [made, again].map((one) => Array.from(one.predict(input).dataSync()).join());
        if (result.responses[0].status !== 200) throw new Error(`${kind}: ${result.responses[0].status}`);
      }
      return predictions;
    }, version);
    assert.deepEqual(Object.keys(found), ['plain', 'put', 'omit', 'include', 'headers']);
    for (const [kind, [before, after]] of Object.entries(found)) assert.equal(before, after, kind);
  });
}

for (const [version, name] of Object.entries(VERSIONS)) {
  test(`TensorFlow.js ${version} loads a model of one moment, or none`, async (t) => {
    const page = await newTfPage(t, name);
    const found = await page.evaluate(async (version) => {
      const requestInit = {headers: {Authorization: `Bearer ${daemon.token}`}};
      const search = '?origin=https%3A%2F%2Fmoments.example';
      const url = `${daemon.url}/v1/models/indexeddb/${version}`;
      const save = async (bias) => {
        const made = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [1], kernelInitializer: 'ones'})]});
        made.setWeights([tf.tensor2d([[bias]]), tf.tensor1d([bias])]);
        await made.save(tf.io.http(url + search, {requestInit}));
      };
      const between = (work) => async (address, init) => {
        const answer = await fetch(address, init);
        if (!address.includes('model.json')) return answer;
        const body = await answer.blob(); // it is read before the other save begins
        await work();
        return new Response(body, {headers: answer.headers});
      };
      const load = async (work) => {
        const model = await tf.loadLayersModel(tf.io.http(`${url}/model.json${search}`, {requestInit, fetchFunc: between(work)}));
        return model.getWeights().map((weight) => weight.dataSync()[0]);
      };
      await save(1);
      const replaced = await load(() => save(2));
      const removed = await load(() => fetch(url + search, {...requestInit, method: 'DELETE'}));
      await save(3);
      const gone = await attempt(load(() => {}).then(async () => {
        const model = await (await fetch(`${url}/model.json${search}`, requestInit)).json();
        model.weightsManifest[0].paths = [`weights.${'0'.repeat(64)}.bin`];
        const fetchFunc = (address, init) => (address.includes('model.json') ? Promise.resolve(new Response(JSON.stringify(model), {headers: {'Content-Type': 'application/json'}})) : fetch(address, init));
        return tf.loadLayersModel(tf.io.http(`${url}/model.json${search}`, {requestInit, fetchFunc}));
      }));
      return {replaced, removed, gone: gone.split(':')[0]};
    }, version);
    assert.deepEqual(found, {replaced: [1, 1], removed: [2, 2], gone: 'Error'});
  });
}

test('without the token and with a wrong one nothing is saved or loaded', async (t) => {
  const page = await newTfPage(t);
  const told = await page.evaluate(async () => {
    const url = `${daemon.url}/v1/models/indexeddb/refused`;
    const wrong = {headers: {Authorization: 'Bearer wrong'}};
    return [
      await attempt(model(1).save(url)),
      await attempt(model(1).save(tf.io.http(url, {requestInit: wrong}))),
      await attempt(tf.loadLayersModel(`${url}/model.json`, {requestInit: wrong})),
    ];
  });
  for (const one of told) assert.match(one, /401/);
});

test('a page reads HEAD, Range, ETag and 304', async (t) => {
  const page = await newTfPage(t);
  const found = await page.evaluate(async () => {
    const headers = {Authorization: `Bearer ${daemon.token}`};
    const url = `${daemon.url}/v1/models/indexeddb/ranges`;
    await tf.sequential({layers: [tf.layers.dense({units: 200, inputShape: [300]})]}).save(tf.io.http(url, {requestInit: {headers}}));
    const whole = await fetch(`${url}/weights.bin`, {headers, cache: 'no-store'});
    const bytes = new Uint8Array(await whole.arrayBuffer());
    const head = await fetch(`${url}/weights.bin`, {method: 'HEAD', headers});
    const part = await fetch(`${url}/weights.bin`, {headers: {...headers, Range: 'bytes=1000-1999'}, cache: 'no-store'});
    const some = new Uint8Array(await part.arrayBuffer());
    const etag = whole.headers.get('etag');
    const known = await fetch(`${url}/weights.bin`, {headers: {...headers, 'If-None-Match': etag}, cache: 'no-store'});
    return {
      statuses: [whole.status, head.status, part.status, known.status],
      lengths: [bytes.length, Number(head.headers.get('content-length')), some.length],
      equal: some.every((byte, index) => byte === bytes[1000 + index]),
      tags: [etag === head.headers.get('etag'), Boolean(etag)],
    };
  });
  assert.deepEqual(found, {statuses: [200, 200, 206, 304], lengths: [200 * 301 * 4, 200 * 301 * 4, 1000], equal: true, tags: [true, true]});
});
