// The page: origins, their models, and what can be done with them. What it shows, it asks the daemon for.

import {Daemon} from '/tfjsd.js';
import {age, count, element, find, size} from '/page/elements.js';
import {ofDrop, ofInput} from '/page/chosen_files.js';
import {modelsOf, download} from '/page/model_files.js';
import {showModel} from '/page/model_view.js';
import {showPairs} from '/page/sync_pairs.js';

const TOKEN = 'tfjsd-token';
const NAMES = {indexeddb: 'IndexedDB', localstorage: 'localStorage'};
const COLUMNS = [
  {key: 'url', title: 'Name', of: ([url]) => url},
  {key: 'topology', title: 'Topology', of: ([, info]) => info.modelTopologyBytes ?? 0, size: true},
  {key: 'weights', title: 'Weights', of: ([, info]) => info.weightDataBytes ?? 0, size: true},
  {key: 'saved', title: 'Saved', of: ([, info]) => info.dateSaved.getTime() || 0},
];

/** Where the daemon's own hint is for the command line. */
const HINTS = {ModelExistsError: 'remove it first, or take another name'};

const state = {token: null, origin: null, origins: {}, models: {}, sort: 'saved', descending: true, chosen: null, listening: null};

const daemonOf = (origin) => new Daemon({url: location.origin, token: state.token, origin});
const here = () => daemonOf(state.origin);
const split = (url) => url.split(/:\/\/(.*)/s, 2);

function say(text, bad = false) {
  find('says').textContent = text;
  find('says').classList.toggle('bad', bad);
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (find('says').textContent = ''), bad ? 9000 : 4000);
}

/** Runs what a person asked for, and tells how it went. */
async function attempt(work, done) {
  try {
    const result = await work();
    if (done) say(typeof done === 'function' ? done(result) : done);
    return result;
  } catch (error) {
    if (error.status === 401) close();
    else say([error.message, HINTS[error.name] ?? error.hint].filter(Boolean).join(' – '), true);
    return undefined;
  }
}

// -- getting in ---------------------------------------------------------------------------------------------------------

async function tokenFromCode() {
  const code = location.hash.slice(1);
  if (!code) return sessionStorage.getItem(TOKEN);
  history.replaceState(null, '', '/');
  const answer = await fetch('/v1/page/session', {method: 'POST', body: JSON.stringify({code})});
  return answer.ok ? (await answer.json()).token : sessionStorage.getItem(TOKEN);
}

function close() {
  sessionStorage.removeItem(TOKEN);
  state.token = null;
  state.listening?.abort();
  find('open').hidden = true;
  find('closed').hidden = false;
  find('token').focus();
}

async function enter(token) {
  state.token = token;
  const status = await attempt(() => daemonOf().json('GET', '/v1/status'));
  if (!status) {
    close();
    return;
  }
  sessionStorage.setItem(TOKEN, token);
  find('closed').hidden = true;
  find('open').hidden = false;
  find('daemon').textContent = `${status.home} · ${status.browser} · tfjsd ${status.version}`;
  await attempt(refreshOrigins);
  await choose(Object.keys(state.origins)[0] ?? 'http://localhost');
}

// -- origins --------------------------------------------------------------------------------------------------------------

/** The bar is for the eye; the words beside it say the same. */
function meter(used, limit, text) {
  const share = limit ? Math.min(1, used / limit) : 0;
  const bar = element('i');
  bar.style.width = `${share * 100}%`;
  return [element('span', {class: share > 0.9 ? 'meter full' : 'meter', 'aria-hidden': 'true'}, bar), element('small', {}, text)];
}

function originButton(name, estimate) {
  const {usage, quota, localStorage: area} = estimate;
  const button = element('button', {type: 'button', 'aria-current': String(name === state.origin), onclick: () => choose(name)},
    element('span', {class: 'name'}, name),
    meter(usage, quota, `${size(usage)} of ${size(quota)}${estimate.models == null ? '' : ` · ${count(estimate.models)} models`}`),
    area.quota == null ? null : meter(area.usage, area.quota, `localStorage ${count(area.usage)} of ${count(area.quota)}`));
  button.addEventListener('dragover', (event) => {
    if (!event.dataTransfer.types.includes('text/x-tfjsd')) return;
    event.preventDefault();
    button.classList.add('over');
  });
  button.addEventListener('dragleave', () => button.classList.remove('over'));
  button.addEventListener('drop', (event) => {
    button.classList.remove('over');
    const url = event.dataTransfer.getData('text/x-tfjsd');
    if (!url || name === state.origin) return;
    event.preventDefault();
    attempt(() => transfer('copy', url, name, url), `Copied ${url} to ${name}`);
  });
  return element('li', {}, button);
}

