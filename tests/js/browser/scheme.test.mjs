// `/tfjsd.js` in a page of a listed origin: the scheme tfjsd:// and the managers of tf.io.

import assert from 'node:assert/strict';
import {test} from 'node:test';
import {models, newTfPage, VERSIONS} from './chromium.mjs';

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
