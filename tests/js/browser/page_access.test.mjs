// The daemon's page for people who do not use a mouse or do not see it: by keyboard alone, by what a screen reader is
// told, and by axe-core's rules, light and dark.

import assert from 'node:assert/strict';
import {createRequire} from 'node:module';
import {test} from 'node:test';
import {ask, given, models, newDaemonPage, newPage} from './chromium.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

async function save(url, units) {
  const [medium, path] = url.split('://');
  const layers = [
    {class_name: 'InputLayer', config: {name: 'in', batch_input_shape: [null, 4]}},
    {class_name: 'Dense', config: {name: 'd', units, activation: 'relu'}},
  ];
  const weightSpecs = [{name: 'd/kernel', shape: [4, units], dtype: 'float32'}];
  const header = Buffer.from(JSON.stringify({modelTopology: {class_name: 'Sequential', config: {layers}}, weightSpecs, weightDataBytes: 16 * units}));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const weights = Buffer.from(Float32Array.from({length: 4 * units}, (_, index) => index / units - 2).buffer);
  const headers = {Authorization: `Bearer ${given.token}`, 'Content-Type': 'application/vnd.tfjsd.model'};
  const answer = await fetch(`${given.url}/v1/models/${medium}/${encodeURIComponent(path)}`, {method: 'PUT', headers, body: Buffer.concat([length, header, weights])});
  assert.equal(answer.status, 200);
}

async function fill() {
  await save('indexeddb://first', 3);
  await save('localstorage://second/größe', 2);
  await ask('POST', '/v1/local-storage?origin=https%3A%2F%2Fapp.example', {op: 'setItem', key: 'k', value: 'v'});
}

async function violations(page) {
  // The page's policy allows no script of others: a debugger's evaluation may run all the same.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await (await import('node:fs/promises')).readFile(AXE, 'utf8'));
  const {violations: found, passes} = await page.evaluate(() => axe.run(document));
  assert.ok(passes.length > 10);
  return found.map(({id, nodes}) => `${id}: ${nodes.map(({html, failureSummary}) => `${html} ${failureSummary}`).join('; ')}`);
}

const openByKeyboard = async (page, name) => {
  await page.getByRole('button', {name, exact: true}).focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('.weights svg');
};

for (const colorScheme of ['light', 'dark']) {
  test(`axe-core finds nothing, ${colorScheme}: list, model, dialogs, conflict, narrow, empty, closed`, async (t) => {
    await fill();
    const page = await newDaemonPage(t, {colorScheme, reducedMotion: 'reduce'});
    const found = {};
    const look = async (name) => (found[name] = await violations(page));
    await look('list');
    await openByKeyboard(page, 'first');
    await look('model');
    await page.getByRole('button', {name: 'Copy… indexeddb://first'}).press('Enter');
    await page.getByRole('dialog').waitFor();
    await look('copy');
    await page.keyboard.press('Escape');
    await page.getByRole('button', {name: 'Remove… indexeddb://first'}).press('Enter');
    await look('remove');
    await page.keyboard.press('Escape');
    await page.setViewportSize({width: 390, height: 800});
    await look('narrow');
    await page.setViewportSize({width: 1280, height: 800});
    await page.getByLabel('Find').fill('nothing has this name');
    await look('empty');
    await page.route('**/v1/sync', (route) => route.fulfill({json: {
      work: {state: 'waiting', directory: '/srv/models', prefix: 'indexeddb://', direction: 'both', models: {known: 1}, conflicts: ['digits'], held: ['a', 'b']},
      broken: {state: 'stopped', error: 'the directory is not there', directory: '/gone', prefix: 'indexeddb://', direction: 'in', models: {known: 0}},
    }}));
    await page.reload();
    await page.getByRole('button', {name: 'Keep both: digits in work'}).waitFor();
    await look('conflict');
    await page.evaluate(() => sessionStorage.setItem('tfjsd-token', 'old'));
    await page.reload();
    await page.getByLabel('Token').waitFor();
    await look('closed');
    assert.deepEqual(found, Object.fromEntries(Object.keys(found).map((name) => [name, []])));
    assert.equal(Object.keys(found).length, 8);
  });
}

test('axe-core would find a fault: the negative control', async (t) => {
  const page = await newDaemonPage(t);
  await page.evaluate(() => document.querySelector('label[for=find], .find').replaceWith(Object.assign(document.createElement('input'), {id: 'find'})));
  assert.match((await violations(page)).join(), /^label/);
});

/** Presses Tab until what has the focus has this name; fails after a round of the page. */
async function tabTo(page, name, key = 'Tab') {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press(key);
    const focused = await page.evaluate(() => {
      const one = document.activeElement;
      return one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent.trim() ?? one.textContent.trim();
    });
    if (focused === name || (name instanceof RegExp && name.test(focused))) return;
  }
  throw new Error(`Tab does not reach ${name}`);
}