async function refreshOrigins() {
  state.origins = await daemonOf().json('GET', '/v1/origins');
  const shown = {...state.origins};
  if (state.origin && !(state.origin in shown)) shown[state.origin] = await here().json('GET', '/v1/estimate');
  const focused = document.activeElement?.closest?.('nav li') ? [...find('origins').children].indexOf(document.activeElement.closest('li')) : -1;
  find('origins').replaceChildren(...Object.entries(shown).map(([name, estimate]) => originButton(name, estimate)));
  if (focused >= 0) find('origins').children[focused]?.querySelector('button').focus();
  find('known-origins').replaceChildren(...Object.keys(shown).map((name) => element('option', {value: name})));
  await showPairs(find('pairs'), daemonOf(), attempt);
}

async function choose(origin) {
  if (state.origin !== origin) showNone();
  state.origin = origin;
  find('origin').textContent = origin;
  await attempt(refresh);
  listen();
}

async function refresh() {
  state.models = await here().listModels();
  await refreshOrigins();
  draw();
  if (state.chosen && !(state.chosen in state.models)) showNone();
}

// -- models ---------------------------------------------------------------------------------------------------------------

const action = (label, url, run, kind) =>
  element('button', {type: 'button', class: kind, 'aria-label': `${label} ${url}`, onclick: run}, label);

function rowOf([url, info]) {
  const [medium, path] = split(url);
  const opener = element('button', {type: 'button', class: 'open', onclick: () => show(url)}, path);
  const drag = (event) => {
    event.dataTransfer.setData('text/x-tfjsd', url);
    event.dataTransfer.effectAllowed = 'copy';
  };
  return element('tr', {class: url === state.chosen ? 'chosen' : null, 'data-url': url, draggable: 'true', ondragstart: drag},
    element('td', {}, opener, element('span', {class: 'medium'}, NAMES[medium] ?? medium)),
    element('td', {class: 'size topology'}, size(info.modelTopologyBytes)),
    element('td', {class: 'size'}, size(info.weightDataBytes)),
    element('td', {}, age(info.dateSaved)));
}

function headOf({key, title, size: numeric}) {
  const sorted = state.sort === key ? (state.descending ? 'descending' : 'ascending') : 'none';
  const sort = () => {
    state.descending = state.sort === key ? !state.descending : key !== 'url';
    state.sort = key;
    draw();
    document.querySelector(`th[data-key=${key}] button`).focus();
  };
  return element('th', {scope: 'col', class: `col-${key}${numeric ? ' size' : ''}`, 'aria-sort': sorted, 'data-key': key}, element('button', {type: 'button', onclick: sort}, title));
}

function draw() {
  const wanted = find('find').value.toLowerCase();
  const {of} = COLUMNS.find(({key}) => key === state.sort);
  const way = state.descending ? -1 : 1;
  const all = Object.entries(state.models);
  const rows = all.filter(([url]) => url.toLowerCase().includes(wanted)).sort((a, b) => (of(a) < of(b) ? -way : of(a) > of(b) ? way : 0));
  const focused = document.activeElement?.closest?.('tr')?.dataset.url;
  const bytes = all.reduce((sum, [, info]) => sum + (info.weightDataBytes ?? 0) + (info.modelTopologyBytes ?? 0), 0);
  const table = element('table', {},
    element('caption', {}, `${count(all.length)} ${all.length === 1 ? 'model' : 'models'}, ${size(bytes)}`),
    element('thead', {}, element('tr', {}, COLUMNS.map(headOf))),
    element('tbody', {}, rows.map(rowOf)));
  const empty = element('p', {class: 'empty'}, all.length ? 'No name matches.' : 'No models in this origin yet. Upload one, or save one from TensorFlow.js.');
  find('list').replaceChildren(rows.length ? table : empty);
  if (focused) [...document.querySelectorAll('tr')].find((row) => row.dataset.url === focused)?.querySelector('.open').focus();
}

function showNone() {
  state.chosen = null;
  find('model').hidden = true;
  find('open').classList.remove('with-model');
  draw();
}

