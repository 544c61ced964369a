// What can be done with a model: copy, move, remove, upload; each ends with `refresh`.

import {find, size} from '/page/elements.js';
import {modelsOf} from '/page/model_files.js';
import {attempt, daemonOf, here, split, state} from '/page/session.js';

/** `way`: 'copy' or 'move', of a model of the origin that is shown. A model that is there already is never replaced. */
export async function transfer(way, url, origin, dest) {
  if (origin === state.origin) return way === 'copy' ? here().copyModel(url, dest) : here().moveModel(url, dest);
  const [info, artifacts] = [state.models[url], await here().loadModel(url)];
  const saved = await daemonOf(origin).saveModel(dest, artifacts, {overwrite: '0'});
  if (way === 'move') await here().removeModel(url, {expected: info});
  return saved;
}

/** Asks where to, and does it. */
export function place(way, url, refresh) {
  const [verb, done] = way === 'copy' ? ['Copy', 'Copied'] : ['Move', 'Moved'];
  const dialog = find('place');
  const form = dialog.querySelector('form');
  const [medium, path] = split(url);
  find('place-title').textContent = `${verb} ${url}`;
  form.querySelector('.primary').textContent = verb;
  form.origin.value = state.origin;
  form.medium.value = medium;
  form.path.value = way === 'copy' ? `${path} copy` : path;
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    const dest = `${form.medium.value}://${form.path.value}`;
    await attempt(() => transfer(way, url, form.origin.value, dest), `${done} to ${dest}`);
    await refresh();
  };
  dialog.returnValue = '';
  dialog.showModal();
  form.path.select();
}

/** Asks whether a person is sure, and removes the model that was shown, not one that has taken its place. */
export function remove(url, refresh) {
  const dialog = find('sure');
  const info = state.models[url];
  const bytes = size((info?.weightDataBytes ?? 0) + (info?.modelTopologyBytes ?? 0));
  find('sure-what').textContent = `${url}, ${bytes}, in ${state.origin}. This cannot be undone.`;
  dialog.onclose = async () => {
    if (dialog.returnValue !== 'yes') return;
    await attempt(() => here().removeModel(url, {expected: info}), `Removed ${url}`);
    await refresh();
    find('models').focus();
  };
  dialog.returnValue = '';
  dialog.showModal();
}

/** `files`: what was chosen, or a promise of it. */
export async function upload(files, refresh) {
  await attempt(async () => {
    const models = await modelsOf(await files);
    for (const {name, artifacts} of models) await here().saveModel(`indexeddb://${name}`, artifacts, {overwrite: '0'});
    return models;
  }, (models) => `Uploaded ${models.map(({name}) => `indexeddb://${name}`).join(', ')}`);
  await refresh();
}
