// `mirror`: pages of two browser profiles and one daemon converge.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {ask, newTfPage} from './chromium.mjs';
import {begin, daemons, numbers, own} from './mirrored.mjs';

async function change(page, url, random) {
  const [medium, path] = url.split('://');
  if (page === null) await ask('DELETE', `/v1/models/${medium}/${path}`);
  else if (random < 0.65) await page.evaluate(([url, units]) => model(units).save(url), [url, 1 + Math.floor(random * 13)]);
  else await page.evaluate((url) => attempt(tf.io.removeModel(url)), url);
}

/** Waits until the page's own models of these tests are the named ones. (waitForFunction takes a promise for true.) */
async function holds(page, names) {
  const listed = async () => Object.keys(await page.evaluate(() => tf.io.listModels())).filter((url) => url.startsWith('indexeddb://live'));
  while ((await listed()).sort().join() !== names.join()) await page.waitForTimeout(20);
}

test('two profiles and a daemon converge after random saves and removals on all three', async (t) => {
  const pages = [await newTfPage(t), await newTfPage(t, 'tfjs-3')];
  await Promise.all(pages.map(begin(100_000)));
  const random = numbers(7);
  const next = () => random.next().value;
  const urls = ['indexeddb', 'localstorage'].flatMap((medium) => ['a', 'b', 'c'].map((name) => `${medium}://${name}`));
  for (let round = 0; round < 6; round++) {
    for (let step = 0; step < 4; step++) {
      await change([...pages, null][Math.floor(next() * 3)], urls[Math.floor(next() * urls.length)], next());
    }
    for (const page of [...pages, ...pages]) assert.deepEqual((await page.evaluate(() => mirrored.sync())).errors, {});
    const there = await daemons();
    for (const page of pages) assert.deepEqual(await own(page), there);
  }
  for (const page of pages) await page.evaluate(() => mirrored.stop());
});

test('two tabs of one profile mirror the same storage without getting in each other’s way', async (t) => {
  const first = await newTfPage(t);
  const second = await newTfPage(t, undefined, first.context());
  await Promise.all([first, second].map(begin(30)));
  for (let turn = 0; turn < 6; turn++) {
    await first.evaluate((turn) => model(1 + turn).save('indexeddb://tabs'), turn);
    await second.evaluate((turn) => model(2 + turn).save(`localstorage://tabs${turn}`), turn);
  }
  for (const page of [first, second]) assert.deepEqual((await page.evaluate(() => mirrored.sync())).errors, {});
  assert.deepEqual(await own(first), await daemons());
  for (const page of [first, second]) assert.deepEqual(await page.evaluate(async () => (await mirrored.stop(), errors)), []);
});

test('one import of all that a page holds, under a prefix; what is removed there stays here', async (t) => {
  const page = await newTfPage(t);
  const reports = await page.evaluate(async () => {
    const {mirror} = await import(`${daemon.url}/tfjsd.js`);
    for (const name of ['a', 'b/c']) await model(2).save(`indexeddb://${name}`);
    await model(3).save('localstorage://d');
    const mirrored = mirror(tf, {...daemon, origin: 'https://laptop.example', direction: 'up', prefix: 'laptop/', interval: 100_000});
    const first = await mirrored.sync();
    await mirrored.daemon.removeModel('indexeddb://laptop/a');
    const second = await mirrored.sync();
    const there = Object.keys(await mirrored.daemon.listModels());
    await mirrored.stop();
    return {first, second, there};
  });
  assert.deepEqual(reports.first.up.sort(), ['indexeddb://a', 'indexeddb://b/c', 'localstorage://d']);
  assert.deepEqual(reports.second, {up: [], down: [], removed: [], held: [], errors: {}});
  assert.deepEqual(reports.there.sort(), ['indexeddb://laptop/b/c', 'localstorage://laptop/d']);
});

test('a model that does not fit is reported, the others go on', async (t) => {
  const page = await newTfPage(t);
  const report = await page.evaluate(async () => {
    const {Daemon, mirror} = await import(`${daemon.url}/tfjsd.js`);
    const options = {...daemon, origin: 'https://full.example'};
    const there = new Daemon(options);
    const weightData = new ArrayBuffer(4_000_000);
    const large = {modelTopology: {class_name: 'Model'}, weightSpecs: [{name: 'w', shape: [4_000_000], dtype: 'bool'}], weightData};
    await there.saveModel('indexeddb://large', large);
    await localStorage.setItem('fill', 'x'.repeat(5_000_000));
    await model(1).save('indexeddb://small');
    await there.saveModel('localstorage://does not fit', {...large, weightSpecs: [{name: 'w', shape: [300_000], dtype: 'bool'}], weightData: weightData.slice(0, 300_000)});
    const mirrored = mirror(tf, {...options, interval: 100_000});
    const report = await mirrored.sync();
    await mirrored.stop();
    return {...report, errors: Object.keys(report.errors)};
  });
  assert.deepEqual(report, {up: ['indexeddb://small'], down: ['indexeddb://large'], removed: [], held: [], errors: ['localstorage://does not fit']});
});

test('live, without a word from anybody, and on both sides at once', async (t) => {
  const pages = [await newTfPage(t), await newTfPage(t)];
  await Promise.all(pages.map(begin(100)));
  await Promise.all(pages.map((page, index) => page.evaluate((name) => model(2).save(`indexeddb://live ${name}`), index)));
  for (const page of pages) await holds(page, ['indexeddb://live 0', 'indexeddb://live 1']);
  await pages[0].evaluate(() => tf.io.removeModel('indexeddb://live 1'));
  await holds(pages[1], ['indexeddb://live 0']);
  await ask('POST', '/v1/models/copy', {source: 'indexeddb://live 0', dest: 'indexeddb://live 2'});
  for (const page of pages) await holds(page, ['indexeddb://live 0', 'indexeddb://live 2']);
  await ask('DELETE', '/v1/models/indexeddb/live%200');
  for (const page of pages) await holds(page, ['indexeddb://live 2']);
  for (const page of pages) assert.deepEqual(await page.evaluate(async () => (await mirrored.stop(), errors)), []);
});
