// The daemon's page takes models from a person's disk: chosen, dropped, whole folders.

import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {after, afterEach, test} from 'node:test';
import {ask, given, models, newDaemonPage} from './chromium.mjs';

const place = mkdtempSync(join(tmpdir(), 'tfjsd-'));
after(() => rmSync(place, {recursive: true}));

/** A model of one shard per number of weights; the paths of its files. */
function files(path, shards, json = 'model.json') {
  const directory = join(place, path);
  mkdirSync(directory, {recursive: true});
  const names = shards.map((_, index) => `group1-shard${index + 1}of${shards.length}.bin`);
  const weights = [{name: 'w', shape: [shards.reduce((sum, size) => sum + size, 0)], dtype: 'uint8'}];
  const content = {modelTopology: {class_name: 'Model'}, format: 'layers-model', weightsManifest: [{paths: names, weights: [{...weights[0], dtype: 'bool'}]}]};
  writeFileSync(join(directory, json), JSON.stringify(content));
  names.forEach((name, index) => writeFileSync(join(directory, name), Buffer.alloc(shards[index], index + 1)));
  return [json, ...names].map((name) => join(directory, name));
}

const expected = (shards) => shards.flatMap((size, index) => new Array(size).fill(index + 1));

async function weightsOf(url) {
  const [medium, path] = url.split('://');
  const headers = {Authorization: `Bearer ${given.token}`};
  const answer = await fetch(`${given.url}/v1/models/${medium}/${encodeURIComponent(path)}/weights.bin`, {headers});
  return [...new Uint8Array(await answer.arrayBuffer())];
}

const empty = async () => {
  for (const url of Object.keys(await models())) await ask('DELETE', `/v1/models/indexeddb/${encodeURIComponent(url.slice(12))}`);
};
afterEach(empty);

/** What a desktop does: the pointer enters with files, moves, and lets go. */
async function drop(page, paths) {
  const session = await page.context().newCDPSession(page);
  const data = {items: [], files: paths, dragOperationsMask: 1};
  for (const type of ['dragEnter', 'dragOver']) await session.send('Input.dispatchDragEvent', {type, x: 500, y: 300, data});
  await page.waitForSelector('body.dropping');
  await session.send('Input.dispatchDragEvent', {type: 'drop', x: 500, y: 300, data});
  await page.waitForSelector('body:not(.dropping)');
}

const told = (page, text) => page.getByText(text).waitFor();

test('files are dropped', async (t) => {
  const page = await newDaemonPage(t);
  const [json, first, second] = files('one', [10, 300_000], 'two shards.json');
  await drop(page, [json, second, first]);
  await told(page, 'Uploaded indexeddb://two shards');
  await page.getByRole('button', {name: 'two shards', exact: true}).waitFor();
  assert.deepEqual(await weightsOf('indexeddb://two shards'), expected([10, 300_000]));
  await drop(page, [json, second, first]);
  await page.locator('#says.bad').getByText('already. – remove it first').waitFor();
  await drop(page, [json, first]);
  await told(page, 'two shards.json needs these files as well: group1-shard2of2.bin');
  await drop(page, [second]);
  await told(page, 'There is no model.json among these files.');
  assert.deepEqual(Object.keys(await models()), ['indexeddb://two shards']);
});

test('a directory is dropped, with directories in it and other files beside the models', async (t) => {
  const page = await newDaemonPage(t);
  files('zoo/digits', [7]);
  files('zoo/nested/ünï', [5, 6]);
  files('zoo', [9], 'flat.json');
  writeFileSync(join(place, 'zoo', 'package.json'), '{"name": "no model"}');
  writeFileSync(join(place, 'zoo', 'digits', 'notes.txt'), 'read me');
  for (let index = 0; index < 120; index++) writeFileSync(join(place, 'zoo', `other${index}`), '');
  await drop(page, [join(place, 'zoo')]);
  await told(page, /^Uploaded /);
  assert.deepEqual(Object.keys(await models()).sort(), ['indexeddb://zoo/digits', 'indexeddb://zoo/flat', 'indexeddb://zoo/nested/ünï']);
  assert.deepEqual(await weightsOf('indexeddb://zoo/nested/ünï'), expected([5, 6]));
  assert.deepEqual(await weightsOf('indexeddb://zoo/digits'), expected([7]));
});

test('files and a folder are chosen', async (t) => {
  const page = await newDaemonPage(t);
  const paths = files('picked', [20]);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByText('Upload…', {exact: true}).click()]);
  await chooser.setFiles(paths);
  await told(page, 'Uploaded indexeddb://model');
  const [folder] = await Promise.all([page.waitForEvent('filechooser'), page.getByText('Upload a folder…').click()]);
  await folder.setFiles(dirname(paths[0]));
  await told(page, `Uploaded indexeddb://${basename(dirname(paths[0]))}`);
  assert.deepEqual(await weightsOf('indexeddb://picked'), expected([20]));
  assert.deepEqual(Object.keys(await models()).sort(), ['indexeddb://model', 'indexeddb://picked']);
});

test('a name is dragged onto another origin', async (t) => {
  const page = await newDaemonPage(t);
  await drop(page, files('dragged', [30]));
  await page.getByRole('button', {name: 'model', exact: true}).waitFor();
  await ask('POST', '/v1/local-storage?origin=https%3A%2F%2Fapp.example', {op: 'setItem', key: 'k', value: 'v'});
  await page.reload();
  const other = page.getByRole('navigation').getByRole('button', {name: 'https://app.example'});
  await page.getByRole('button', {name: 'model', exact: true}).dragTo(other);
  await told(page, 'Copied indexeddb://model to https://app.example');
  const there = await ask('GET', '/v1/models?origin=https%3A%2F%2Fapp.example');
  assert.deepEqual(Object.keys(there.body), ['indexeddb://model']);
  assert.deepEqual([...page.hosts], [given.url]);
});
