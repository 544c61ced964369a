// `mirror` loses no version: what is saved while a pass is under way, the only copy, and what was emptied by accident.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {newTfPage} from './chromium.mjs';
import {begin, daemons, numbers, own} from './mirrored.mjs';

/**
 * A page with a mirror of its own origin in the daemon, and `there`, a second client of that. `meanwhile(method, path, run)`
 * has `run` happen once, as the mirror has sent such a request: before the daemon sees it, or (GET) after it has answered.
 */
async function newRacingPage(t, origin, options = {}, name = undefined) {
  const page = await newTfPage(t, name);
  await page.evaluate(async ([origin, options]) => {
    const {Daemon, mirror} = await import(`${daemon.url}/tfjsd.js`);
    let race = null;
    const racing = async (url, request) => {
      // Without events there are the passes that a test asks for, and no others.
      if (url.includes('/v1/events')) return new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason)));
      const matches = race && request.method === race.method && decodeURIComponent(url).includes(race.path);
      const run = matches ? race.run : null;
      if (matches) race = null;
      if (matches && request.method !== 'GET') await run();
      const answer = await fetch(url, request);
      if (matches && request.method === 'GET') await run();
      return answer;
    };
    window.meanwhile = (method, path, run) => (race = {method, path, run});
    window.there = new Daemon({...daemon, origin});
    window.artifacts = (value) => ({modelTopology: {class_name: 'Model'}, weightSpecs: [{name: 'w', shape: [1], dtype: 'float32'}], weightData: new Float32Array([value]).buffer});
    window.save = (url, value) => tf.io.getSaveHandlers(url)[0].save(artifacts(value));
    window.valueOf = async (loading) => new Float32Array((await loading).weightData)[0];
    window.here = (url) => valueOf(tf.io.getLoadHandlers(url)[0].load());
    window.mirrored = mirror(tf, {...daemon, origin, interval: 100_000, fetch: racing, ...options});
    await mirrored.sync();
  }, [origin, options]);
  return page;
}

for (const medium of ['indexeddb', 'localstorage']) {
  const url = `${medium}://m`;

  test(`${medium}: what another client saves while a model goes up stays`, async (t) => {
    const page = await newRacingPage(t, `https://up-${medium}.example`);
    const found = await page.evaluate(async (url) => {
      await save(url, 1);
      await mirrored.sync();
      await save(url, 2);
      meanwhile('PUT', '/m', () => there.saveModel(url, artifacts(3)));
      const {errors} = await mirrored.sync();
      await mirrored.stop();
      return {errors, daemon: await valueOf(there.loadModel(url)), page: await here(url)};
    }, url);
    assert.deepEqual(found, {errors: {}, daemon: 3, page: 3});
  });

  test(`${medium}: what a page saves while a model comes down stays`, async (t) => {
    const page = await newRacingPage(t, `https://down-${medium}.example`);
    const found = await page.evaluate(async (url) => {
      await save(url, 1);
      await mirrored.sync();
      await there.saveModel(url, artifacts(2));
      meanwhile('GET', '/m', () => save(url, 3));
      const {errors} = await mirrored.sync();
      await mirrored.stop();
      return {errors, daemon: await valueOf(there.loadModel(url)), page: await here(url)};
    }, url);
    assert.deepEqual(found, {errors: {}, daemon: 3, page: 3});
  });

  test(`${medium}: what a page saves between the lists and a removal stays`, async (t) => {
    const page = await newRacingPage(t, `https://removed-${medium}.example`);
    const found = await page.evaluate(async ([medium, url]) => {
      const others = ['a', 'b', 'y', 'z'].map((name) => `${medium}://${name}`); // some are listed before it
      for (const one of [url, ...others]) await save(one, 1);
      await mirrored.sync();
      await there.removeModel(url);
      for (const one of others) await there.saveModel(one, artifacts(5));
      meanwhile('GET', `/${medium}/`, () => save(url, 7));
      const {errors} = await mirrored.sync();
      await mirrored.stop();
      return {errors, daemon: await valueOf(there.loadModel(url)), page: await here(url)};
    }, [medium, url]);
    assert.deepEqual(found, {errors: {}, daemon: 7, page: 7});
  });
}