test('by keyboard alone: another origin, sort, find, open, copy, move, remove, close', async (t) => {
  await fill();
  const page = await newDaemonPage(t);
  await tabTo(page, /^https:\/\/app\.example/);
  await page.keyboard.press('Enter');
  await page.locator('#origin').getByText('https://app.example').waitFor();
  await tabTo(page, /^http:\/\/localhost/, 'Shift+Tab');
  await page.keyboard.press(' ');
  await page.getByRole('button', {name: 'first', exact: true}).waitFor();
  await tabTo(page, 'Name');
  await page.keyboard.press('Enter');
  assert.deepEqual(await page.locator('tbody .open').allInnerTexts(), ['first', 'second/größe']);
  await page.keyboard.press('/');
  await page.keyboard.type('fir');
  assert.deepEqual(await page.locator('tbody .open').allInnerTexts(), ['first']);
  await tabTo(page, 'first');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.weights svg');
  await tabTo(page, 'Copy… indexeddb://first');
  await page.keyboard.press('Enter');
  await page.keyboard.type('first/copied');
  await page.keyboard.press('Enter');
  await page.getByRole('button', {name: 'first/copied', exact: true}).waitFor();
  await tabTo(page, 'Move… indexeddb://first');
  await page.keyboard.press('Enter');
  await page.keyboard.type('first/moved');
  await page.keyboard.press('Enter');
  await page.getByRole('button', {name: 'first/moved', exact: true}).waitFor();
  await page.keyboard.press('Escape');
  await tabTo(page, 'first/moved');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Remove… indexeddb://first/moved');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Remove');
  await page.keyboard.press('Enter');
  await page.getByRole('button', {name: 'first/moved', exact: true}).waitFor({state: 'detached'});
  await tabTo(page, 'first/copied');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.weights svg');
  await tabTo(page, 'Close');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'first/copied');
  assert.deepEqual(Object.keys(await models()).sort(), ['indexeddb://first/copied', 'localstorage://second/größe']);
  assert.deepEqual([...page.hosts], [given.url]);
});

test('what a screen reader is told', async (t) => {
  await ask('DELETE', '/v1/models/indexeddb/first%2Fcopied');
  await fill();
  const page = await newDaemonPage(t);
  await openByKeyboard(page, 'first');
  const told = await page.locator('body').ariaSnapshot();
  for (const line of [
    '- link "Skip to the models"',
    '- heading "tfjsd" [level=1]',
    '- navigation "Origins"',
    /- button "http:\/\/localhost 2 models Storage .* of .* localStorage .* of 5.2M"/,
    /- table "2 models, .*"/,
    '- columnheader "Name"',
    '- button "second/größe"',
    '- cell "localStorage"',
    '- complementary "Model"',
    '- heading "indexeddb://first" [level=2]',
    '- button "Remove… indexeddb://first"',
    'img "2 layers: InputLayer in, Dense d"',
    /img "Distribution of d\/kernel: from -2 to 1.67, mean .*, standard deviation .*"/,
    '- status: live',
  ]) assert.ok(line instanceof RegExp ? line.test(told) : told.includes(line), `${line} is not in\n${told}`);
  await page.keyboard.press('Escape');
  await save('indexeddb://heard', 1);
  await page.getByRole('button', {name: 'heard', exact: true}).click();
  await page.getByRole('button', {name: 'Copy… indexeddb://heard'}).press('Enter');
  await page.getByRole('button', {name: 'Copy', exact: true}).press('Enter');
  await page.getByRole('status').getByText('Copied indexeddb://heard to indexeddb://heard copy').waitFor();
});

test('a code that has been used leads to the question for the token', async (t) => {
  const {body: {url, code}} = await ask('POST', '/v1/page/code');
  await newPage(t, `${url}#${code}`).then((page) => page.waitForSelector('#live[data-state=on]'));
  const late = await newPage(t, `${url}#${code}`);
  await late.getByLabel('Token').fill(given.token);
  await late.keyboard.press('Enter');
  await late.waitForSelector('#live[data-state=on]');
});

test('what is saved meanwhile takes the keyboard’s place away from nobody', async (t) => {
  await fill();
  const page = await newDaemonPage(t);
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  await tabTo(page, 'Weights');
  await save('indexeddb://meanwhile', 5);
  await page.getByRole('button', {name: 'meanwhile', exact: true}).waitFor();
  assert.equal(await focused(), 'Weights');
  await tabTo(page, 'first');
  await save('indexeddb://meanwhile too', 5);
  await page.getByRole('button', {name: 'meanwhile too', exact: true}).waitFor();
  assert.equal(await focused(), 'first');
});

test('a model is in sight once it is opened, however long the list and narrow the window', async (t) => {
  for (let number = 0; number < 60; number++) await save(`indexeddb://many/${number}`, 1);
  for (const size of [{width: 1500, height: 700}, {width: 1100, height: 700}, {width: 380, height: 700}]) {
    const page = await newDaemonPage(t, {viewport: size});
    await page.getByRole('button', {name: 'many/1', exact: true}).click();
    await page.waitForSelector('.weights svg');
    const box = await page.getByRole('heading', {name: 'indexeddb://many/1', exact: true}).boundingBox();
    assert.ok(box.y >= 0 && box.y + box.height < size.height, JSON.stringify({size, box}));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1));
  }
});
