// The page: origins, their models, and what can be done with them. What it shows, it asks the daemon for.

import {ofDrop, ofInput} from '/page/chosen_files.js';
import {element, find, growOlder} from '/page/elements.js';
import {carry, place, remove, upload} from '/page/model_actions.js';
import {download} from '/page/model_files.js';
import {drawModels, focusModel} from '/page/model_list.js';
import {showModel} from '/page/model_view.js';
import {drawOrigins} from '/page/origins.js';
import {attempt, daemonOf, here, shownPath, split, state, USER_HOME, whenRefused} from '/page/session.js';
import {showPairs} from '/page/sync_pairs.js';

const TOKEN = 'tfjsd-token';
const AROUND = 5000;
const BROWSERS = {chrome: 'Chrome’s quotas', firefox: 'Firefox’s quotas', safari: 'Safari’s quotas', unlimited: 'no quotas'};

// -- getting in ---------------------------------------------------------------------------------------------------------

async function tokenFromCode() {
  const code = location.hash.slice(1);
  if (!code) return sessionStorage.getItem(TOKEN);
  history.replaceState(null, '', '/');
  const answer = await fetch('/v1/page/session', {method: 'POST', body: JSON.stringify({code})});
  if (!answer.ok) return sessionStorage.getItem(TOKEN);
  const {token, user_home: home} = await answer.json();
  sessionStorage.setItem(USER_HOME, home);
  return token;
}

function close() {
  sessionStorage.removeItem(TOKEN);
  state.token = null;
  listen.ending?.abort();
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
  find('daemon').replaceChildren(
    element('span', {class: 'mono', title: status.home}, shownPath(status.home)),
    element('span', {}, BROWSERS[status.browser] ?? status.browser),
    element('span', {}, `version ${status.version}`));
  state.origins = (await attempt(() => daemonOf().json('GET', '/v1/origins'))) ?? {};
  await choose(Object.keys(state.origins)[0] ?? 'http://localhost');
}

// -- what is shown ------------------------------------------------------------------------------------------------------

async function choose(origin) {
  if (state.origin !== origin) showNone();
  state.origin = origin;
  find('origin').textContent = origin;
  await refresh();
  listen();
}

const draw = () => drawModels(show);

async function refreshAround() {
  state.origins = await daemonOf().json('GET', '/v1/origins');
  state.origins[state.origin] ??= await here().json('GET', '/v1/estimate');
  drawOrigins(state.origins, {choose, dropped: copyTo});
  await showPairs(find('pairs'), daemonOf(), attempt);
}

const refresh = () => attempt(async () => {
  state.models = await here().listModels();
  draw();
  if (state.chosen && !(state.chosen in state.models)) showNone();
  await refreshAround();
});

const copyTo = (url, origin) => carry('copy', url, origin, url, refresh);

function showNone() {
  state.chosen = null;
  find('model').hidden = true;
  find('open').classList.remove('with-model');
  draw();
}

function leave() {
  const url = state.chosen;
  showNone();
  focusModel(url);
}

const action = (label, url, run, kind) =>
  element('button', {type: 'button', class: kind, 'aria-label': `${label} ${url}`, onclick: run}, label);

async function show(url) {
  state.chosen = url;
  draw();
  const tools = element('p', {class: 'row'},
    action('Copy…', url, () => place('copy', url, refresh)),
    action('Move…', url, () => place('move', url, refresh)),
    action('Download', url, () => attempt(async () => download(split(url)[1], await here().loadModel(url)))),
    action('Remove…', url, () => remove(url, refresh), 'danger'));
  const closing = element('button', {type: 'button', class: 'quiet', 'aria-label': 'Close', onclick: leave}, '✕');
  find('model').hidden = false;
  find('open').classList.add('with-model');
  find('model').replaceChildren(element('div', {class: 'head'}, element('h2', {class: 'name'}, url), closing), tools);
  find('model').focus({preventScroll: true});
  const drawn = await attempt(() => showModel(here(), url, state.models[url]));
  if (drawn && state.chosen === url) find('model').append(...drawn);
}

// -- live -----------------------------------------------------------------------------------------------------------------

function live(name, text) {
  find('live').dataset.state = name;
  find('live').textContent = text;
}

/** Many events within a moment are one look at the lists. */
function soon() {
  soon.timer ??= setTimeout(() => {
    soon.timer = null;
    refresh();
  }, 80);
}

async function listen() {
  listen.ending?.abort();
  const ending = (listen.ending = new AbortController());
  while (!ending.signal.aborted) {
    try {
      for await (const {type} of here().events(ending.signal)) {
        if (type === 'ready') live('on', 'live');
        soon();
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

// Events are those of one origin; the others, and the directories, are asked for now and then.
setInterval(() => {
  if (!state.token || document.hidden || find('live').dataset.state !== 'on') return;
  growOlder();
  refreshAround().catch(() => {}); // the stream of events ends as well, and says so
}, AROUND);

// -- what a person does ---------------------------------------------------------------------------------------------------

find('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  enter(find('token').value.trim());
  find('token').value = '';
});
find('find').addEventListener('input', draw);
for (const input of [find('files'), find('folder')]) {
  input.addEventListener('change', async () => {
    await upload(ofInput(input), refresh);
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
  upload(ofDrop(event.dataTransfer), refresh);
});
document.addEventListener('keydown', (event) => {
  if (document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape' && state.chosen) leave();
  if (event.key === '/' && !event.target.closest('input, select')) {
    event.preventDefault();
    find('find').focus();
  }
});

whenRefused(close);
const token = await tokenFromCode();
if (token) await enter(token);
else close();