async function show(url) {
  state.chosen = url;
  draw();
  const tools = element('p', {class: 'row'},
    action('Copy…', url, () => place('copy', url)),
    action('Move…', url, () => place('move', url)),
    action('Download', url, () => attempt(async () => download(split(url)[1], await here().loadModel(url)))),
    action('Remove…', url, () => remove(url), 'danger'));
  const closing = element('button', {type: 'button', 'aria-label': 'Close', onclick: () => {
    showNone();
    [...document.querySelectorAll('tr')].find((row) => row.dataset.url === url)?.querySelector('.open').focus();
  }}, '✕');
  find('model').hidden = false;
  find('open').classList.add('with-model');
  find('model').replaceChildren(
    element('div', {class: 'head'}, element('h2', {class: 'name'}, url), closing), tools);
  find('model').focus({preventScroll: true});
  const drawn = await attempt(() => showModel(here(), url, state.models[url]));
  if (drawn && state.chosen === url) find('model').append(...drawn);
}

// -- what can be done -----------------------------------------------------------------------------------------------------

async function transfer(way, url, origin, dest) {
  if (origin === state.origin) return way === 'copy' ? here().copyModel(url, dest) : here().moveModel(url, dest);
  const [info, artifacts] = [state.models[url], await here().loadModel(url)];
  const saved = await daemonOf(origin).saveModel(dest, artifacts, {overwrite: '0'});
  if (way === 'move') await here().removeModel(url, {expected: info});
  return saved;
}

function place(way, url) {
  const dialog = find('place');
  const form = dialog.querySelector('form');
  const [medium, path] = split(url);
  find('place-title').textContent = `${way === 'copy' ? 'Copy' : 'Move'} ${url}`;
  form.querySelector('.primary').textContent = way === 'copy' ? 'Copy' : 'Move';
  Object.assign(form.origin, {value: state.origin});
  Object.assign(form.medium, {value: medium});
  Object.assign(form.path, {value: way === 'copy' ? `${path} copy` : path});
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    const dest = `${form.medium.value}://${form.path.value}`;
    await attempt(() => transfer(way, url, form.origin.value, dest), `${way === 'copy' ? 'Copied' : 'Moved'} to ${dest}`);
    await attempt(refresh);
  };
  dialog.returnValue = '';
  dialog.showModal();
  form.path.select();
}

function remove(url) {
  const dialog = find('sure');
  const info = state.models[url];
  find('sure-what').textContent = `${url}, ${size((info?.weightDataBytes ?? 0) + (info?.modelTopologyBytes ?? 0))}, in ${state.origin}. This cannot be undone.`;
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    await attempt(() => here().removeModel(url, {expected: info}), `Removed ${url}`);
    await attempt(refresh);
    find('models').focus();
  };
  dialog.returnValue = '';
  dialog.showModal();
}

/** `files`: what was chosen, or a promise of it. */
async function upload(files) {
  await attempt(async () => {
    const models = await modelsOf(await files);
    for (const {name, artifacts} of models) await here().saveModel(`indexeddb://${name}`, artifacts, {overwrite: '0'});
    return models;
  }, (models) => `Uploaded ${models.map(({name}) => `indexeddb://${name}`).join(', ')}`);
  await attempt(refresh);
}

// -- live -----------------------------------------------------------------------------------------------------------------

function live(stateName, text) {
  find('live').dataset.state = stateName;
  find('live').textContent = text;
}

async function listen() {
  state.listening?.abort();
  const ending = (state.listening = new AbortController());
  while (!ending.signal.aborted) {
    try {
      for await (const {type} of here().events(ending.signal)) {
        if (type === 'ready') live('on', 'live');
        clearTimeout(listen.timer);
        listen.timer = setTimeout(() => attempt(refresh), 80);
      }
    } catch (error) {
      if (ending.signal.aborted) return;
      if (error.status === 401) return close();
    }
    if (ending.signal.aborted) return;
    live('lost', 'connection lost');
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
}

find('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  enter(find('token').value.trim());
  find('token').value = '';
});
find('find').addEventListener('input', draw);
for (const input of [find('files'), find('folder')]) {
  input.addEventListener('change', async () => {
    await upload(ofInput(input));
    input.value = '';
  });
}
addEventListener('dragover', (event) => {
  if (!event.dataTransfer.types.includes('Files') || !state.token) return;
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', (event) => event.relatedTarget ?? document.body.classList.remove('dropping'));
addEventListener('drop', (event) => {
  document.body.classList.remove('dropping');
  if (!event.dataTransfer.files.length || !state.token) return;
  event.preventDefault();
  upload(ofDrop(event.dataTransfer));
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && state.chosen && !document.querySelector('dialog[open]')) showNone();
  if (event.key === '/' && !event.target.closest('input, select, dialog')) {
    event.preventDefault();
    find('find').focus();
  }
});

const token = await tokenFromCode();
if (token) await enter(token);
else close();