test('a save that TensorFlow.js has half done goes up when it is whole', async (t) => {
  const page = await newRacingPage(t, 'https://half.example');
  const found = await page.evaluate(async () => {
    await save('indexeddb://m', 1);
    await mirrored.sync();
    // tfjs puts the info in a transaction of its own before the model's.
    const database = await new Promise((resolve) => (indexedDB.open('tensorflowjs', 1).onsuccess = (event) => resolve(event.target.result)));
    const info = {...(await tf.io.listModels())['indexeddb://m'], dateSaved: new Date(Date.now() + 1000)};
    const put = (store, record) => new Promise((resolve) => {
      const transaction = database.transaction(store, 'readwrite');
      transaction.objectStore(store).put({modelPath: 'm', modelArtifactsInfo: info, ...record});
      transaction.oncomplete = resolve;
    });
    await put('model_info_store', {});
    const half = await mirrored.sync();
    await put('models_store', {modelArtifacts: artifacts(2)});
    const whole = await mirrored.sync();
    await mirrored.stop();
    database.close();
    return {half: Object.values(half.errors).map(({name}) => name), whole: whole.up, daemon: await valueOf(there.loadModel('indexeddb://m'))};
  });
  assert.deepEqual(found, {half: ['ModelChangedError'], whole: ['indexeddb://m'], daemon: 2});
});

for (const name of ['@tensorflow/tfjs', 'tfjs-3', 'tfjs-2']) {
  test(`${name} loads, lists and removes what has come down`, async (t) => {
    const page = await newRacingPage(t, `https://${name.replace(/\W/g, '')}.example`, {}, name);
    const found = await page.evaluate(async () => {
      const model = tf.sequential({layers: [tf.layers.dense({units: 3, inputShape: [2]})]});
      await model.save('indexeddb://mine');
      await mirrored.sync();
      for (const medium of ['indexeddb', 'localstorage']) await there.copyModel('indexeddb://mine', `${medium}://theirs`);
      await mirrored.sync();
      const input = tf.tensor2d([[1, 2]]);
      const outputs = [];
      for (const url of ['indexeddb://theirs', 'localstorage://theirs']) outputs.push([...(await tf.loadLayersModel(url)).predict(input).dataSync()]);
      const listed = Object.entries(await tf.io.listModels()).map(([url, info]) => [url, info.weightDataBytes]);
      await tf.io.removeModel('indexeddb://theirs');
      await mirrored.sync();
      await mirrored.stop();
      return {expected: [...model.predict(input).dataSync()], outputs, listed, left: Object.keys(await there.listModels()).sort()};
    });
    assert.deepEqual(found.outputs, [found.expected, found.expected]);
    assert.deepEqual(new Map(found.listed), new Map([['localstorage://theirs', 36], ['indexeddb://mine', 36], ['indexeddb://theirs', 36]]));
    assert.deepEqual(found.left, ['indexeddb://mine', 'localstorage://theirs']);
  });
}

test('an import takes nothing away from the daemon, unless it is asked to', async (t) => {
  const page = await newRacingPage(t, 'https://import.example', {direction: 'up'});
  const found = await page.evaluate(async () => {
    await save('indexeddb://m', 1);
    const first = await mirrored.sync();
    await tf.io.removeModel('indexeddb://m');
    const second = await mirrored.sync();
    const kept = Object.keys(await there.listModels());
    await save('indexeddb://m', 2);
    const third = await mirrored.sync();
    mirrored.removals = true;
    await tf.io.removeModel('indexeddb://m');
    const fourth = await mirrored.sync();
    await mirrored.stop();
    return {passes: [first.up, second.removed, third.up, fourth.removed], kept, left: Object.keys(await there.listModels())};
  });
  assert.deepEqual(found, {passes: [['indexeddb://m'], [], ['indexeddb://m'], ['indexeddb://m']], kept: ['indexeddb://m'], left: []});
});

