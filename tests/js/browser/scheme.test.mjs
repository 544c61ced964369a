// `/tfjsd.js` in a page of a listed origin: the scheme tfjsd:// and the managers of tf.io.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {given, models, newPage, newTfPage, VERSIONS} from './chromium.mjs';

test('a page that is not listed, and one that finds no daemon, are told what to look at', async (t) => {
  const page = await newTfPage(t);
  const module = `${given.url}/tfjsd.js`;
  const told = await page.evaluate(async (module) => {
    const {Daemon} = await import(module);
    const error = await new Daemon({url: 'http://127.0.0.1:9', token: 'x'}).listModels().catch((error) => error);
    return [error.name, error.status, error.message, error.hint];
  }, module);
  assert.deepEqual(told, ['DaemonUnavailableError', 0, 'The daemon at http://127.0.0.1:9 does not answer.', `is it running, and is ${given.site} listed in its access.origins?`]);
  const stranger = await newPage(t, given.site.replace('localhost', '127.0.0.1'));
  const source = await (await fetch(module)).text();
  const said = await stranger.evaluate(async ([source, url, token]) => {
    const {Daemon} = await import(URL.createObjectURL(new Blob([source], {type: 'text/javascript'})));
    return new Daemon({url, token}).listModels().then(() => 'listed', (error) => `${error.name} ${error.hint}`);
  }, [source, given.url, given.token]);
  assert.match(said, /^DaemonUnavailableError is it running, and is http:\/\/127\.0\.0\.1:\d+ listed/);
});

for (const [version, name] of Object.entries(VERSIONS)) {
  test(`TensorFlow.js ${version} saves, lists, copies, moves and removes across page and daemon`, async (t) => {
    const page = await newTfPage(t, name);
    const found = await page.evaluate(async (version) => {
      const {register} = await import(`${daemon.url}/tfjsd.js`);
      const tfjsd = register(tf, daemon);
      const at = (medium, path) => `tfjsd://${medium}/${version}/${path}`;
      const made = model(3);
      await made.save(at('indexeddb', 'ä/b c'));
      await made.save('localstorage://own');
      const again = await tf.loadLayersModel(at('indexeddb', 'ä/b c'));
      const input = tf.tensor2d([[1, -2]]);
      await tf.io.copyModel(at('indexeddb', 'ä/b c'), 'indexeddb://from daemon');
      await tf.io.copyModel('localstorage://own', at('localstorage', 'from page'));
      await tf.io.moveModel(at('localstorage', 'from page'), at('indexeddb', 'moved'));
      await tf.io.moveModel('localstorage://own', at('localstorage', 'gone over'));
      await tf.io.removeModel(at('indexeddb', 'moved'));
      const listed = Object.keys(await tf.io.listModels()).filter((url) => !url.startsWith('tfjsd') || url.includes(version));
      return {
        listed: listed.sort(),
        equal: String(made.predict(input).dataSync()) === String(again.predict(input).dataSync()),
        missing: await attempt(tf.loadLayersModel(at('indexeddb', 'none'))),
        replaced: tfjsd.replaced,
      };
    }, version);
    assert.deepEqual(found.listed, ['indexeddb://from daemon', `tfjsd://indexeddb/${version}/ä/b c`, `tfjsd://localstorage/${version}/gone over`]);
    assert.ok(found.equal && found.replaced);
    assert.match(found.missing, /^ModelNotFoundError: Cannot find model/);
    const own = Object.keys(await models()).filter((url) => url.includes(version));
    assert.deepEqual(own.sort(), [`indexeddb://${version}/ä/b c`, `localstorage://${version}/gone over`]);
  });
}

test('refusals are the daemon’s and say what is wrong', async (t) => {
  const page = await newTfPage(t);
  const told = await page.evaluate(async () => {
    const {register} = await import(`${daemon.url}/tfjsd.js`);
    register(tf, daemon);
    const large = tf.sequential({layers: [tf.layers.dense({units: 1200, inputShape: [1200]})]});
    return {
      missing: await attempt(tf.io.removeModel('tfjsd://indexeddb/none')),
      large: await large.save('tfjsd://localstorage/big').catch(({name, message, unit, needed, limit}) => ({name, message, unit, fits: needed <= limit})),
      twice: await attempt((async () => register(tf, daemon))()),
    };
  });
  assert.match(told.missing, /^ModelNotFoundError: Cannot find model/);
  assert.match(told.large.message, /^Failed to save model 'big' to local storage/);
  assert.deepEqual([told.large.name, told.large.unit, told.large.fits], ['QuotaExceededError', 'utf16', false]);
  assert.match(told.twice, /registered with this TensorFlow.js already/);
});

test('the daemon’s localStorage as promises, lone surrogates and all', async (t) => {
  const page = await newTfPage(t);
  const found = await page.evaluate(async () => {
    const {localStorage} = (await import(`${daemon.url}/tfjsd.js`)).register(tf, {...daemon, origin: 'https://promised.example'});
    await localStorage.setItem('k', 'v\ud800');
    await localStorage.setItem('l', 3);
    const before = [await localStorage.getItem('k'), await localStorage.getItem('none'), await localStorage.length(), await localStorage.keys(), await localStorage.key(0)];
    await localStorage.removeItem('l');
    const rest = await localStorage.length();
    await localStorage.clear();
    return [...before, rest, await localStorage.length()];
  });
  const [value, none, length, keys, key, rest, cleared] = found;
  assert.deepEqual([value, none, length, rest, cleared], ['v\ud800', null, 2, 1, 0]);
  assert.deepEqual([keys.sort(), keys.includes(key)], [['k', 'l'], true]);
});

test('where a bundler has made tf.io unwritable, the functions that are returned know both', async (t) => {
  const page = await newTfPage(t);
  const found = await page.evaluate(async () => {
    const {register} = await import(`${daemon.url}/tfjsd.js`);
    const bundled = Object.freeze({...tf, io: Object.freeze({...tf.io})});
    const tfjsd = register(bundled, {...daemon, origin: 'https://bundled.example'});
    await model(3).save('tfjsd://indexeddb/m');
    await model(2).save('localstorage://own');
    const params = (await bundled.loadLayersModel('tfjsd://indexeddb/m')).countParams();
    await tfjsd.copyModel('tfjsd://indexeddb/m', 'indexeddb://copied');
    await tfjsd.moveModel('localstorage://own', 'tfjsd://indexeddb/moved');
    await tfjsd.removeModel('tfjsd://indexeddb/m');
    return {replaced: tfjsd.replaced, params, all: Object.keys(await tfjsd.listModels()).sort(), own: Object.keys(await bundled.io.listModels())};
  });
  assert.deepEqual(found, {replaced: false, params: 9, all: ['indexeddb://copied', 'tfjsd://indexeddb/moved'], own: ['indexeddb://copied']});
});