test('of many removals at once none is carried before it is approved', async (t) => {
  const page = await newRacingPage(t, 'https://emptied.example');
  const urls = ['a', 'b', 'c', 'd', 'e'].map((name) => `indexeddb://${name}`);
  const found = await page.evaluate(async (urls) => {
    for (const url of urls) await save(url, 1);
    await mirrored.sync();
    for (const url of urls) await there.removeModel(url);
    await there.saveModel('indexeddb://new', artifacts(2));
    const first = await mirrored.sync();
    await save('indexeddb://a', 3); // what is wanted after all comes back
    const second = await mirrored.sync();
    const kept = Object.keys(await tf.io.listModels()).sort();
    const approved = await mirrored.approveRemovals();
    const third = await mirrored.sync();
    await mirrored.stop();
    return {first, second, kept, approved, third, left: Object.keys(await tf.io.listModels()).sort()};
  }, urls);
  assert.deepEqual(found.first, {up: [], down: ['indexeddb://new'], removed: [], held: urls, errors: {}});
  assert.deepEqual(found.second, {up: ['indexeddb://a'], down: [], removed: [], held: urls.slice(1), errors: {}});
  assert.deepEqual(found.kept, [...urls, 'indexeddb://new']);
  assert.equal(found.approved, 4);
  assert.deepEqual(found.left, ['indexeddb://a', 'indexeddb://new']);
});

test('a model of localStorage that cannot be replaced is not lost', async (t) => {
  const page = await newRacingPage(t, 'https://narrow.example');
  const found = await page.evaluate(async () => {
    await save('localstorage://m', 1);
    await mirrored.sync();
    localStorage.setItem('fill', 'x'.repeat(5_200_000));
    await there.saveModel('localstorage://m', {...artifacts(0), weightSpecs: [{name: 'w', shape: [100_000], dtype: 'bool'}], weightData: new ArrayBuffer(100_000)});
    const {errors} = await mirrored.sync();
    await mirrored.stop();
    return {errors: Object.keys(errors), page: await here('localstorage://m')};
  });
  assert.deepEqual(found, {errors: ['localstorage://m'], page: 1});
});

test('live, of saves and removals at random times on three sides the last version of each model survives', async (t) => {
  const pages = [await newTfPage(t), await newTfPage(t, 'tfjs-2')];
  await Promise.all(pages.map(begin(15, {removalShare: 1})));
  const random = numbers(11);
  const next = (below) => Math.floor(random.next().value * below);
  const urls = ['indexeddb', 'localstorage'].flatMap((medium) => ['a', 'b', 'c', 'd'].map((name) => `${medium}://${name}`));
  const expected = {};
  const client = await newTfPage(t);
  await client.evaluate(() => (window.isDaemon = true));
  let value = 0;
  for (let round = 0; round < 6; round++) {
    const tasks = [[], [], []]; // a side each; a model is changed by one of them, several times
    for (const url of urls) {
      const changes = Array.from({length: 1 + next(3)}, () => (next(4) ? ++value : null));
      tasks[next(3)].push(...changes.map((change) => [url, change, next(40)]));
      expected[url] = changes.at(-1);
    }
    const work = async (tasks) => {
      const {Daemon} = await import(`${daemon.url}/tfjsd.js`);
      const side = window.isDaemon ? new Daemon(daemon) : null;
      for (const [url, value, delay] of tasks) {
        await new Promise((resolve) => setTimeout(resolve, delay));
        const saved = {modelTopology: {class_name: 'Model'}, weightSpecs: [{name: 'w', shape: [1], dtype: 'int32'}], weightData: new Int32Array([value]).buffer};
        if (value === null) await (side ? side.removeModel(url) : tf.io.removeModel(url)).catch(() => {}); // not there
        else await (side ? side.saveModel(url, saved) : tf.io.getSaveHandlers(url)[0].save(saved));
      }
    };
    await Promise.all([...pages, client].map((page, index) => page.evaluate(work, tasks[index])));
    for (const page of [...pages, ...pages]) assert.deepEqual((await page.evaluate(() => mirrored.sync())).errors, {});
    const wanted = Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== null).sort()
      .map(([url, value]) => [url, [...new Uint8Array(new Int32Array([value]).buffer)].join()]));
    assert.deepEqual(await daemons(), wanted);
    for (const page of pages) assert.deepEqual(await own(page), wanted);
  }
  for (const page of pages) assert.deepEqual(await page.evaluate(async () => (await mirrored.stop(), errors)), []);
});
